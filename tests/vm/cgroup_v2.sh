# SPDX-License-Identifier: Apache-2.0
#
# Run by vm.sh: what cgroup-limit does where all controllers are those of cgroup v2.
set -u
export STAVE_RUN=/run/stave
usage=/tmp/usage
failed=0

check() {  # check WHAT COMMAND...
  what=$1
  shift
  if "$@"; then echo "ok: $what"; else echo "FAILED: $what"; failed=1; fi
}
start() { exec cgroup-limit --usage-json $usage "$@"; }  # in the background
run() { cgroup-limit --usage-json $usage "$@"; }
member() { grep -o "\"$1\":[0-9]*" $usage | cut -d: -f2; }
nothing_left() {
  [ -z "$(find /sys/fs/cgroup -type d -name 'cgroup-limit-*')" ] && [ -z "$(ls /run/stave/cgroup-limit)" ]
}
is() { [ "$1" = "$2" ] || { echo "  got '$1', want '$2'"; false; }; }
within() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ] || { echo "  $1 is not within $2..$3"; false; }; }
says() { grep -qF -- "$1" "$2" || { echo "  no '$1' in: $(cat "$2")"; false; }; }
inside() { run "$@" -- sh -c 'cd /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup) && shift 0; for f; do echo $(cat $f); done' sh $files; }

echo "# limits bite"
run --memory 32M -- dd if=/dev/zero of=/dev/null bs=200M count=1 2>/tmp/err
check "above the memory limit the command is killed" is $? 137
check "and the receipt counts the kill" within "$(member oomKills)" 1 9
run --pids-limit 5 -- sh -c 'for i in 1 2 3 4 5 6 7 8; do tail -f /dev/null & done' 2>/tmp/err
check "forks are refused at the pids limit" within "$(member pidsRefused)" 1 1000
check "what the command left running is gone" nothing_left
run --cpus 0.1 -- sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'
check "the cpu quota throttles" within "$(member throttledPeriods)" 1 1000000
check "cpu time is counted" within "$(member cpuUserMicroseconds)" 1 1000000000

echo "# the files that are written"
files="memory.max memory.swap.max memory.low"
check "memory" is "$(inside --memory 64M --memory-swap 100M --memory-reservation 32M | xargs)" \
  "67108864 37748736 33554432"
files="cpu.weight cpu.max cpuset.cpus"
check "cpu" is "$(inside --cpu-shares 1024 --cpus 1.5 --cpuset-cpus 1 | xargs)" "100 150000 100000 1"
files="pids.max memory.max cpu.max"
check "no limits" is "$(inside --pids-limit -1 --memory max --cpu-quota -1 | xargs)" "max max max 100000"
files="memory.high io.weight cgroup.max.depth"
check "files by name" is "$(inside --unified memory.high=50003968 --unified cgroup.max.depth=3 --blkio-weight 1000 2>/tmp/err | cut -d' ' -f1-2 | xargs)" \
  "50003968 default 10000 3"

echo "# refusals"
run --memory-swappiness 5 -- true 2>/tmp/err
check "what v2 lacks is refused" is $? 125
check "by name" says "/linux/resources/memory/swappiness: cgroup v2 has no such setting" /tmp/err
run --unified memory.nothing=1 -- true 2>/tmp/err
check "a file that is not there is named" says "this kernel has no memory.nothing" /tmp/err
check "nothing is left" nothing_left

echo "# killed"
mkfifo /tmp/ready
start -- sh -c 'setsid sh -c "echo \$\$ >/tmp/ready; exec tail -f /dev/null" & exec tail -f /dev/null' &
pid=$!
read -r stray </tmp/ready
kill -KILL $pid
wait $pid 2>/tmp/err
run -- true
check "the next run removes what a killed one left" nothing_left
check "and ends what was in it" test ! -e "/proc/$stray"

echo "# devices"
check "denied but for the list, by a BPF program" device_probe /devices

echo "# freezing, updates, running out of memory"
check "all of it" cgroup_probe /probe
cgroup-limit --parent /probe -- sh -c 'cgroup_probe --stats $(cut -d: -f3 /proc/self/cgroup)' >/tmp/stats
check "statistics are told" says '"pids":{"current":' /tmp/stats
check "with the pressure" says '"psi":{"some":{"avg10":' /tmp/stats
rmdir /sys/fs/cgroup/probe

echo "# a user with a delegated cgroup"
mkdir -p /sys/fs/cgroup/own/shell /run/user
echo "+memory +pids" >/sys/fs/cgroup/cgroup.subtree_control
chown user /run/user /sys/fs/cgroup/own /sys/fs/cgroup/own/cgroup.procs \
  /sys/fs/cgroup/own/cgroup.subtree_control /sys/fs/cgroup/own/shell /sys/fs/cgroup/own/shell/cgroup.procs
as_user() {  # in own/shell, as one who is not root
  sh -c 'echo 0 >/sys/fs/cgroup/own/shell/cgroup.procs; export STAVE_RUN=/run/user; exec su -p -s /bin/sh -- user -c "exec \"\$@\"" sh "$@"' sh "$@"
}
as_user cgroup-limit --parent /own --memory 32M -- dd if=/dev/zero of=/dev/null bs=200M count=1 2>/tmp/err
check "the memory limit kills" is $? 137
as_user cgroup-limit --parent /own --unified hugetlb.2MB.max=max -- true 2>/tmp/err
check "a controller that was not delegated is refused" is $? 125
check "by name" says "the controller hugetlb is not given to the cgroups below /sys/fs/cgroup" /tmp/err
as_user cgroup-limit -- true 2>/tmp/err
check "elsewhere nothing can be made" says "hint: cgroups are made by root" /tmp/err
as_user sh -c 'rm -f /tmp/hold; mkfifo /tmp/hold'
mkdir /sys/fs/cgroup/full
sh -c 'echo 0 >/sys/fs/cgroup/full/cgroup.procs; exec cat /tmp/hold' &
exec 7>/tmp/hold
cgroup-limit --parent /full --memory 32M -- true 2>/tmp/err
check "a parent that holds processes is explained" says "as it holds processes itself" /tmp/err
exec 7>&-
wait

rmdir /sys/fs/cgroup/own/shell /sys/fs/cgroup/own /sys/fs/cgroup/full
check "nothing is left" nothing_left
exit $failed
