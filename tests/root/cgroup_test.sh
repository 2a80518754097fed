#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# cgroup-limit around commands: limits bite, receipts are right, nothing is left behind. The same in
# a view of the machine without the cgroup v2 mount. Needs root and v1 controllers (hybrid or not);
# tests/vm holds the same for pure v2.
#
#   cgroup_test.sh CGROUP_LIMIT DEVICE_PROBE CGROUP_PROBE
set -u
limit=$(realpath "$1")
probe=$(realpath "$2")
group_probe=$(realpath "$3")
[ "$(id -u)" = 0 ] || exec tests/skip.sh cgroup_test "needs root"
[ -d /sys/fs/cgroup/memory ] || exec tests/skip.sh cgroup_test "needs cgroup v1 controllers"

scratch=$(mktemp -d /tmp/cgroup-test.XXXXXX)
parent=/stave-test-$$
export STAVE_RUN=$scratch/run
failed=0

cleanup() {
  find /sys/fs/cgroup -depth -type d -path "*$parent*" -exec rmdir {} + 2>/dev/null
  rm -rf "$scratch"
}
trap cleanup EXIT

check() {  # check WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then echo "ok: $what"; else echo "FAILED: $what"; failed=1; fi
}

start() { exec "$limit" --parent "$parent" --usage-json "$scratch/usage" "$@"; }  # in the background
run() { "$limit" --parent "$parent" --usage-json "$scratch/usage" "$@"; }
member() { jq -r ".$1" "$scratch/usage"; }
cgroups() { find /sys/fs/cgroup -type d -path "*$parent/cgroup-limit-*"; }
nothing_left() { [ -z "$(cgroups)" ] && [ -z "$(ls "$STAVE_RUN/cgroup-limit")" ]; }
is() { [ "$1" = "$2" ] || { echo "  got '$1', want '$2'"; false; }; }
within() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ] || { echo "  $1 is not within $2..$3"; false; }; }
says() { grep -qF -- "$1" "$2" || { echo "  no '$1' in: $(cat "$2")"; false; }; }

echo "# limits bite"
run --memory 32M -- dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null
check "above the memory limit the command is killed" is $? 137
check "and the receipt counts the kill" within "$(member oomKills)" 1 9
check "and the peak is at the limit" within "$(member memoryPeak)" 30000000 33554432

run --pids-limit 5 -- sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep infinity & done' 2>/dev/null
check "forks are refused at the pids limit" within "$(member pidsRefused)" 1 1000
check "what the command left running is gone" nothing_left

run --cpus 0.1 -- sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'
check "the cpu quota throttles" within "$(member throttledPeriods)" 1 1000000

run --cpuset-cpus 0 -- sh -c 'grep Cpus_allowed_list /proc/self/status' >"$scratch/out"
check "the cpuset holds" is "$(cut -f2 "$scratch/out")" 0

run --pids-limit max --memory max -- true
check "no limit is a limit that can be set" is $? 0

echo "# receipts"
run --memory 64M -- dd if=/dev/zero of=/dev/null bs=20M count=40 2>/dev/null
check "memory peak" within "$(member memoryPeak)" 20971520 67108864
check "exit code" is "$(member exitCode)" 0
# Version 1 counts whole ticks, of up to 10 ms, at both ends.
check "cpu time is at most wall time on one thread" \
  within $(($(member cpuUserMicroseconds) + $(member cpuSystemMicroseconds))) 1 $(($(member wallMicroseconds) + 20000))
"$limit" --parent "$parent" --usage -- true 2>"$scratch/err"
check "the table is on stderr" says "memory peak" "$scratch/err"

echo "# the command"
run -- sh -c 'exit 7'
check "its exit code is passed on" is $? 7
run -- sh -c 'kill -TERM $$'
check "so is its signal" is $? 143
run -- "$scratch/none" 2>"$scratch/err"
check "127 if it is not there" is $? 127
run -- /etc 2>"$scratch/err"
check "126 if it cannot be executed" is $? 126
echo input | run -- cat >"$scratch/out"
check "stdin and stdout are its own" is "$(cat "$scratch/out")" input
check "three open files, no more" is "$(run -- sh -c 'ls /proc/$$/fd' </dev/null | xargs)" "0 1 2"
ignored=$(run -- grep SigIgn /proc/self/status | cut -f2)
check "SIGPIPE has its usual meaning" is $((0x$ignored & 1 << 12)) 0

mkfifo "$scratch/ready" "$scratch/hold"
exec 7<>"$scratch/hold"
start -- bash -c 'trap "exit 9" TERM; : >'"$scratch/ready"'; read -r x' <&7 &
pid=$!
: <"$scratch/ready"
kill -TERM $pid
wait $pid
check "a signal is passed on" is $? 9

