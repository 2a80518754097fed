// SPDX-License-Identifier: Apache-2.0
//
// The child's half of Launch(): between clone and exec. Internal to libs/runtime.
//
// The order is the point; child.cc says why each step stands where it stands.

#ifndef STAVE_LIBS_RUNTIME_CHILD_H_
#define STAVE_LIBS_RUNTIME_CHILD_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "libs/capability/capability.h"
#include "libs/runtime/conversation.h"
#include "libs/runtime/launch.h"

namespace stave::runtime {

// The source of a bind: a detached copy that the parent has made, or an O_PATH descriptor of what
// the child is to copy itself.
struct BindSource {
  int fd = -1;
  bool detached = false;
};

// Everything that the parent has opened for the child. Descriptors are borrowed.
struct ChildInputs {
  const LaunchRequest* request = nullptr;
  std::vector<BindSource> bind_sources;  // for each mount of the plan; fd -1: it is no bind
  std::vector<int> namespaces;           // for each namespace of the plan: one to join, or -1
  bool joined = false;                   // join.h has entered those already
  capability::Sets capabilities;  // what process.capabilities comes to with what the caller has
  int init_program = -1;          // sealed memfd of stave_init, above 9
  int parent = -1;                // pidfd of the parent
  ChildEnds ends;
};

// Whether the parent has something to do between clone and exec, and so must not sleep.
bool NeedsConversation(const LaunchRequest& request);

// Never returns: executes the payload, or reports and exits.
[[noreturn]] void RunChild(const ChildInputs& inputs);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_CHILD_H_
