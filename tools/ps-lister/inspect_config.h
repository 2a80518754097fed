// SPDX-License-Identifier: Apache-2.0
//
// The members Config and HostConfig of `docker inspect`, of a container's document: what would have
// to be asked of docker run to get the same. What the document does not tell is as Docker has it
// when nobody asks: AttachStdout, Domainname, GroupAdd, Dns and the like.
//
//   Config.Cmd, .Entrypoint   process.args, taken apart by what the image says
//   HostConfig.NanoCpus       of a quota in the usual period of 100 ms; else CpuQuota and CpuPeriod
//   HostConfig.Privileged     every capability, no seccomp filter and nothing masked
//
// Pure, and safe for any document.

#ifndef STAVE_TOOLS_PS_LISTER_INSPECT_CONFIG_H_
#define STAVE_TOOLS_PS_LISTER_INSPECT_CONFIG_H_

#include "absl/strings/string_view.h"
#include "libs/json/value.h"
#include "libs/store/record.h"

namespace stave::tools {

// `record` gives the labels, and the command where the document is no object.
json::Value ConfigOf(const json::Value& document, const store::Record& record);
json::Value HostConfigOf(const json::Value& document, const store::Record& record);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_LISTER_INSPECT_CONFIG_H_
