#!/bin/sh
# With `station.events` on the kernel's command line the service also says on a virtio port what it has committed, so that a test
# knows it to the moment. Everything else of its unit stays as it is.
set -eu
grep -qw station.events /proc/cmdline || exit 0
mkdir -p "$1/delmonicos.service.d"
cat >"$1/delmonicos.service.d/50-events.conf" <<'UNIT'
[Unit]
Wants=dev-virtio\x2dports-events.device
After=dev-virtio\x2dports-events.device

[Service]
DeviceAllow=/dev/virtio-ports/events rw
ExecStart=
ExecStart=/usr/bin/delmonicos run --config /etc/delmonicos/station.yaml --no-new-seed --json
StandardOutput=file:/dev/virtio-ports/events
StandardError=journal
UNIT
