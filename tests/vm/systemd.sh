# SPDX-License-Identifier: Apache-2.0
#
# Run by vm.sh with VM_INIT=systemd: containers as scopes of systemd's. Where runc is put into the
# machine, too, it goes first through the common part, as a check of this script.
set -u
failed=0

check() {  # check WHAT COMMAND...
  what=$1
  shift
  if "$@"; then echo "ok: $what"; else echo "FAILED: $what"; failed=1; fi
}
is() { [ "$1" = "$2" ] || { echo "  got '$1', want '$2'"; false; }; }
says() { grep -qF -- "$1" "$2" || { echo "  no '$1' in: $(cat "$2")"; false; }; }
property() { systemctl show --property "$2" --value "$1"; }  # property UNIT NAME
file() { cat "/sys/fs/cgroup$1/$2"; }
until_true() {  # waits for what another process does: until_true COMMAND...
  end=$(($(date +%s) + 30))
  while ! "$@"; do
    [ "$(date +%s)" -lt $end ] || return 1
  done
}
stopped() { oci state "$1" | grep -q stopped; }
gone() { [ "$(property "$1" LoadState)" = not-found ] || [ "$(property "$1" ActiveState)" = inactive ]; }

mkdir -p /tmp/b/rootfs/bin
cd /tmp/b || exit 1
for folder in dev proc sys tmp; do mkdir rootfs/$folder; done
cp /bin/busybox rootfs/bin/
for name in cat echo grep ls mkdir sh sleep tail test true; do ln -s busybox rootfs/bin/$name; done

