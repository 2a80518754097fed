// SPDX-License-Identifier: Apache-2.0
//
// The end of a container's first process, written down by who watched it. The order of effects:
//
//   KillRest        what has outlived it, where it had no pid namespace of its own
//   WriteEnd        exit.json, or (--rm) name and record go; state.json goes. From here on the end
//                   may be told
//   TellGone        hooks poststop, once the cgroup is gone
//   CleanUp         cgroup, writable layer of --rm, the entry: takes time that nobody should wait
//   for

#ifndef STAVE_LIBS_RUNTIME_ENDING_H_
#define STAVE_LIBS_RUNTIME_ENDING_H_

#include <optional>

#include "absl/status/status.h"
#include "libs/cgroup/cgroup.h"
#include "libs/json/value.h"
#include "libs/runtime/foreground.h"
#include "libs/runtime/session_hooks.h"
#include "libs/store/pending.h"
#include "libs/store/record.h"
#include "libs/store/store.h"

namespace stave::runtime {

struct Ending {
  const store::Store* store = nullptr;  // borrowed, all of them
  store::Pending* entry = nullptr;
  std::optional<cgroup::Cgroup>* group = nullptr;
  const store::State* state = nullptr;
};

// Kills what is left in its cgroup. With a pid namespace of its own the kernel has done so.
void KillRest(const Ending& ending);

// What exit.json is to say of `ended`, now.
store::Exit ExitOf(const Ended& ended, const Ending& ending);

// Tells it as an event, before WriteEnd: who waits for a container that removes itself finds its
// code there.
void TellDied(const store::Exit& exit, const Ending& ending);

// Errors: those of writing; what the payload has written stays for the next command to find.
absl::Status WriteEnd(const store::Exit& exit, const Ending& ending);

// Runs the hooks poststop, if `hooks` has any: before them the cgroup goes.
void TellGone(const SessionHooks& hooks, bool has_hooks, const Ending& ending);

// The same for who has only the container's document, and has not made its environment.
void TellGone(const json::Value& document, const Ending& ending);

// Removes the rest. Errors: those of removing; the next command goes on with it.
absl::Status CleanUp(const Ending& ending);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_ENDING_H_
