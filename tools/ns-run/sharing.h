// SPDX-License-Identifier: Apache-2.0
//
// The options of ns-run that let a container at the machine: what they write into a document.
//
//   --privileged       all capabilities, no seccomp, nothing masked or read-only, all devices
//   --device /dev/kvm[:/dev/k[:rwm]]   linux.devices, and a rule of linux.resources.devices
//   --pid, --ipc, --uts, --cgroupns host   the namespace goes; with --ipc the host's /dev/shm comes
//   --userns host                      it goes with its maps
//   --pid, --ipc container:NAME        stave.pid.mode, stave.ipc.mode:
//   libs/runtime/shared_namespaces.h private, shareable                 the namespace is its own

#ifndef STAVE_TOOLS_NS_RUN_SHARING_H_
#define STAVE_TOOLS_NS_RUN_SHARING_H_

#include "absl/status/status.h"
#include "libs/cli/program.h"
#include "libs/json/value.h"

namespace stave::tools {

// --privileged, which the other options may narrow again: before them.
void MakePrivileged(json::Value* document);

// The others. Errors: wrong usage with the option's name, also for a device that is none and for a
// host name beside the machine's; those of stat(2).
absl::Status Share(const cli::Invocation& given, json::Value* document);

// The forms of their values alone, without looking at devices.
absl::Status CheckSharing(const cli::Invocation& given);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_NS_RUN_SHARING_H_
