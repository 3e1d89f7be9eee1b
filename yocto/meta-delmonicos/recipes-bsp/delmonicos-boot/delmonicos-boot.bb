SUMMARY = "Boot partitions of a station with two slots"
DESCRIPTION = "GRUB with the script that chooses the slot as RAUC's grub backend expects it, and its environment, as partition \
images for wic; or, with DELMONICOS_BOOTLOADER = uboot, a boot script as RAUC's uboot backend expects it."
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

require conf/image-uefi.conf

SRC_URI = " \
    file://grub.cfg.in \
    file://boot.cmd.in \
"

S = "${UNPACKDIR}"
B = "${WORKDIR}/build"

# kernel-arch: UBOOT_ARCH
inherit deploy features_check kernel-arch nopackages

REQUIRED_DISTRO_FEATURES = "delmonicos-ab"

PACKAGE_ARCH = "${MACHINE_ARCH}"
INHIBIT_DEFAULT_DEPS = "1"
DEPENDS = "${@'u-boot-tools-native' if d.getVar('DELMONICOS_BOOTLOADER') == 'uboot' else 'dosfstools-native grub-native mtools-native'}"

# What the kernel is told besides its slot. ro: the root file system is never written; panic: a kernel that gives up tries again.
DELMONICOS_KERNEL_APPEND ?= "ro rootwait panic=10 quiet ${@' '.join('console=%s' % c.split(';')[1] + (',' + c.split(';')[0]) for c in (d.getVar('SERIAL_CONSOLES') or '').split() if ';' in c)}"

do_configure[noexec] = "1"

do_compile() {
    for script in grub.cfg boot.cmd; do
        sed -e 's|@KERNEL@|${KERNEL_IMAGETYPE}|g' -e 's|@APPEND@|${DELMONICOS_KERNEL_APPEND}|g' \
            ${S}/$script.in > ${B}/$script
    done

    if [ "${DELMONICOS_BOOTLOADER}" = "uboot" ]; then
        mkimage -A ${UBOOT_ARCH} -T script -C none -n "Delmonicos slots" -d ${B}/boot.cmd ${B}/boot.scr
        return
    fi

    grub-script-check ${B}/grub.cfg

    mkfs.vfat -n EFI -i 44454c31 -C ${B}/delmonicos-efi.vfat 16384
    mmd -i ${B}/delmonicos-efi.vfat ::/EFI ::/EFI/BOOT
    mcopy -i ${B}/delmonicos-efi.vfat ${DEPLOY_DIR_IMAGE}/grub-efi-${EFI_BOOT_IMAGE} ::/EFI/BOOT/${EFI_BOOT_IMAGE}
    mcopy -i ${B}/delmonicos-efi.vfat ${B}/grub.cfg ::/EFI/BOOT/grub.cfg

    # Both slots hold the same system at first, and neither has failed.
    grub-editenv ${B}/grubenv create
    grub-editenv ${B}/grubenv set ORDER="A B" A_OK=1 A_TRY=0 B_OK=1 B_TRY=0
    mkfs.vfat -n ENV -i 44454c32 -C ${B}/delmonicos-env.vfat 4096
    mcopy -i ${B}/delmonicos-env.vfat ${B}/grubenv ::/grubenv
}
do_compile[cleandirs] = "${B}"
do_compile[depends] += "${@'grub-efi:do_deploy' if d.getVar('DELMONICOS_BOOTLOADER') != 'uboot' else ''}"

do_install[noexec] = "1"

do_deploy() {
    if [ "${DELMONICOS_BOOTLOADER}" = "uboot" ]; then
        install -m 0644 ${B}/boot.scr ${DEPLOYDIR}/delmonicos-boot.scr
    else
        install -m 0644 ${B}/delmonicos-efi.vfat ${B}/delmonicos-env.vfat ${DEPLOYDIR}/
    fi
}
addtask deploy after do_compile before do_build

# GRUB for UEFI where these three families have it; on other boards the OEM's BSP brings its own loader.
COMPATIBLE_HOST = "(aarch64|arm|x86_64).*-linux.*"
