SUMMARY = "Update of a charging station with Delmonicos Inside"
LICENSE = "Apache-2.0"

inherit bundle features_check

REQUIRED_DISTRO_FEATURES = "delmonicos-ab"

RAUC_BUNDLE_COMPATIBLE = "${DELMONICOS_COMPATIBLE}"
RAUC_BUNDLE_VERSION ?= "${DISTRO_VERSION}"
# The version of the OEM's image, not of this recipe; it is what `rauc status` shows on the station.
RAUC_BUNDLE_DESCRIPTION = "${SUMMARY}"
RAUC_BUNDLE_FORMAT = "verity"

RAUC_BUNDLE_SLOTS = "rootfs"
# An OEM's own image: DELMONICOS_BUNDLE_IMAGE in the distro configuration.
DELMONICOS_BUNDLE_IMAGE ?= "delmonicos-image"
RAUC_SLOT_rootfs = "${DELMONICOS_BUNDLE_IMAGE}"
RAUC_SLOT_rootfs[fstype] = "ext4"
RAUC_SLOT_rootfs[adaptive] = "block-hash-index"

# Signed by the OEM, and by nobody else: without a key there is no bundle.
python delmonicos_bundle_keys() {
    import os
    for name in ("RAUC_KEY_FILE", "RAUC_CERT_FILE"):
        value = d.getVar(name)
        if not value:
            bb.fatal("%s is not set: make keys of your own (docs/yocto.md, 'Keys for updates')" % name)
        if not value.startswith("pkcs11:") and not os.path.exists(value):
            bb.fatal("%s: there is no file %s" % (name, value))
}
do_configure[prefuncs] += "delmonicos_bundle_keys"
