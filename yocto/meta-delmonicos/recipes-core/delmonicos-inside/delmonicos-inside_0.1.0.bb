SUMMARY = "Signed metering of a charging station"
DESCRIPTION = "Reads the meters of a charging station, signs every reading, keeps it in a transparency log and anchors that log on a \
Substrate parachain through a light client."
SECTION = "misc"

# Everything that ships, as bundle/licenses in the archive lists it (sbom.cdx.json there is the list for machines). SQLite is in the
# public domain. smoldot, in the gateway, is GPL-3.0-or-later WITH Classpath-exception-2.0: OE knows no WITH, and the exception
# gives more rights, so the licence stands here without it. Then INCOMPATIBLE_LICENSE finds it.
LICENSE = "Apache-2.0 & MIT & ISC & PD & GPL-3.0-or-later"
LICENSE:${PN} = "Apache-2.0 & MIT & ISC & PD"
LICENSE:${PN}-gateway = "Apache-2.0 & MIT & ISC & GPL-3.0-or-later"

# The source release: `npm run release` makes it, and `-- --pin` writes its checksums and those of its licences into this file.
# Nothing is fetched but the archive, and nothing while it is compiled.
require delmonicos-inside-release.inc

# A mirror of the OEM's, or a folder: file:///srv/releases. An archive that lies in DL_DIR is taken from there.
DELMONICOS_RELEASES ??= "https://releases.delmonicos.example/inside"
SRC_URI = "${DELMONICOS_RELEASES}/${BP}.tar.gz"

# S is what it is by default, in scarthgap and in wrynose: the archive unpacks into ${BP}.
B = "${WORKDIR}/build"

# The headers of the Node that the image has: include/node of its sysroot.
DEPENDS = "nodejs"

inherit systemd useradd

# What the prebuilt addons are for: glibc, and on ARM hardware floating point.
COMPATIBLE_HOST = "(aarch64|x86_64).*-linux$"
COMPATIBLE_HOST:arm = "${@bb.utils.contains('TUNE_FEATURES', 'callconvention-hard', 'arm.*-linux-gnueabi', 'null', d)}"

DELMONICOS_ARCH = "none"
DELMONICOS_ARCH:aarch64 = "arm64"
DELMONICOS_ARCH:arm = "armv7"
DELMONICOS_ARCH:x86-64 = "x64"

do_configure[noexec] = "1"

# better-sqlite3's addon is bound to the major version of Node, so it is made here. STRIP: packaging strips, and keeps the symbols.
do_compile() {
    oe_runmake -C ${S}/better-sqlite3 BETTER_SQLITE3=${S}/better-sqlite3 NODE_INCLUDE=${STAGING_INCDIR}/node OUT=${B} STRIP=true
    # The notify socket's: of this product, bound to Node-API.
    oe_runmake -C ${S}/unix-datagram NODE_API_INCLUDE=${STAGING_INCDIR}/node OUT=${B} STRIP=true
}

do_install() {
    bundle=${D}${nonarch_libdir}/delmonicos
    install -d $bundle/addons $bundle/bin $bundle/licenses $bundle/models
    install -m 0644 ${S}/bundle/*.js ${S}/bundle/*.json ${S}/bundle/*.html $bundle/
    install -m 0644 ${S}/bundle/models/* $bundle/models/
    install -m 0644 ${S}/bundle/licenses/* $bundle/licenses/
    install -m 0755 ${S}/bundle/bin/* ${S}/systemd/usb-config $bundle/bin/
    # Bound to Node-API, which every Node has: as it comes.
    install -m 0644 ${S}/addons/${DELMONICOS_ARCH}/*.node $bundle/addons/
    install -m 0644 ${B}/better_sqlite3.node ${B}/unix_datagram.node $bundle/addons/

    install -d ${D}${bindir}
    ln -s ../lib/delmonicos/bin/delmonicos ${D}${bindir}/delmonicos

    install -d ${D}${systemd_system_unitdir}
    install -m 0644 ${S}/systemd/*.service ${S}/systemd/*.socket ${S}/systemd/*.timer ${D}${systemd_system_unitdir}/
    # No sysusers.d: useradd makes the users while the image is built, as a read-only root cannot.
    install -d ${D}${nonarch_libdir}/tmpfiles.d ${D}${nonarch_base_libdir}/udev/rules.d
    install -m 0644 ${S}/systemd/tmpfiles.d/*.conf ${D}${nonarch_libdir}/tmpfiles.d/
    install -m 0644 ${S}/systemd/udev/*.rules ${D}${nonarch_base_libdir}/udev/rules.d/

    # The OEM's configuration and keys belong here; credentials are bound here from the data partition.
    install -d -m 0755 ${D}${sysconfdir}/delmonicos ${D}${sysconfdir}/delmonicos/chain
    install -d -m 0700 ${D}${sysconfdir}/credstore ${D}${sysconfdir}/credstore.encrypted
    install -D -m 0644 ${S}/docs/example-station.yaml ${D}${docdir}/${BPN}/example-station.yaml
}

PACKAGES =+ "${PN}-gateway"

SUMMARY:${PN}-gateway = "Chain gateway of Delmonicos Inside, with the light client"
FILES:${PN}-gateway = " \
    ${nonarch_libdir}/delmonicos/gateway.js \
    ${nonarch_libdir}/delmonicos/bin/delmonicos-gateway \
    ${systemd_system_unitdir}/delmonicos-gateway* \
"
FILES:${PN} += " \
    ${nonarch_libdir}/delmonicos \
    ${nonarch_libdir}/tmpfiles.d \
    ${nonarch_base_libdir}/udev \
    ${sysconfdir}/delmonicos \
    ${sysconfdir}/credstore \
    ${sysconfdir}/credstore.encrypted \
    ${systemd_system_unitdir} \
"

# npm is a package of its own, and not on the device. The other two: a configuration from a stick is copied by somebody who may
# little, from a file system that may nothing.
RDEPENDS:${PN} = "nodejs util-linux-mount util-linux-setpriv"
RDEPENDS:${PN}-gateway = "${PN} nodejs"
RRECOMMENDS:${PN} = "${PN}-gateway"

SYSTEMD_PACKAGES = "${PN} ${PN}-gateway"
# The others are started by these two, or by udev.
SYSTEMD_SERVICE:${PN} = "delmonicos.service"
SYSTEMD_SERVICE:${PN}-gateway = "delmonicos-gateway.socket"
SYSTEMD_AUTO_ENABLE = "enable"

USERADD_PACKAGES = "${PN} ${PN}-gateway"
GROUPADD_PARAM:${PN} = "--system delmonicos"
USERADD_PARAM:${PN} = "--system --gid delmonicos --groups dialout --home-dir /var/lib/delmonicos --no-create-home --shell /sbin/nologin delmonicos"
GROUPADD_PARAM:${PN}-gateway = "--system delmonicos-gateway"
USERADD_PARAM:${PN}-gateway = "--system --gid delmonicos-gateway --home-dir /var/lib/delmonicos-gateway --no-create-home --shell /sbin/nologin delmonicos-gateway"

# serialport's addon is published without symbols.
INSANE_SKIP:${PN} += "already-stripped"
# serialport's uses ioctl(2) and fcntl(2) of 32-bit ARM, for terminals and locks only: no time goes through them.
INSANE_SKIP:append:arm = " 32bit-time"
