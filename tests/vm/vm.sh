#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs a script as root in a virtual machine of its own: Debian's cloud kernel, cgroup v2 with all its
# controllers, everything in memory. For what the kernel of this machine cannot show.
#
#   vm.sh SCRIPT [FILE[:PLACE]]...
#
# Each FILE (or folder) is put into /bin of the machine, or at PLACE; programs are best static, the
# shared libraries of others are put in, too. The script is run by busybox's sh, with all of busybox
# around it (whose commands come before FILEs of the same name). Its output goes to stdout, its exit status is that of vm.sh; 99 if the machine did not
# come to its end within VM_TIMEOUT seconds (120). VM_MEMORY is in MiB (1024). VM_MODULES names the
# kernel modules to load.
#
# Qemu translates (TCG), so it works where there is no KVM, about ten times slower than the machine.
set -eu
: "${VM_TIMEOUT:=120}" "${VM_MEMORY:=1024}" "${VM_MODULES:=overlay bridge veth nf_tables}"
[ $# -ge 1 ] || { echo "usage: vm.sh SCRIPT [FILE[:PLACE]]..." >&2; exit 2; }
script=$1
shift

kernel=$(find /boot -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -n 1)
missing=
[ -n "$kernel" ] || missing+=" linux-image-cloud-amd64"
command -v qemu-system-x86_64 >/dev/null || missing+=" qemu-system-x86"
command -v cpio >/dev/null || missing+=" cpio"
[ -x /bin/busybox ] || missing+=" busybox-static"
if [ -n "$missing" ]; then
  [ -z "${XML_OUTPUT_FILE:-}" ] || exec tests/skip.sh "$(basename "$script")" "needs$missing"
  echo "vm.sh: missing packages:$missing" >&2
  exit 2
fi
release=${kernel#/boot/vmlinuz-}

scratch=$(mktemp -d /tmp/vm.XXXXXX)
qemu=
cleanup() {
  [ -z "$qemu" ] || kill "$qemu" 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

# The file system of the machine.
root=$scratch/root
mkdir -p "$root"/{bin,dev,etc,modules,new,proc,root,run,sys,tmp}
ln -s bin "$root/sbin"
chmod 1777 "$root/tmp"
echo 'root:x:0:0::/root:/bin/sh' >"$root/etc/passwd"
echo 'user:x:1000:1000::/tmp:/bin/sh' >>"$root/etc/passwd"
printf 'root:x:0:\nuser:x:1000:\n' >"$root/etc/group"
cp -L /bin/busybox "$root/bin/"
cp -L "$script" "$root/script"

# The libraries that ldd lists, at the places where it found them.
put_libraries() {
  { ldd "$1" 2>/dev/null || true; } | grep -o '/[^ )]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done
}
for entry in "$@"; do
  file=${entry%%:*}
  place=/bin/$(basename "$file")
  [ "$file" = "$entry" ] || place=${entry#*:}
  mkdir -p "$root$(dirname "$place")"
  cp -rL "$file" "$root$place"
  [ -d "$file" ] || put_libraries "$file"
done

# Modules, in the order in which they have to be loaded.
for module in $VM_MODULES; do
  modprobe --set-version "$release" --show-depends "$module" 2>/dev/null | sed -n 's/^insmod //p'
done | awk '!seen[$1]++ { print $1 }' >"$scratch/modules"
while read -r module; do
  cp "$module" "$root/modules/"
  basename "$module" >>"$root/modules/order"
done <"$scratch/modules"

cat >"$root/init" <<'INIT'
#!/bin/busybox sh
# The first root of a kernel cannot be left with pivot_root(2), which containers need: everything
# moves to a tmpfs first.
if [ ! -e /moved ]; then
  /bin/busybox --install -s /bin
  mount -t tmpfs -o mode=755,size=80% root /new
  for name in /*; do
    case $name in /new | /dev | /proc | /sys) ;; *) cp -a "$name" /new/ ;; esac
  done
  mkdir /new/dev /new/proc /new/sys
  : >/new/moved
  exec switch_root /new /init
fi
export PATH=/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
while read -r module; do insmod "/modules/$module"; done </modules/order
ip link set lo up
echo "vm: Linux $(uname -r), controllers: $(cat /sys/fs/cgroup/cgroup.controllers)"
sh /script </dev/null
echo "vm: status $?"
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio --create --format=newc --quiet | gzip -1) >"$scratch/initrd"

: >"$scratch/serial"
timeout "$VM_TIMEOUT" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -M q35 -smp 2 \
  -m "$VM_MEMORY" -nodefaults -no-reboot -display none -serial stdio \
  -kernel "$kernel" -initrd "$scratch/initrd" \
  -append "console=ttyS0 quiet panic=-1 mitigations=off" </dev/null >>"$scratch/serial" &
qemu=$!
# The line ends its lines with \r\n. tail ends with qemu.
tail -n +1 --pid="$qemu" -f "$scratch/serial" | tr -d '\r'
wait "$qemu" || true
qemu=
status=$(tr -d '\r' <"$scratch/serial" | sed -n 's/^vm: status //p' | tail -n 1)
[ -n "$status" ] || echo "vm.sh: the machine did not come to its end"
exit "${status:-99}"
