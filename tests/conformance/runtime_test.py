#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the OCI runtime specification 1.3 demands of a Linux runtime, a check for each demand; its section
stands in the check's docstring. RUNTIME names the runtime (stave-oci of the staged tree unless set). Under
runc this is a check of the checks: what its version cannot do stands in oci/deviations.py. Needs root."""

import os
import sys
import unittest

sys.path[:0] = ["tests", "tests/conformance"]
import cases
from oci import bundle
from oci.cgroups import *
from oci.deviations import DEVIATIONS
from oci.devices import *
from oci.features import *
from oci.hooks import *
from oci.lifecycle import *
from oci.linux import *
from oci.mounts import *
from oci.process import *
from oci.rootfs import *
from oci.seccomp import *


def checks():
    return [c for c in globals().values() if isinstance(c, type) and issubclass(c, bundle.Check)]


# Each check that is listed for the runtime must fail, and all others must not.
def expect(deviations):
    names = {f"{c.__name__}.{name}": (c, name) for c in checks() for name in dir(c) if name.startswith("test_")}
    if unknown := set(deviations) - set(names):
        sys.exit(f"no such check: {sorted(unknown)}")
    for name in deviations:
        owner, method = names[name]
        setattr(owner, method, unittest.expectedFailure(getattr(owner, method)))


if __name__ == "__main__":
    expect(DEVIATIONS.get(os.path.basename(bundle.runtime()), {}))
    cases.main()
