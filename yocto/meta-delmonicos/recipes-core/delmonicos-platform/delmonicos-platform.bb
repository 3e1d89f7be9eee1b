SUMMARY = "What Delmonicos Inside needs of a device with a read-only root file system"
DESCRIPTION = "Mounts the data partition and binds from it what must outlive a reboot and an update: the state, the sealed \
credentials, systemd's own state with the key that unseals them, and the machine ID that this key is bound to."
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

SRC_URI = " \
    file://data.mount.in \
    file://grubenv.mount.in \
    file://bind.mount.in \
    file://delmonicos-machine-id.service \
    file://keep-machine-id.in \
    file://10-delmonicos-watchdog.conf \
"

S = "${UNPACKDIR}"
B = "${WORKDIR}/build"

inherit features_check systemd

REQUIRED_DISTRO_FEATURES = "systemd delmonicos-ab"

# Devices and the boot loader are the machine's.
PACKAGE_ARCH = "${MACHINE_ARCH}"

# "what is on the data partition":"where it is bound":"access mode". /var/lib/systemd holds the host key of systemd-creds: without
# it the root seed of the station could never be read again after an update.
DELMONICOS_BINDS ?= " \
    delmonicos:/var/lib/delmonicos:0700 \
    delmonicos-gateway:/var/lib/delmonicos-gateway:0700 \
    delmonicos-provision:/var/lib/delmonicos-provision:0755 \
    systemd:/var/lib/systemd:0755 \
    credstore:/etc/credstore:0700 \
    credstore.encrypted:/etc/credstore.encrypted:0700 \
"

# systemd's escaping of paths in unit names (systemd.unit(5), "String escaping for inclusion in unit names").
def delmonicos_unit_name(path):
    name = ""
    for position, character in enumerate(path.strip("/")):
        if character == "/":
            name += "-"
        elif character.isalnum() or character in ":_" or (character == "." and position > 0):
            name += character
        else:
            name += "\\x%02x" % ord(character)
    return name

def delmonicos_binds(d):
    return [entry.split(":") for entry in d.getVar("DELMONICOS_BINDS").split()]

python do_compile() {
    import os

    def fill(template, unit, values):
        with open(os.path.join(d.getVar("S"), template)) as source:
            text = source.read()
        for name, value in values.items():
            text = text.replace("@%s@" % name, value)
        with open(os.path.join(d.getVar("B"), unit), "w") as target:
            target.write(text)

    def device(name):
        path = d.getVar(name)
        if not path:
            bb.fatal("%s is not set: require conf/distro/include/delmonicos.inc in the distro configuration" % name)
        return {"DEVICE": path, "DEVICE_UNIT": delmonicos_unit_name(path)}

    loader = d.getVar("DELMONICOS_BOOTLOADER")
    if loader not in ("grub", "uboot"):
        bb.fatal("DELMONICOS_BOOTLOADER is '%s': it must be grub or uboot" % loader)
    fill("data.mount.in", "data.mount", device("DELMONICOS_DEV_DATA"))
    if loader == "grub":
        fill("grubenv.mount.in", "grubenv.mount", device("DELMONICOS_DEV_ENV"))
    for what, where, mode in delmonicos_binds(d):
        fill("bind.mount.in", delmonicos_unit_name(where) + ".mount", {"WHAT": what, "WHERE": where, "MODE": mode})
    fill("keep-machine-id.in", "keep-machine-id", {"BOOTLOADER": loader})
}
do_compile[cleandirs] = "${B}"
do_compile[vardeps] += "DELMONICOS_BINDS DELMONICOS_BOOTLOADER DELMONICOS_DEV_DATA DELMONICOS_DEV_ENV"
do_configure[noexec] = "1"

do_install() {
    # The mounts are no matter of choice: they hang on local-fs.target by links of the vendor, not by enabling.
    install -d ${D}${systemd_system_unitdir}/local-fs.target.wants
    for unit in ${B}/*.mount; do
        install -m 0644 "$unit" ${D}${systemd_system_unitdir}/
        ln -s "../${unit##*/}" ${D}${systemd_system_unitdir}/local-fs.target.wants/
    done
    install -m 0644 ${S}/delmonicos-machine-id.service ${D}${systemd_system_unitdir}/
    install -D -m 0755 ${B}/keep-machine-id ${D}${libexecdir}/delmonicos/keep-machine-id
    install -D -m 0644 ${S}/10-delmonicos-watchdog.conf ${D}${nonarch_libdir}/systemd/system.conf.d/10-delmonicos-watchdog.conf

    # Nobody can make a mount point on a read-only root.
    install -d ${D}/data
    if [ "${DELMONICOS_BOOTLOADER}" = "grub" ]; then
        install -d ${D}/grubenv
    fi
    for bind in ${DELMONICOS_BINDS}; do
        where=${bind#*:}
        install -d -m "${bind##*:}" "${D}${where%:*}"
    done
}

FILES:${PN} += " \
    /data \
    /grubenv \
    /etc/credstore \
    /etc/credstore.encrypted \
    /var/lib/delmonicos \
    /var/lib/delmonicos-gateway \
    /var/lib/delmonicos-provision \
    /var/lib/systemd \
    ${libexecdir}/delmonicos \
    ${nonarch_libdir}/systemd/system.conf.d \
    ${systemd_system_unitdir} \
"

SYSTEMD_SERVICE:${PN} = "delmonicos-machine-id.service"

RDEPENDS:${PN} = " \
    e2fsprogs-e2fsck \
    ${@'grub-editenv' if d.getVar('DELMONICOS_BOOTLOADER') == 'grub' else 'libubootenv-bin'} \
"
