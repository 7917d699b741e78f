#!/bin/sh
# Runs inside a new mount and uts namespace (see hypervisor.ts): gives this libvirtd directories of its own in place of the host's, then becomes libvirtd.
# A script of its own because the process that mounts must be the one that becomes libvirtd.
#   enter-host.sh NAME STATE_DIR RUN_DIR
set -eu
name=$1 state=$2 run=$3
hostname "$name"
# The mount points must exist: empty folders of the names that the Debian packages use anyway.
for pair in "etc:/etc/libvirt" "var:/var/lib/libvirt" "log:/var/log/libvirt" "cache:/var/cache/libvirt"; do
  mkdir -p "${pair#*:}"
  mount --bind "$state/${pair%%:*}" "${pair#*:}"
done
mkdir -p /run/libvirt
mount --bind "$run" /run/libvirt
# libvirtd refuses to start without the accounts that only libvirt-daemon-system makes, though qemu.conf names others: show it private account files.
for file in passwd group; do
  cp "/etc/$file" "$state/$file"
done
grep -q '^libvirt-qemu:' "$state/passwd" || echo 'libvirt-qemu:x:65534:65534::/nonexistent:/usr/sbin/nologin' >> "$state/passwd"
for group in libvirt-qemu kvm; do
  grep -q "^$group:" "$state/group" || echo "$group:x:65534:" >> "$state/group"
done
for file in passwd group; do
  mount --bind "$state/$file" "/etc/$file"
done
exec libvirtd --pid-file "$run/libvirtd.pid"
