// SPDX-License-Identifier: Apache-2.0
//
// stave-scope speaks with systemd for stave-oci --systemd-cgroup, which is static, and sd-bus is
// not.
//
//   stave-scope start UNIT SLICE DESCRIPTION [PROPERTY...]   prints the scope's cgroup, and stays
//   stave-scope set UNIT [PROPERTY...]
//   stave-scope stop UNIT
//
// systemd starts no scope without a process. That process is stave-scope itself: it is in the scope
// until it is killed, and stave-oci meanwhile clones the container's first process into the cgroup
// (libs/lifecycle/systemd_scope.h). If stave-oci dies, it dies too, and systemd takes the scope
// away.

#include <unistd.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"
#include "tools/stave-scope/bus.h"
#include "tools/stave-scope/property.h"

namespace stave::stave_scope {
namespace {

constexpr cli::Program kProgram = {
    .name = "stave-scope",
    .purpose = "start, change and stop a scope of systemd's (a helper of stave-oci)",
    .synopsis = "start UNIT SLICE DESCRIPTION [PROPERTY...]\nset UNIT [PROPERTY...]\nstop UNIT",
    .options = {},
};

absl::StatusOr<std::vector<Property>> Properties(const std::vector<std::string>& operands,
                                                 size_t first) {
  std::vector<Property> properties;
  for (size_t i = first; i < operands.size(); ++i) {
    STAVE_ASSIGN_OR_RETURN(Property property, ParseProperty(operands[i]));
    properties.push_back(std::move(property));
  }
  return properties;
}

absl::Status Start(const std::vector<std::string>& operands) {
  ScopeRequest request{operands[1], operands[2], operands[3], ::getpid(), {}};
  STAVE_ASSIGN_OR_RETURN(request.properties, Properties(operands, 4));
  std::string cgroup;
  {
    STAVE_ASSIGN_OR_RETURN(const Bus bus, Bus::Connect());
    STAVE_ASSIGN_OR_RETURN(cgroup, bus.Start(request));
  }
  STAVE_RETURN_IF_ERROR(base::WriteAll(STDOUT_FILENO, absl::StrCat(cgroup, "\n"), "stdout"));
  for (;;) ::pause();
}

absl::StatusOr<int> Run(const cli::Invocation& call) {
  const std::vector<std::string>& operands = call.operands();
  const std::string act = operands.empty() ? "" : operands[0];
  if (act == "start" && operands.size() >= 4) return Start(operands);
  if (act == "set" && operands.size() >= 2) {
    STAVE_ASSIGN_OR_RETURN(const std::vector<Property> properties, Properties(operands, 2));
    STAVE_ASSIGN_OR_RETURN(const Bus bus, Bus::Connect());
    STAVE_RETURN_IF_ERROR(bus.Set(operands[1], properties));
    return 0;
  }
  if (act != "stop" || operands.size() != 2) {
    return cli::UsageError("start, set or stop is wanted, with its operands");
  }
  STAVE_ASSIGN_OR_RETURN(const Bus bus, Bus::Connect());
  STAVE_RETURN_IF_ERROR(bus.Stop(operands[1]));
  return 0;
}

}  // namespace
}  // namespace stave::stave_scope

int main(int argc, char** argv) {
  return stave::cli::Main(stave::stave_scope::kProgram, stave::stave_scope::Run, argc, argv);
}
