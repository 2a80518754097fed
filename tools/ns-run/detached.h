// SPDX-License-Identifier: Apache-2.0
//
// Containers that ns-run does not watch itself: made for later, started in the background, started
// anew, and those that it starts so and is then attached to.

#ifndef STAVE_TOOLS_NS_RUN_DETACHED_H_
#define STAVE_TOOLS_NS_RUN_DETACHED_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/json/value.h"
#include "libs/runtime/attachment.h"
#include "libs/store/store.h"

namespace stave::tools {

struct DetachedWishes {
  bool rm = false;
  std::string cidfile;  // "": none
  std::function<void(const std::string&)> warn;
};

// --create: the container is there, and its id on stdout.
absl::StatusOr<int> CreateOnly(const store::Store& store, json::Value document,
                               const DetachedWishes& wishes);

// -d: it runs, and its id is on stdout. One that cannot be started stays, created, unless it is
// --rm.
absl::StatusOr<int> RunDetached(const store::Store& store, json::Value document,
                                const DetachedWishes& wishes);

// --attachable: it runs, watched by a monitor, with the caller attached. Returns the payload's exit
// code, or 0 after detaching. One that cannot be started stays as with -d.
absl::StatusOr<int> RunAttached(const store::Store& store, json::Value document,
                                const DetachedWishes& wishes,
                                const runtime::AttachmentWishes& attachment);

// --start: each of `names`, in their order; printed as typed when it runs. One that runs is fine.
// What fails is told by `fail`, in the end, where there are several, by all names together; the
// result is 1 then.
absl::StatusOr<int> StartAll(const store::Store& store, const std::vector<std::string>& names,
                             const std::function<void(const absl::Status&)>& fail);

// --start --boot: all that ended with the machine, or before it, and whose restart policy wants
// them with it. As StartAll.
absl::StatusOr<int> StartWithMachine(const store::Store& store,
                                     const std::function<void(const absl::Status&)>& fail);

// --start --attach: one, attached, also if it runs already; as RunAttached. What the attachment's
// terminal and input are the container's document says.
absl::StatusOr<int> StartAttached(const store::Store& store, const std::string& name,
                                  bool interactive, const std::string& detach_keys);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_NS_RUN_DETACHED_H_
