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
# kernel modules to load. With VM_INIT=systemd process 1 is this machine's systemd, with a D-Bus daemon
# beside it, and the script is one of its services, script.service. With VM_MAKE=FOLDER nothing is run:
# its kernel and initrd are put there, for one who runs them himself (power_cut_test.py).
#
# Qemu translates (TCG), so it works where there is no KVM, about ten times slower than the machine.
set -eu
: "${VM_TIMEOUT:=120}" "${VM_MEMORY:=1024}" "${VM_MODULES:=overlay bridge veth nf_tables}" "${VM_INIT:=}" "${VM_MAKE:=}"
[ $# -ge 1 ] || { echo "usage: vm.sh SCRIPT [FILE[:PLACE]]..." >&2; exit 2; }
script=$1
shift

kernel=$(find /boot -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -n 1)
missing=
[ -n "$kernel" ] || missing+=" linux-image-cloud-amd64"
command -v qemu-system-x86_64 >/dev/null || missing+=" qemu-system-x86"
command -v cpio >/dev/null || missing+=" cpio"
[ -x /bin/busybox ] || missing+=" busybox-static"
if [ "$VM_INIT" = systemd ]; then
  [ -x /lib/systemd/systemd ] || missing+=" systemd"
  command -v dbus-daemon >/dev/null || missing+=" dbus"
fi
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

# Units without those that a distribution adds: nothing is started but what the script needs.
put_systemd() {
  local units=$root/etc/systemd/system unit
  mkdir -p "$units" "$root"/etc/dbus-1 "$root/lib/systemd/system" "$root/usr/bin" "$root/var/lib/dbus"
  for file in /lib/systemd/systemd /lib/systemd/systemd-executor /bin/systemctl /usr/bin/dbus-daemon; do
    [ -e "$file" ] || continue  # the executor is systemd's since 254
    cp -L "$file" "$root$file"
    put_libraries "$file"
  done
  for unit in sysinit basic sockets shutdown umount final; do
    cp "/lib/systemd/system/$unit.target" "$root/lib/systemd/system/"
  done
  cat >"$root/etc/dbus-1/system.conf" <<'BUS'
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <policy context="default"><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>
BUS
  cat >"$units/dbus.socket" <<'UNIT'
[Unit]
DefaultDependencies=no
[Socket]
ListenStream=/run/dbus/system_bus_socket
UNIT
  cat >"$units/dbus.service" <<'UNIT'
[Unit]
DefaultDependencies=no
[Service]
ExecStart=/usr/bin/dbus-daemon --config-file=/etc/dbus-1/system.conf --address=systemd: --nofork --nopidfile
StandardError=tty
TTYPath=/dev/console
UNIT
  cat >"$units/script.service" <<'UNIT'
[Unit]
DefaultDependencies=no
Requires=dbus.socket
After=dbus.socket
[Service]
Type=oneshot
ExecStart=/bin/sh /run-script
StandardInput=null
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
TimeoutStartSec=infinity
UNIT
  printf '[Unit]\nRequires=script.service\n' >"$units/default.target"
  : >"$root/etc/machine-id"
  echo 'messagebus:x:100:100::/:/bin/false' >>"$root/etc/passwd"
  echo 'messagebus:x:100:' >>"$root/etc/group"
}
[ "$VM_INIT" != systemd ] || put_systemd

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
  [ ! -e /lib/systemd/systemd ] || exec switch_root /new /lib/systemd/systemd
  exec switch_root /new /init
fi
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
exec sh /run-script
INIT
cat >"$root/run-script" <<'RUN'
export PATH=/bin HOME=/root
while read -r module; do insmod "/modules/$module"; done </modules/order
ip link set lo up
echo "vm: Linux $(uname -r), controllers: $(cat /sys/fs/cgroup/cgroup.controllers)"
sh /script </dev/null
echo "vm: status $?"
poweroff -f
RUN
chmod +x "$root/init"
(cd "$root" && find . | cpio --create --format=newc --quiet | gzip -1) >"$scratch/initrd"
if [ -n "$VM_MAKE" ]; then
  cp "$scratch/initrd" "$VM_MAKE/initrd"
  cp "$kernel" "$VM_MAKE/kernel"
  exit
fi

: >"$scratch/serial"
timeout "$VM_TIMEOUT" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -M q35 -smp 2 \
  -m "$VM_MEMORY" -nodefaults -no-reboot -display none -serial stdio \
  -kernel "$kernel" -initrd "$scratch/initrd" \
  -append "console=ttyS0 quiet panic=-1 mitigations=off systemd.show_status=false systemd.log_level=crit" </dev/null >>"$scratch/serial" &
qemu=$!
# The line ends its lines with \r\n. tail ends with qemu.
tail -n +1 --pid="$qemu" -f "$scratch/serial" | tr -d '\r'
wait "$qemu" || true
qemu=
status=$(tr -d '\r' <"$scratch/serial" | sed -n 's/^vm: status //p' | tail -n 1)
[ -n "$status" ] || echo "vm.sh: the machine did not come to its end"
exit "${status:-99}"
