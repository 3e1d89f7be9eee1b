#!/bin/sh
# What `npm run test:boot` needs besides npm's packages. Installs it where it may (Debian, as root), otherwise says what is missing.
set -eu

missing=""
# A command, and the Debian package that has it.
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need qemu-system-x86_64 qemu-system-x86
need mmdebstrap mmdebstrap
need mksquashfs squashfs-tools
need mkfs.ext4 e2fsprogs
need swtpm swtpm
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing="$missing debian-archive-keyring"

[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "test:boot needs these Debian packages:$missing" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086 # names, one a word
apt-get install -y -q --no-install-recommends $missing