echo "# killed"
start -- bash -c 'setsid sleep infinity & echo $! >'"$scratch/ready"'; sleep infinity' &
pid=$!
read -r stray <"$scratch/ready"
kill -KILL $pid
wait $pid 2>/dev/null
check "a killed run leaves its cgroup" test -n "$(cgroups)"
run -- true
check "the next run removes it" nothing_left
check "and ends what was in it" test ! -e "/proc/$stray"

echo "# refusals"
"$limit" --parent /a/../b -- true 2>"$scratch/err"
check "a parent with .. is refused" is $? 125
run --unified memory.high=50000000 -- true 2>"$scratch/err"
check "v2 files on a v1 controller are refused" is $? 125
check "and it says why" says "mounted as cgroup v1 here" "$scratch/err"
run --blkio-weight 100 -- true 2>"$scratch/err"
check "a file that this kernel lacks is named, or is there" \
  test $? = 0 -o -n "$(grep blkio.weight "$scratch/err")"
mkdir -p "/sys/fs/cgroup/memory$parent"
chmod 755 "$scratch"
install -d -o 65534 "$scratch/own"
STAVE_RUN=$scratch/own setpriv --reuid 65534 --regid 65534 --clear-groups \
  "$limit" --parent "$parent" -- true 2>"$scratch/err"
check "who may not make cgroups is told" is $? 125
check "with a hint" says "hint: cgroups are made by root" "$scratch/err"

echo "# devices"
check "denied but for the list" "$probe" "$parent"

echo "# freezing, updates, running out of memory"
check "all of it" "$group_probe" "$parent"

echo "# statistics"
members() { jq -c '[paths | map(strings) | join(".") | select(test("psi") | not)] | unique' "$1"; }
if command -v runc >/dev/null && [ -x /bin/busybox ]; then
  bundle=$scratch/bundle
  mkdir -p "$bundle/rootfs/bin"
  cp /bin/busybox "$bundle/rootfs/bin/"
  runc spec --bundle "$bundle"
  jq --arg path "$parent/stats" '.process |= (.terminal = false | .args = ["/bin/busybox", "sleep", "1000"] | .rlimits = [])
    | .linux.cgroupsPath = $path | .linux.resources.memory.limit = 67108864 | .linux.resources.pids.limit = 100' \
    "$bundle/config.json" >"$scratch/config" && mv "$scratch/config" "$bundle/config.json"
  runc --root "$scratch/runc" run -d --bundle "$bundle" stats </dev/null >"$scratch/out" 2>&1 || cat "$scratch/out"
  runc --root "$scratch/runc" pause stats  # nothing changes between the two
  runc --root "$scratch/runc" events --stats stats | jq .data >"$scratch/theirs"
  "$group_probe" --stats "$parent/stats" >"$scratch/ours"
  check "have the members that runc's have" is "$(members "$scratch/ours")" "$(members "$scratch/theirs")"
  limit_of() { jq -c '[.memory.usage.limit, .memory.raw.hierarchical_memory_limit, .pids.limit, .cpuset.cpus]' "$1"; }
  check "and the same limits" is "$(limit_of "$scratch/ours")" "$(limit_of "$scratch/theirs")"
  runc --root "$scratch/runc" resume stats
  runc --root "$scratch/runc" delete -f stats
else
  echo "left out: the comparison needs runc and busybox"
fi

echo "# other views of this machine"
view() { unshare -m --propagation private sh -c "$1 && shift && exec \"\$@\"" sh x "$limit" --parent "$parent" --usage-json "$scratch/usage" "${@:2}"; }
view 'umount /sys/fs/cgroup/unified' --memory 32M -- dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null
check "v1 alone: the memory limit kills" is $? 137
view 'umount /sys/fs/cgroup/unified' --pids-limit 5 -- sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep infinity & done' 2>/dev/null
check "v1 alone: forks are refused" within "$(member pidsRefused)" 1 1000
view 'mount -t cgroup2 cgroup2 /sys/fs/cgroup' -- sh -c 'exit 4'
check "v2 without controllers: runs" is $? 4
view 'mount -t cgroup2 cgroup2 /sys/fs/cgroup' --memory 32M -- true 2>"$scratch/err"
check "v2 without controllers: a limit is refused" is $? 125
check "by its controller and place" says "controller memory is missing in /sys/fs/cgroup/cgroup.controllers" "$scratch/err"
view 'umount -l /sys/fs/cgroup' -- true 2>"$scratch/err"
check "no cgroups at all: told" says "no cgroup file system is mounted" "$scratch/err"

check "nothing is left" nothing_left
exit $failed
