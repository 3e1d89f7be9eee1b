# Only in a distribution that is set up for it: the mere presence of this layer changes nobody's RAUC.
require ${@bb.utils.contains('DISTRO_FEATURES', 'delmonicos-ab', 'rauc-conf-delmonicos.inc', '', d)}
