SUMMARY = "Delmonicos Inside on a charging station"
DESCRIPTION = "The metering core, its chain gateway and, where the distribution is set up for A/B updates, what these need."

inherit packagegroup

RDEPENDS:${PN} = " \
    delmonicos-inside \
    ca-certificates \
    tzdata-core \
    ${@bb.utils.contains('DISTRO_FEATURES', 'delmonicos-ab', 'delmonicos-platform', '', d)} \
"

# Left out by an OEM who wants no GPL-3.0 on the device: BAD_RECOMMENDATIONS += "delmonicos-inside-gateway". The station then
# meters and keeps its evidence, and anchors nothing by itself.
RRECOMMENDS:${PN} = " \
    delmonicos-inside-gateway \
    ${@bb.utils.contains('DISTRO_FEATURES', 'tpm2', 'tpm2-tools', '', d)} \
    ${@bb.utils.contains('BBFILE_COLLECTIONS', 'rauc', bb.utils.contains('DISTRO_FEATURES', 'delmonicos-ab', 'delmonicos-update', '', d), '', d)} \
"
