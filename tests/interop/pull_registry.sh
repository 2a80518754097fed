#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Images pulled from Debian's docker-registry, from layouts and from archives give the tree that
# umoci unpacks, entry by entry.
set -u
# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

copy() { skopeo copy -q --insecure-policy --dest-tls-verify=false --src-tls-verify=false "$@"; }
umoci_list() {
  umoci unpack --image "layout:$1" "umoci-$1" >/dev/null 2>&1 || return 1
  list_tree "umoci-$1/rootfs" >"want-$1"
  rm -rf "umoci-$1"
}
check "umoci unpacks the plain image" umoci_list plain
check "umoci unpacks the dependent image" umoci_list deps
check "umoci unpacks the twin image" umoci_list twin

check "the registry starts" start_registry
for tag in plain gzip zstd deps twin; do
  check "push $tag" copy "oci:layout:$tag" "docker://$host/a/oci:$tag"
done
check "push an index" copy --all oci:layout:index "docker://$host/a/oci:index"
check "push Docker schema 2" copy --format v2s2 oci:layout:gzip "docker://$host/a/docker:gzip"
check "push a Docker manifest list" copy --all --format v2s2 oci:layout:index "docker://$host/a/docker:list"

want() { case $1 in deps | twin) echo "want-$1" ;; *) echo want-plain ;; esac; }
for image in a/oci:plain a/oci:gzip a/oci:zstd a/oci:deps a/oci:twin a/oci:index a/docker:gzip a/docker:list; do
  fresh_store
  check "$image is umoci's tree" same_tree "$host/$image" "$(want "${image#*:}")"
  check "$image leaves nothing in ingest/" ingest_is_empty
done
for tag in plain gzip zstd deps twin index nested; do
  fresh_store
  check "oci:layout:$tag is umoci's tree" same_tree "oci:layout:$tag" "$(want $tag)"
done

# Archives: skopeo's, and the older shape with links that docker wrote.
check "skopeo writes an archive" copy oci:layout:gzip docker-archive:image.tar:web:1
fresh_store
check "docker-archive: is umoci's tree" same_tree docker-archive:image.tar want-plain
check "an old archive is made" python3 "$tests/interop/old_archive.py" layout deps old.tar
fresh_store
check "an old docker-archive: with links is umoci's tree" same_tree docker-archive:old.tar:old:1 want-deps
check "an old archive with two images wants a name" grep_error E_TAG "old:1, old:2" docker-archive:old.tar

# Platforms, names, what is shared and what is said.
fresh_store
architecture() { image-fetch -q --platform "$1" "$host/a/oci:index" >document && image_arch; }
image_arch() {
  jq -r .stave.image.config document | cut -c8- | sed "s,^,$STAVE_STATE/images/blobs/sha256/," |
    xargs jq -r .architecture
}
check "the index has arm64" test "$(architecture linux/arm64)" = arm64
check "and amd64" test "$(architecture linux/amd64)" = amd64
check "but not s390x" grep_error E_PLATFORM "no matching manifest for linux/s390x" --platform linux/s390x "$host/a/oci:index"
check "a tag that is not there" grep_error E_NOT_FOUND "manifest for $host/a/oci:none not found" "$host/a/oci:none"
check "a repository that is not there" grep_error E_NOT_FOUND "$host/a/none" "$host/a/none"
check "nobody listens" grep_error E_CONNECT 127.0.0.1 "127.0.0.1:1/a/b"
check "a tag that the layout lacks" grep_error E_TAG "deps, gzip, index" oci:layout:none
check "a layout with several images and no tag" grep_error E_TAG "say which" oci:layout
check "no layout" grep_error E_LAYOUT oci-layout oci:/

digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$host/a/oci:gzip")
fresh_store
check "by digest" same_tree "$host/a/oci@$digest" want-plain
image-fetch "$host/a/oci:zstd" 2>said >/dev/null
check "the same layers, otherwise packed, are not unpacked again" test \
  "$(find "$STAVE_STATE/layers" -mindepth 1 -maxdepth 1 | wc -l)" = 3
image-fetch --policy always "$host/a/oci:zstd" 2>said >/dev/null
check "a second pull says so" grep -q "Status: Image is up to date for $host/a/oci:zstd" said
check "and nothing of layers" test "$(grep -c ': Already exists$' said)" = 0
check "the layout in the store is one" skopeo copy -q --insecure-policy \
  "oci:$STAVE_STATE/images:$host/a/oci:zstd" dir:copied

# A layer that is gone is unpacked from its blob; the registry is not needed.
rm -rf "$STAVE_STATE"/layers/*
check "lost layers come back" same_tree "$host/a/oci:zstd" want-plain

fresh_store
pids=()
for i in 1 2 3 4 5 6 7 8; do
  image-fetch "$host/a/oci:gzip" 2>"said.$i" >"document.$i" &
  pids+=($!)
done
together=0
for pid in "${pids[@]}"; do wait "$pid" || together=1; done
check "eight pulls at once succeed" test $together = 0
check "and fetch each layer once" test "$(cat said.* | grep -c 'Download complete')" = 3
check "and leave nothing" ingest_is_empty
check "and are umoci's tree" same_tree "$host/a/oci:gzip" want-plain
finish
