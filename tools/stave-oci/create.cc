// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/create.h"

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "libs/base/status_macros.h"
#include "libs/lifecycle/root.h"
#include "tools/stave-oci/call.h"
#include "tools/stave-oci/commands.h"

namespace stave::stave_oci {
namespace {

using cli::Takes;

constexpr cli::Option kOptions[] = {
    {"bundle", 'b', Takes::kValue, "DIR", "the bundle; default: the working directory"},
    {"config", 0, Takes::kValue, "FILE",
     "use this config instead of DIR/config.json, as with crun"},
    {"console-socket", 0, Takes::kValue, "PATH", "a socket that gets the terminal's master"},
    {"console-size", 0, Takes::kValue, "COLUMNSxROWS",
     "the size of its terminal, whatever the config says"},
    {"pidfd-socket", 0, Takes::kValue, "PATH", "a socket that gets the process's pidfd"},
    {"pid-file", 0, Takes::kValue, "FILE", "write the process id to it"},
    {"no-pivot", 0, Takes::kNothing, "", "no pivot_root: for a root on a ramfs"},
    {"no-new-keyring", 0, Takes::kNothing, "", "keep the caller's session keyring"},
    {"preserve-fds", 0, Takes::kValue, "N",
     "pass on N descriptors from 3 on, beside those of LISTEN_FDS"},
    // Only of run:
    {"detach", 'd', Takes::kNothing, "", "do not wait for its end"},
    {"keep", 0, Takes::kNothing, "", "do not delete it when it has ended"},
    {"no-subreaper", 0, Takes::kNothing, "", "taken without effect"},
};
constexpr size_t kOfCreate = 9;

absl::StatusOr<lifecycle::CreateOptions> Options(const cli::VerbCall& call, const char* verb) {
  STAVE_RETURN_IF_ERROR(CheckOperands(call, verb, 1, 1));
  lifecycle::CreateOptions options;
  STAVE_ASSIGN_OR_RETURN(options.cgroup_manager, Manager(call));
  options.id = call.own.operands()[0];
  // Ahead of the state root, which is made if it is not there.
  STAVE_RETURN_IF_ERROR(lifecycle::CheckId(options.id));
  options.bundle = call.own.Get("bundle");
  options.config = call.own.Get("config");
  STAVE_RETURN_IF_ERROR(ReadHandover(call, &options));
  options.pivot = !call.own.Has("no-pivot");
  options.keyring = !call.own.Has("no-new-keyring");
  options.warn = Warner(call);
  return options;
}

absl::StatusOr<int> Create(const cli::VerbCall& call) {
  STAVE_ASSIGN_OR_RETURN(const lifecycle::CreateOptions options, Options(call, "create"));
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Root root, MakeRoot(call));
  STAVE_RETURN_IF_ERROR(lifecycle::Create(root, options));
  return 0;
}

absl::StatusOr<int> Run(const cli::VerbCall& call) {
  lifecycle::RunOptions options;
  STAVE_ASSIGN_OR_RETURN(options.create, Options(call, "run"));
  options.detach = call.own.Has("detach");
  options.keep = call.own.Has("keep");
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Root root, MakeRoot(call));
  return lifecycle::Run(root, options);
}

}  // namespace

cli::Verb CreateVerb() {
  return {Table("create", "[OPTION...] ID", "create a container, up to where start lets it run",
                absl::MakeConstSpan(kOptions).first(kOfCreate)),
          Create};
}

cli::Verb RunVerb() {
  return {Table("run", "[OPTION...] ID", "create a container and run it", kOptions), Run};
}

}  // namespace stave::stave_oci
