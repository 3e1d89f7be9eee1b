SUMMARY = "Confirms an update of a station, or goes back"
DESCRIPTION = "An update is good when the station meters and signs with it, not when it boots. Until then RAUC is not told that the \
slot is good; when it does not become good in time, the station goes back to the slot before, unless that one could not read the \
state any more."
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

SRC_URI = " \
    file://slot \
    file://delmonicos-slot.service \
    file://delmonicos-confirm.service \
    file://delmonicos-confirm.timer \
    file://delmonicos-rollback.service \
    file://delmonicos-update.default \
    file://delmonicos-update.tmpfiles \
"

S = "${UNPACKDIR}"

inherit features_check systemd

REQUIRED_DISTRO_FEATURES = "systemd rauc delmonicos-ab"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -D -m 0755 ${S}/slot ${D}${libexecdir}/delmonicos/slot
    ln -s slot ${D}${libexecdir}/delmonicos/before-update
    install -D -m 0644 ${S}/delmonicos-update.default ${D}${sysconfdir}/default/delmonicos-update
    install -D -m 0644 ${S}/delmonicos-update.tmpfiles ${D}${nonarch_libdir}/tmpfiles.d/delmonicos-update.conf
    install -d ${D}${systemd_system_unitdir}
    install -m 0644 ${S}/delmonicos-slot.service ${S}/delmonicos-confirm.service ${S}/delmonicos-confirm.timer \
        ${S}/delmonicos-rollback.service ${D}${systemd_system_unitdir}/
}

FILES:${PN} += " \
    ${libexecdir}/delmonicos \
    ${nonarch_libdir}/tmpfiles.d \
    ${systemd_system_unitdir} \
    ${sysconfdir}/default/delmonicos-update \
"
CONFFILES:${PN} = "${sysconfdir}/default/delmonicos-update"

# The other two are started by these.
SYSTEMD_SERVICE:${PN} = "delmonicos-slot.service delmonicos-confirm.timer"

RDEPENDS:${PN} = "delmonicos-inside delmonicos-platform rauc rauc-service"
