require ${@bb.utils.contains('DISTRO_FEATURES', 'delmonicos-ab', 'rauc-delmonicos.inc', '', d)}
