# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For the tests of pulling, sourced: a tmpfs with a layout made by make_image.py, a store, and a
# registry on loopback; what is staged in packaging/tree. Everything goes when the test ends.

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
for program in docker-registry skopeo umoci zstd jq openssl; do
  command -v $program >/dev/null || exec "$tests/skip.sh" "$(basename "$0" .sh)" "$program is missing"
done
[ "$(id -u)" = 0 ] || exec "$tests/skip.sh" "$(basename "$0" .sh)" "needs root"

tree=${STAVE_TREE:-$(cd "$tests/../packaging/tree" && pwd)}
if [ ! -x "$tree/bin/image-fetch" ]; then
  echo "no programs in $tree"
  exit 1
fi
set -o pipefail
work=$(mktemp -d /tmp/stave-pull.XXXXXX)
registry=
failures=0

cleanup() {
  if [ -n "$registry" ]; then kill "$registry" && wait "$registry" 2>/dev/null; fi
  if mountpoint -q "$work/merged"; then umount "$work/merged"; fi
  if mountpoint -q "$work"; then umount -l "$work"; fi
  rmdir "$work"
}
trap cleanup EXIT

mount -t tmpfs -o size=1g,mode=0700 stave-pull "$work"
cd "$work" || exit 1
export STAVE_STATE=$work/state STAVE_RUN=$work/run PATH=$tree/bin:$PATH
python3 "$tests/interop/make_image.py" layout || exit 1

# check WHAT COMMAND...: one line, and the count of failures.
check() {
  local what=$1
  shift
  if "$@" >"$work/output" 2>&1; then
    echo "ok: $what"
  else
    echo "FAILED: $what"
    head -40 "$work/output"
    failures=$((failures + 1))
  fi
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_registry [YAML-OF-HTTP...]: sets $registry (pid) and $host. The log says when it listens.
start_registry() {
  host=127.0.0.1:$(free_port)
  {
    printf 'version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: %s/registry}}\n' "$work"
    printf 'http:\n  addr: %s\n' "$host"
    printf '%s\n' "$@"
  } >registry.yml
  mkfifo registry.log
  OTEL_TRACES_EXPORTER=none docker-registry serve registry.yml >registry.log 2>&1 &
  registry=$!
  exec 9<registry.log
  rm registry.log
  while read -r -u 9 line; do
    case $line in
      *"listening on"*) break ;;
      *level=fatal*) echo "$line" && return 1 ;;
    esac
  done
  # It must never wait for somebody to read its log.
  cat <&9 >registry.out &
  exec 9<&-
}

# merged REFERENCE LIST: writes the list of the image's tree, as a container sees it. overlayfs takes
# no folder twice; of a layer that is there twice only the upper one counts.
merged() {
  local layers
  layers=$(image-fetch -q "$1" | jq -r --arg s "$STAVE_STATE" \
    '[.stave.image.layers | reverse | reduce .[] as $l ([]; if index($l) then . else . + [$l] end) |
      .[] | "\($s)/layers/\(.[7:])/fs"] | join(":")') || return 1
  mkdir -p merged empty
  mount -t overlay -o "ro,lowerdir=$layers:$work/empty" stave-pull merged || return 1
  list_tree merged >"$2"
  umount merged
}

# list_tree DIR: without the times of the root and of folders that no layer names: nobody says them.
list_tree() {
  python3 "$tests/tree.py" "$1" | sed -E "s/^('(\.|var|var\/lib)' dir [^ ]+ [^ ]+ -) [0-9]+/\1 */"
}

# same_tree REFERENCE LIST: the image's tree is the listed one.
same_tree() {
  merged "$1" got && diff "$2" got && [ -s got ]
}

# grep_error WORD TEXT ARGUMENT...: image-fetch exits 1 with one such line and no document.
grep_error() {
  local word=$1 text=$2 code=0
  shift 2
  image-fetch -q "$@" >document 2>said || code=$?
  cat said
  [ $code = 1 ] && [ ! -s document ] && grep -q "^image-fetch: .*\\[$word\\]$" said && grep -qF -- "$text" said
}

ingest_is_empty() {
  [ -z "$(ls -A "$STAVE_STATE/ingest")" ] || { ls -A "$STAVE_STATE/ingest"; return 1; }
}

fresh_store() { rm -rf state run; }

finish() {
  echo "$failures failures"
  [ "$failures" = 0 ]
  exit
}
