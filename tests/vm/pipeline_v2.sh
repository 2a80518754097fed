# SPDX-License-Identifier: Apache-2.0
#
# Run by vm.sh: the pipeline where all controllers are those of cgroup v2, on a kernel that lacks what
# newer ones have (lowerdir+ of overlays, user attributes on tmpfs).
set -u
failed=0

check() {  # check WHAT COMMAND...
  what=$1
  shift
  if "$@"; then echo "ok: $what"; else echo "FAILED: $what"; failed=1; fi
}
is() { [ "$1" = "$2" ] || { echo "  got '$1', want '$2'"; false; }; }
within() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ] || { echo "  $1 is not within $2..$3"; false; }; }
says() { grep -qF -- "$1" "$2" || { echo "  no '$1' in: $(cat "$2")"; false; }; }

# Ends are told before all is gone; what a detached clean-up has not done yet is waited for.
nothing_left() {
  tries=0
  while [ -n "$(ls /run/stave/pending /run/stave/foreground 2>/dev/null | grep -v :)" ]; do
    tries=$((tries + 1))
    [ $tries -lt 2000 ] || break
  done
  left=$(find /run/stave/pending /run/stave/foreground /run/stave/containers /var/lib/stave/containers \
    /var/lib/stave/names /var/lib/stave/mounts /var/lib/stave/trash -mindepth 1 ! -name .lock 2>/dev/null
    find /sys/fs/cgroup -mindepth 2 -type d -path '*stave*' ! -path '*/stave/monitors'
    grep -e overlay /proc/self/mountinfo)
  [ -z "$left" ] || { echo "  left: $left"; false; }
}

# An OCI layout of tars, base first.
blob() {  # puts the file and prints its descriptor's digest and size
  digest=$(sha256sum <"$1" | cut -c 1-64)
  printf '"digest":"sha256:%s","size":%s' "$digest" "$(stat -c %s "$1")"
  mv "$1" "$top/blobs/sha256/$digest"
}
layout() {  # layout DIR TAR...
  top=$1 kind=application/vnd.oci.image layers='' diffs=''
  shift
  mkdir -p "$top/blobs/sha256"
  for tar; do
    descriptor=$(blob "$tar")
    layers="$layers,{\"mediaType\":\"$kind.layer.v1.tar\",$descriptor}"
    diffs="$diffs,$(echo "$descriptor" | cut -d: -f2- | cut -d, -f1)"
  done
  echo "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"sh\"],\"Env\":[\"PATH=/bin\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[${diffs#,}]}}" >config
  echo "{\"schemaVersion\":2,\"mediaType\":\"$kind.manifest.v1+json\",\"config\":{\"mediaType\":\"$kind.config.v1+json\",$(blob config)},\"layers\":[${layers#,}]}" >manifest
  echo "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"$kind.manifest.v1+json\",$(blob manifest)}]}" >"$top/index.json"
  echo '{"imageLayoutVersion":"1.0.0"}' >"$top/oci-layout"
}

mkdir -p /tmp/images/base
cd /tmp/images || exit 1
mkdir -p base/bin base/dev base/etc base/proc base/sys base/tmp base/gone
chmod 1777 base/tmp
cp /bin/busybox base/bin/
for name in awk cat dd echo false grep id ls mkdir sh sleep tail touch true; do ln -s busybox base/bin/$name; done
echo root:x:0:0::/:/bin/sh >base/etc/passwd
echo root:x:0: >base/etc/group
echo old >base/gone/file
tar -C base -c -f base.tar .
cp base.tar base2.tar
set --
i=1
mkdir step
while [ $i -le 128 ]; do
  echo $i >step/f$i
  tar -C step -c -f $i.tar f$i
  rm step/f$i
  set -- "$@" $i.tar
  i=$((i + 1))
done
mkdir step/gone
: >step/.wh.f7
: >step/gone/.wh.file
tar -C step -c -f last.tar .wh.f7 gone
layout /tmp/small base.tar
layout /tmp/many base2.tar "$@" last.tar

