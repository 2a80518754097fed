# SPDX-License-Identifier: Apache-2.0
#
# Run in the machine of power_cut_test.py, which ends it at some moment. Its words come on the kernel's
# command line: fresh=1 begins with an empty store; here=A,B are images that were acknowledged; do=A,B,-A
# fetches A and B and then removes A; unsafe=1 makes all that syncs do nothing.
fresh='' here='' do='' unsafe=''
for word in $(cat /proc/cmdline); do
  case $word in
    fresh=* | here=* | do=* | unsafe=*) eval "${word%%=*}='$(echo "${word#*=}" | tr , ' ')'" ;;
  esac
done
mkdir /images /disk
mount -t ext4 -o ro /dev/vdb /images || echo "broken: the images cannot be mounted"
mkdir /lib64
ln -s /images/lib/ld-linux-x86-64.so.2 /lib64/
export PATH=/images/bin:$PATH LD_LIBRARY_PATH=/images/lib
mount -t ext4 /dev/vda /disk || echo "broken: the disk cannot be mounted"
export STAVE_STATE=/disk/state STAVE_RUN=/run/stave
if [ -n "$fresh" ]; then
  rm -rf /disk/state
  sync
fi
for name in $here; do
  image-fetch -q --policy never "oci:/images/$name" >/tmp/out 2>/tmp/err || echo "lost: $name: $(cat /tmp/err)"
done
prefix=
[ -z "$unsafe" ] || prefix='strace -f -qq -o /dev/null --seccomp-bpf -e trace=fsync,fdatasync,syncfs -e inject=fsync,fdatasync,syncfs:retval=0'
echo "go"
for name in $do; do
  case $name in
    -*) act="image-remove localhost/${name#-}:latest" ;;
    *) act="image-fetch -q oci:/images/$name" ;;
  esac
  echo "begin $name"
  if $prefix $act >/tmp/out 2>/tmp/err; then
    echo "ack $name"
  else
    echo "failed: $name: $(cat /tmp/err)"
  fi
done
echo "end"
read -r _ </dev/console  # until the power is cut
