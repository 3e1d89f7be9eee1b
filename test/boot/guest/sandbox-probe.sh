#!/bin/bash
# Tried from inside the service's own sandbox; one line each: what, and what came of it.
state=$STATE_DIRECTORY

try() {
  local what=$1
  shift
  local said
  if said=$("$@" 2>&1); then echo "$what: allowed"; else
    said=$(head -n 1 <<<"$said")
    echo "$what: refused (${said##*: })"
  fi
}

try 'write into its state' bash -c "echo x >'$state/probe'"
try 'execute what it wrote' bash -c "printf '#!/bin/sh\n' >'$state/probe.sh'; chmod +x '$state/probe.sh'; '$state/probe.sh'"
rm -f "$state/probe" "$state/probe.sh"
for path in /etc/probe /usr/probe /var/probe /data/probe /etc/delmonicos/probe /run/probe /var/lib/probe; do
  try "write $path" bash -c "echo x >$path"
done
try 'list the gateway state' ls /var/lib/delmonicos-gateway
try 'list sealed credentials' ls /etc/credstore.encrypted
try 'read the host key' cat /var/lib/systemd/credential.secret
try 'see process 1' cat /proc/1/status
try 'open the serial bus' bash -c 'exec 3<>/dev/ttyS1'
for device in "$@"; do
  try "open $device" bash -c "exec 3<>$device"
done
try 'make a user namespace' unshare --user true
try 'mount a file system' mount -t tmpfs none /mnt
try 'set the clock' date -s @0
try 'write a kernel setting' bash -c 'echo 1 >/proc/sys/kernel/panic'
try 'load a kernel module' modprobe loop
