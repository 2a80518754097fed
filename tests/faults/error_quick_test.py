#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A few points of error_sweep_test.py for image-fetch: one of the first calls of each kind, with each
error. Needs root."""

import sys

sys.path[:0] = ["tests", "tests/faults"]
import cases
import error_sweep_test as whole
from error_sweep_test import setUpModule  # pylint: disable=unused-import


class ErrorQuickTest(whole.ErrorSweepTest):
    test_ns_run = test_image_fetch_is_told_to_end = None

    def points(self, faults):
        for i, (call, error) in enumerate(faults):
            yield call, error, whole.FIRST.get(call, 1) + i % 4, True


if __name__ == "__main__":
    cases.main()