annotations=
config() {  # config CGROUPS_PATH RESOURCES COMMAND
  cat <<JSON
{"ociVersion":"1.0.2","root":{"path":"rootfs"},"hostname":"c",
 "process":{"args":["sh","-c","$3"],"env":["PATH=/bin"],"cwd":"/","user":{"uid":0,"gid":0},
  "capabilities":{"bounding":["CAP_KILL"],"effective":["CAP_KILL"],"permitted":["CAP_KILL"]}},
 "mounts":[{"destination":"/proc","type":"proc","source":"proc"},
  {"destination":"/dev","type":"tmpfs","source":"tmpfs"},
  {"destination":"/sys","type":"sysfs","source":"sysfs","options":["ro"]},
  {"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["ro"]}],
 "annotations":{$annotations},
 "linux":{"cgroupsPath":"$1","resources":{$2},
  "namespaces":[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"},{"type":"cgroup"}]}}
JSON
}
limits='"memory":{"limit":67108864,"swap":100663296},"pids":{"limit":20},"cpu":{"shares":1024,"quota":50000,"period":100000,"cpus":"0"}'

# A life as engines have it. PATH_IN_CONFIG UNIT CGROUP
life() {
  config "$1" "$limits" 'cat /proc/self/cgroup; exec tail -f /dev/null' >config.json
  oci create --bundle . --pid-file pid c1 >out 2>err
  check "create" is $? 0
  check "the unit is active" is "$(property "$2" ActiveState)" active
  check "in its slice" is "/$(basename "$(dirname "$3")")" "/$(property "$2" Slice)"
  check "where it was asked for" is "$(property "$2" ControlGroup)" "$3"
  check "with the first process alone" is "$(file "$3" cgroup.procs | xargs)" "$(cat pid)"
  check "delegated" is "$(property "$2" Delegate)" yes
  check "systemd knows the limits" is \
    "$(property "$2" MemoryMax) $(property "$2" MemorySwapMax) $(property "$2" TasksMax)" "67108864 33554432 20"
  check "those of the cpu, too" is \
    "$(property "$2" CPUQuotaPerSecUSec) $(property "$2" CPUQuotaPeriodUSec) $(property "$2" AllowedCPUs)" "500ms 100ms 0"
  check "and the kernel" is "$(for f in memory.max memory.swap.max pids.max cpu.max; do file "$3" $f; done | xargs)" \
    "67108864 33554432 20 50000 100000"
  check "state" is "$(oci state c1 | grep -o '"status": *"[a-z]*"' | tr -d ' ')" '"status":"created"'
  systemctl daemon-reload
  check "a reload of systemd takes no limit back" is "$(for f in memory.max pids.max cpu.max; do file "$3" $f; done | xargs)" \
    "67108864 20 50000 100000"
  oci start c1
  check "start" is $? 0
  until_true test -s out
  check "it is at the root of its cgroup namespace" is "$(cat out)" "0::/"
  out=$(oci exec c1 cat /proc/self/cgroup 2>&1)
  check "so is what exec runs" is "$out" "0::/"
  oci exec --detach --pid-file pid2 c1 tail -f /dev/null
  check "which is in the scope" is "$(file "$3" cgroup.procs | sort -n | xargs)" \
    "$(printf '%s\n' "$(cat pid)" "$(cat pid2)" | sort -n | xargs)"
  oci update --memory 33554432 --memory-swap 67108864 --pids-limit 30 c1
  check "update" is "$? $(property "$2" MemoryMax) $(property "$2" TasksMax)" "0 33554432 30"
  check "in the kernel" is "$(file "$3" memory.max) $(file "$3" pids.max)" "33554432 30"
  systemctl daemon-reload
  check "also after a reload" is "$(file "$3" memory.max) $(file "$3" pids.max)" "33554432 30"
  oci update --cpu-quota 20000 c1
  check "the quota alone" is "$(property "$2" CPUQuotaPerSecUSec) $(file "$3" cpu.max)" "200ms 20000 100000"
  oci pause c1
  check "pause" says "frozen 1" "/sys/fs/cgroup$3/cgroup.events"
  oci resume c1
  check "resume" says "frozen 0" "/sys/fs/cgroup$3/cgroup.events"
  oci kill c1 KILL
  check "kill" is $? 0
  until_true stopped c1
  oci delete c1
  check "delete" is $? 0
  check "the unit is gone" gone "$2"
  check "and its cgroup" test ! -e "/sys/fs/cgroup$3"
}
oci() { $runtime $manager "$@"; }
runtime=stave-oci
manager=--systemd-cgroup

if command -v runc >/dev/null; then
  echo "# this script's check: runc"
  runtime=runc
  life machine.slice:stave:c1 stave-c1.scope /machine.slice/stave-c1.scope
  runtime=stave-oci
fi
# Whoever wrote the image may have written these.
annotations='"org.systemd.property.TasksMax":"uint64 7","org.systemd.property.CPUWeight":"uint64 9"'

echo "# a scope"
life machine.slice:stave:c1 stave-c1.scope /machine.slice/stave-c1.scope
check "nothing failed" is "$(systemctl --failed --no-legend --plain | wc -l)" 0

echo "# slices, and the default"
of_config() {  # of_config CGROUPS_PATH UNIT: the cgroup
  config "$1" "" 'exec tail -f /dev/null' >config.json
  oci run --detach c2 >out 2>err || cat err
  property "$2" ControlGroup
  property "$2" Description
  oci delete --force c2
}
check "slices nest" is "$(of_config a-b.slice:p:c2 p-c2.scope | xargs)" "/a.slice/a-b.slice/p-c2.scope container c2"
check "the root slice" is "$(of_config -.slice:p:c2 p-c2.scope | xargs)" "/p-c2.scope container c2"
check "no slice" is "$(of_config :p:c2 p-c2.scope | xargs)" "/system.slice/p-c2.scope container c2"
check "no path" is "$(of_config "" stave-c2.scope | xargs)" "/system.slice/stave-c2.scope container c2"
check "delete --force leaves nothing" is "$(gone stave-c2.scope; echo $?) $(find /sys/fs/cgroup -name '*c2.scope')" "0 "
config /stave/c2 "" true >config.json
oci run c2 2>err
check "a path of cgroupfs is refused" says 'expected cgroupsPath to be of format "slice:prefix:name"' err

echo "# run"
config machine.slice:stave:c3 '"pids":{"limit":1}' 'echo in; true & wait' >config.json
oci run c3 >out 2>err
check "a limit of one task has room for the first" says in out
check "and for no other" says "can't fork" err
config machine.slice:stave:c3 '"memory":{"limit":16777216,"swap":16777216}' \
  'test -w /sys/fs/cgroup/memory.max; x=aaaaaaaa; while true; do x=$x$x; done' >config.json
oci run c3 >out 2>err
check "the memory limit bites" is $? 137
check "nothing is left" is "$(gone stave-c3.scope; echo $?) $(systemctl --failed --no-legend --plain | wc -l)" "0 0"
config machine.slice:stave:c3 "" 'exit 7' >config.json
oci run c3
check "the payload's code" is $? 7
codes=
for i in 1 2 3 4 5 6 7 8; do
  oci run c3
  codes="$codes $?"
done
check "one after the other, of one name" is "$codes" " 7 7 7 7 7 7 7 7"

echo "# failures"
config machine.slice:stave:c4 "" 'exec tail -f /dev/null' >config.json
oci run --detach c4 >out 2>err
config machine.slice:stave:c4 "" true >config.json
oci run c5 2>err
check "another's scope is not joined" is $? 1
check "by name" says "is the cgroup of container c4" err
check "and goes on" is "$(property stave-c4.scope ActiveState)" active
sed 's/"sh"/"nothing"/' config.json >other && sed 's/stave:c4/stave:c5/' other >config.json
oci run c5 2>err
check "a failure" says "executable file not found" err
check "takes its scope back" gone stave-c5.scope
oci kill c4 KILL
check "when the last process ends the scope goes by itself" until_true gone stave-c4.scope
oci delete --force c4
check "delete of it" is $? 0
config machine.slice:stave:c5 "" true | sed 's|"linux":|"hooks":{"createRuntime":[{"path":"/bin/sh","args":["sh","-c","kill -9 $PPID"]}]},&|' >config.json
oci create c5 >out 2>err
check "killed while it creates" is $? 137
check "it leaves a state" is "$(oci list -q)" c5
oci delete --force c5
check "that delete --force finds, and a scope" is "$? $(gone stave-c5.scope; echo $?)" "0 0"
mkfifo ready
/libexec/stave/stave-scope start stave-c5.scope machine.slice nobody >ready 2>err &
read -r line <ready
check "a placeholder" is "$line" /machine.slice/stave-c5.scope
kill -9 $!
check "takes its scope with it" until_true gone stave-c5.scope

echo "# over the bus"
mv /run/systemd/private /run/systemd/hidden
config machine.slice:stave:c6 "$limits" 'cat /proc/self/cgroup' >config.json
oci run c6 >out 2>err
check "run" is "$? $(cat out) $(cat err)" "0 0::/ "
mv /run/dbus/system_bus_socket /run/dbus/hidden
oci run c6 >out 2>err
check "without one it is refused" is $? 1
check "plainly" says "systemd cgroup manager: cannot reach the system bus: No such file or directory [E_SYSTEMD]" err
check "with a hint" says "hint: systemd must be process 1" err
check "and leaves no state" is "$(oci list -q)" ""
mv /run/dbus/hidden /run/dbus/system_bus_socket
mv /run/systemd/hidden /run/systemd/private
check "nor a scope" gone stave-c6.scope

echo "# cgroupfs under systemd"
manager=
config machine.slice:stave:c7 "" true >config.json
oci run c7 2>err
check "a path of systemd's is refused" says "is of the form that the systemd cgroup manager takes" err
config /stave/c7 "$limits" 'cat /proc/self/cgroup; exec tail -f /dev/null' >config.json
oci run --detach c7 >out 2>err
check "run" is "$? $(cat err)" "0 "
systemctl daemon-reload
check "systemd leaves its limits alone" is "$(file /stave/c7 memory.max) $(file /stave/c7 pids.max)" "67108864 20"
oci delete --force c7
check "delete" is "$? $(find /sys/fs/cgroup -name c7)" "0 "

exit $failed