echo "# an image"
image-fetch -q oci:/tmp/small >small.json
check "is fetched" is $? 0
run() { ns-run --rm --config small.json "$@"; }  # run OPTION... -- COMMAND
limited() { options=$1; shift; cgroup-limit $options <small.json | ns-run --rm "$@"; }
out=$(image-fetch -q oci:/tmp/small | layer-mount | cgroup-limit --memory 32M --pids-limit 20 --cpus 0.5 --cpu-shares 1024 |
  ns-run --rm -- sh -c 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu.weight /proc/self/cgroup')
check "runs limited, in a cgroup namespace" is "$(echo $out)" "33554432 20 50000 100000 100 0::/"
run -- sh -c 'exit 13'
check "its exit code" is $? 13
run -- mkdir /sys/fs/cgroup/mine 2>err
check "the cgroup is read-only inside" says "Read-only file system" err
run -- sh -c 'echo max >/sys/fs/cgroup/memory.max' 2>err
check "its files too" says "Read-only file system" err
check "nothing is left" nothing_left

echo "# limits bite"
limited "--memory 32M" -- dd if=/dev/zero of=/dev/null bs=200M count=1 2>err
check "above the memory limit the payload is killed" is $? 137
cgroup-limit --memory 32M <small.json | ns-run --name big -- dd if=/dev/zero of=/dev/null bs=200M count=1 2>err
ps-lister -a --json >list
check "the record says why" says '"exitCode":137,"oom":true' list
ps-why big >out 2>err
check "and who was killed for memory" says '"dd", at its limit of 32MiB' out
ps-remove big >err 2>&1
limited "--memory 32M" -- sh -c 'dd if=/dev/zero of=/dev/null bs=200M count=1; echo $?; grep -w oom_kill /sys/fs/cgroup/memory.events' >out 2>err
check "a child is killed, and the payload lives on" is "$(echo $(cat out))" "137 oom_kill 1"
limited "--pids-limit 5" -- sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done' 2>err
check "forks are refused at the pids limit" says "can't fork" err
cgroup-limit --pids-limit 5 <small.json | ns-run --name many -- sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; exit 1' 2>err
ps-why many >out 2>err
check "and that is why it fails" says "failed at its limit of processes (5)" out
ps-remove many >err 2>&1
limited "--pids-limit 5" -- sh -c '(for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done) 2>/dev/null; grep max /sys/fs/cgroup/pids.events' >out 2>err
check "and counted" within "$(cut -d' ' -f2 out)" 1 1000
limited "--cpus 0.1" -- sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; cat /sys/fs/cgroup/cpu.stat' >out
check "the cpu quota throttles" within "$(grep nr_throttled out | cut -d' ' -f2)" 1 1000000
limited "--unified memory.high=20000768" -- cat /sys/fs/cgroup/memory.high >out
check "a file by its name" is "$(cat out)" 20000768
cgroup-limit --memory-swappiness 5 <small.json | ns-run -- true 2>err
check "what v2 lacks is refused" is $? 125
check "by name" says "/linux/resources/memory/swappiness: cgroup v2 has no such setting" err
check "nothing is left" nothing_left

echo "# 130 layers, without lowerdir+"
image-fetch -q oci:/tmp/many >many.json
check "are unpacked" is "$(ls /var/lib/stave/layers | wc -l)" 130
ns-run --rm --config many.json -- sh -c 'cat /f1 /f64 /f128; ls -d /f* | grep -c .; ls /gone /f7 2>&1; ls -ld /tmp' >out 2>err
check "and merged" is "$(head -n 4 out | xargs)" "1 64 128 127"
check "what an upper one deletes is gone" says "/f7: No such file or directory" out
check "also below a folder" is "$(grep -c '^file$' out)" 0
check "the base's folders are kept" says "drwxrwxrwt" out
mkdir -p /tmp/mnt
layer-mount --now /tmp/mnt <many.json >mounted.json 2>err
check "at once" is "$(cat /tmp/mnt/f128 2>&1)" 128
ns-run --rootfs /tmp/mnt -- sh -c 'echo $0 in; touch /new; cat /f2' >out 2>&1
check "--rootfs runs there" is "$(echo $(cat out))" "sh in 2"
check "and writes there" test -e /tmp/mnt/new
layer-mount --unmount /tmp/mnt
check "is unmounted" is $? 0
check "with what was written there" test ! -e /tmp/mnt/new
layer-mount --read-only --now /tmp/mnt <many.json >mounted.json 2>err
check "read-only" is "$(cat /tmp/mnt/f128 2>&1)" 128
touch /tmp/mnt/new 2>err
check "it is" says "Read-only file system" err
layer-mount --unmount /tmp/mnt
check "and unmounted" is $? 0
check "nothing is left" nothing_left

# Pulling takes this machine half a second a layer; mounting needs only the folders. Each has a file, each
# tenth deletes the one of five layers before.
echo "# 1 to 400 layers, by their folders"
mkdir folders upper work merged
(cd folders && mkdir $(seq 1 501) && for i in $(seq 1 400); do echo $i >$i/f$i; done && for i in $(seq 10 10 400); do mknod $i/f$((i - 5)) c 0 0; done)
lowers() { seq "$1" -1 1 | sed 's|^|folders/|' | tr '\n' : | sed 's/:$//'; }
for count in 1 120 400; do
  layer-mount --lower "$(lowers $count)" merged -- sh -c "ls merged | wc -l; cat merged/f1 merged/f$count; touch merged/new" >out 2>err
  check "$count are merged" is "$(echo $(cat out))" "$((count - count / 10)) 1 $count"
  check "read-only" says "Read-only file system" err
done
layer-mount --lower "$(lowers 400)" --upper upper --work work merged -- sh -c "rm merged/f1; echo new >merged/f400; ls merged | wc -l; cat merged/f400" >out 2>err
check "and written to" is "$(echo $(cat out err))" "359 new"
layer-mount --lower "$(lowers 501)" merged -- true >out 2>err
check "501 are refused by name" says "layer-mount: overlay: 501 layers, and the kernel takes 500 at the most [E_LIMIT]" err

echo "# a user namespace"
maps='[{"containerID":0,"hostID":100000,"size":65536}]'
sed -e 's/"namespaces":\[/&{"type":"user"},/' -e "s/\"linux\":{/&\"uidMappings\":$maps,\"gidMappings\":$maps,/" many.json >user.json
ns-run --rm --config user.json -- sh -c 'cat /proc/self/uid_map; id -u; cat /f64; ls /f7 /gone 2>&1' >out 2>err
check "has the ids" is "$(echo $(head -n 3 out))" "0 100000 65536 0 64"
check "and no file that was deleted" says "/f7: No such file or directory" out
check "below a folder either" is "$(grep -c '^file$' out)" 0
ns-run --rm --config user.json -- sh -c 'echo 1 >/tmp/mine && cat /tmp/mine' >out 2>err
check "its files can be written" is "$(cat out)" 1
cgroup-limit --memory 32M <user.json | ns-run --rm -- dd if=/dev/zero of=/dev/null bs=200M count=1 2>err
check "its limits hold" is $? 137
check "nothing is left" nothing_left

echo "# paused, measured, stopped"
mkfifo says
ns-run --name held --config small.json -- sh -c 'trap "exit 3" TERM; echo up; while :; do :; done' >says &
pid=$!
read -r up <says
group=
while [ -z "$group" ]; do group=$(ps-lister -q --no-trunc); done
group=/sys/fs/cgroup/stave/$group
check "is paused" is "$(ps-signal --pause held 2>&1)" held
check "frozen" is "$(grep frozen "$group/cgroup.events")" "frozen 1"
ps-lister >list
check "and listed so" says "(Paused)" list
check "is unpaused" is "$(ps-signal --unpause held 2>&1) $(grep frozen "$group/cgroup.events")" "held frozen 0"
check "gets other limits" is "$(cgroup-limit --update held -m 48M --pids-limit 33 2>&1)" held
check "at once" is "$(echo $(cat "$group/memory.max" "$group/pids.max"))" "50331648 33"
ps-stat --json held >stat
check "is measured" says '"memoryLimit":50331648' stat
check "and its CPU" test "$(grep -c '"cpuPercent":0.00' stat)" = 0
check "its limit of tasks" says '"pids":1,"pidsLimit":33' stat
ps-stat --top -o comm held >top
check "its processes" is "$(echo $(cat top))" "COMMAND sh"
ps-signal --pause held >out
check "is stopped while it is paused" is "$(ps-signal --stop -t 20 held 2>&1)" held
check "by its own code" is "$(ps-wait held)" 3
wait $pid
check "which its watcher has too" is $? 3
ps-remove held >out
check "nothing is left" nothing_left

echo "# by itself"
id=$(ns-run -d --name alone --restart on-failure:1 --config small.json -- sh -c 'echo said; exec sleep 1000')
check "is in its cgroup" is "$(grep -c . "/sys/fs/cgroup/stave/$id/cgroup.procs")" 1
check "its monitor beside it" is "$(cut -d: -f3 "/proc/$(cat /sys/fs/cgroup/stave/monitors/cgroup.procs)/cgroup")" /stave/monitors
check "runs one more command" is "$(ns-exec alone sh -c 'echo inside')" inside
check "stops" is "$(ps-signal --stop -t 0 alone)" alone
check "and stays so" is "$(ps-wait alone)" 137
check "its log" is "$(log-read alone)" said
ps-remove alone >out
check "nothing is left" nothing_left

echo "# killed"
mkfifo ready
ns-run --rm --config small.json -- sh -c 'echo up; exec sleep 1000' >ready &
pid=$!
read -r up <ready
# The payload may be faster than the record of it.
while ps-lister -q >list && [ ! -s list ]; do :; done
check "it runs" is "$up $(grep -c . list)" "up 1"
kill -KILL $pid
wait $pid 2>err
run -- true
check "the next run removes what a killed one left" nothing_left
check "and nothing runs" is "$(ps-lister -aq)" ""
exit $failed
