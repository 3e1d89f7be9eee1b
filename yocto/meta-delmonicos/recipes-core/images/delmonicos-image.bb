SUMMARY = "A charging station with Delmonicos Inside, to try and to start from"
DESCRIPTION = "Read-only root file system in two slots, a data partition, updates with RAUC. Nobody can log in: an OEM adds what \
the product needs in an image of its own that requires this one."
LICENSE = "Apache-2.0"

inherit core-image features_check

REQUIRED_DISTRO_FEATURES = "systemd delmonicos-ab"

IMAGE_FEATURES += "read-only-rootfs"
IMAGE_LINGUAS = ""

# The kernel is in the slot, so that an update replaces both or none.
IMAGE_INSTALL = " \
    packagegroup-core-boot \
    packagegroup-delmonicos \
    kernel-image \
    ${CORE_IMAGE_EXTRA_INSTALL} \
"

# ext4 goes into the update, wic onto an empty disk.
IMAGE_FSTYPES = "ext4 wic wic.bmap"
IMAGE_ROOTFS_EXTRA_SPACE = "0"
# A slot is written whole; what is larger than it is refused here and not on the station. KiB.
IMAGE_ROOTFS_MAXSIZE = "${@int(d.getVar('DELMONICOS_SLOT_SIZE') or '512') * 1024}"

# It lies beside this recipe, also for an image of the OEM's that requires this one. A board with a boot loader at fixed sectors
# needs one of its own (docs/yocto.md).
WKS_FILE ?= "delmonicos-image.wks.in"
WKS_SEARCH_PATH:prepend := "${THISDIR}:"
do_image_wic[depends] += "delmonicos-boot:do_deploy"
