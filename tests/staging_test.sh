#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The staged tree works wherever it is moved: a program finds its helpers beside itself. The programs
# in bin/ are static and stripped, so that they start fast, but for those that need libcurl.
set -eu
tree=$PWD/packaging/tree

for program in "$tree"/bin/*; do
  case ${program##*/} in registry-login | image-search) continue ;; esac
  if readelf -lW "$program" | grep -q INTERP; then
    echo "${program##*/} is linked dynamically"
    exit 1
  fi
done
for program in "$tree"/bin/* "$tree"/libexec/stave/*; do
  if readelf -SW "$program" | grep -qF ' .symtab '; then
    echo "${program##*/} is not stripped"
    exit 1
  fi
done

if [ "$(id -u)" != 0 ]; then
  exec tests/skip.sh staging_test "needs root"
fi
top=$(mktemp -d /dev/shm/stave-staging.XXXXXX)
trap 'rm -rf "$top"' EXIT
cp -r "$tree/" "$top/a place with spaces"
export STAVE_STATE=$top/state STAVE_RUN=$top/run
cd /
"$top/a place with spaces/bin/image-fetch" -q "oci:$top/a place with spaces/share/stave/demo" >"$top/document"
jq -e '.stave.image.reference == "localhost/demo:latest"' "$top/document" >/dev/null
echo "moved, and it fetched an image"
