#!/bin/sh
echo "coverage tools are not part of this build: see .ci/coverage" >&2
exit 1
