// SPDX-License-Identifier: Apache-2.0
//
// The options of ns-run that set a member of the config as it is: what they write into a document.
//
//   --ulimit nofile=1024:2048   process.rlimits        --sysctl net.core.somaxconn=9   linux.sysctl
//   --oom-score-adj 500         process.oomScoreAdj    --shm-size 1g       size= of mounts'
//   /dev/shm
//   --group-add 7               process.user.additionalGids   --domainname d.org       domainname
//   --cgroup-parent /a          linux.cgroupsPath      --annotation a=b              annotations
//   --add-host h:10.0.0.1       stave.network.hosts    --dns, --dns-search, --dns-option
//                                                      stave.network.dns, .dnsSearch, .dnsOptions

#ifndef STAVE_TOOLS_NS_RUN_TUNING_H_
#define STAVE_TOOLS_NS_RUN_TUNING_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/cli/program.h"
#include "libs/json/value.h"

namespace stave::tools {

// The id of a group by its name in the container.
using FindGroup = std::function<absl::StatusOr<uint32_t>(const std::string& name)>;

// Errors: wrong usage with the option's name; those of `find_group`.
absl::Status Tune(const cli::Invocation& given, const FindGroup& find_group, json::Value* document);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_NS_RUN_TUNING_H_
