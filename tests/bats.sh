#!/bin/sh
# Runs the .bats files it is given; Bazel's test.xml then lists their cases.
bats --report-formatter junit --output "$TEST_TMPDIR" "$@"
status=$?
mv "$TEST_TMPDIR/report.xml" "$XML_OUTPUT_FILE"
exit $status
