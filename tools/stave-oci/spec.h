// SPDX-License-Identifier: Apache-2.0
//
// A config.json to begin with.

#ifndef STAVE_TOOLS_STAVE_OCI_SPEC_H_
#define STAVE_TOOLS_STAVE_OCI_SPEC_H_

#include <sys/types.h>

#include "libs/json/value.h"

namespace stave::stave_oci {

// stave's defaults (oci::DefaultConfig) for `sh` in a terminal on the bundle's "rootfs", read-only.
json::Value StarterConfig();

// Changes `config` so that it runs without root's rights: a user namespace in which `uid` and `gid`
// are root, the host's network and /sys, no other ids, no limits.
void MakeRootless(uid_t uid, gid_t gid, json::Value* config);

}  // namespace stave::stave_oci

#endif  // STAVE_TOOLS_STAVE_OCI_SPEC_H_
