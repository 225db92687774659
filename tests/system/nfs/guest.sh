#!/bin/bash
# The first process of a guest: the host's files, read-only but for notes, folders in memory
# beside them, a network; then it does what it is asked on its console (agent.py).
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for folder in /run /mnt /var/lib/nfs /dev/shm; do
  mkdir -p "$folder" && mount -t tmpfs tmpfs "$folder"
done
mkdir -p /run/lock /run/notes /mnt/lib/modules /mnt/store
mount -t hostfs none /run/notes -o "$notes"
ln -s "$modules" "/mnt/lib/modules/$(uname -r)"
ip link set lo up
ip addr add "$address/24" dev vec0
ip link set vec0 up
hostname "$name"
stty -echo -icanon
exec "$python" -u "$(dirname "$0")/agent.py"
