// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/ending.h"

#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/usage.h"
#include "libs/runtime/kernel_log.h"
#include "libs/runtime/plan.h"
#include "libs/store/events.h"
#include "libs/store/trash.h"

namespace stave::runtime {
namespace {

constexpr absl::Duration kRemoveHas = absl::Seconds(10);

// Of which the kernel tells in its log.
bool IsCrash(int signal) {
  for (const int crash : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS}) {
    if (signal == crash) return true;
  }
  return false;
}

}  // namespace

void KillRest(const Ending& ending) {
  if (*ending.group) (*ending.group)->Kill().IgnoreError();
}

store::Exit ExitOf(const Ended& ended, const Ending& ending) {
  store::Exit exit;
  exit.code = ended.code;
  if (ended.signal != 0) exit.signal = ended.signal;
  exit.started = ending.state->started;
  exit.finished = absl::Now();
  exit.sent = ended.sent;
  if (ended.pid > 0) exit.pid = ended.pid;
  if (*ending.group) {
    const cgroup::Usage usage = (*ending.group)->ReadUsage();
    exit.oom = usage.oom_kills.value_or(0) > 0;
    exit.pids_refused = usage.pids_refused.value_or(0);
  }
  if (exit.oom || IsCrash(ended.signal)) {
    KernelSubject subject;
    subject.id = ending.entry->id();
    subject.pid = ended.pid;
    subject.since = exit.started.value_or(*exit.finished);
    subject.audit = ended.signal == SIGSYS;
    exit.kernel = KernelLinesOn(subject);
  }
  return exit;
}

void TellDied(const store::Exit& exit, const Ending& ending) {
  const std::string& id = ending.entry->id();
  const std::string& name = ending.entry->intent().name;
  std::map<std::string, std::string> attributes;
  if (exit.code) attributes["exitCode"] = absl::StrCat(*exit.code);
  if (exit.started && exit.finished) {
    const int64_t seconds = absl::ToInt64Seconds(*exit.finished - *exit.started);
    attributes["execDuration"] = absl::StrCat(std::max<int64_t>(seconds, 0));
  }
  if (exit.oom) store::AppendEvent(*ending.store, "oom", id, name);
  store::AppendEvent(*ending.store, "die", id, name, std::move(attributes));
}

absl::Status WriteEnd(const store::Exit& exit, const Ending& ending) {
  const store::Container& container = ending.entry->container();
  if (ending.entry->intent().rm) {
    STAVE_RETURN_IF_ERROR(ending.entry->ReleaseName());
    if (!ending.entry->intent().record) return container.RemoveState();
    return store::Discard(*ending.store, ending.entry->id(), container.durability());
  }
  STAVE_RETURN_IF_ERROR(container.WriteExit(exit));
  return container.RemoveState();
}

void TellGone(const SessionHooks& hooks, bool has_hooks, const Ending& ending) {
  if (!has_hooks) return;
  if (*ending.group && (*ending.group)->End(kRemoveHas).ok()) {
    (*ending.group)->Release();
    ending.group->reset();
  }
  hooks.TellGone();
}

void TellGone(const json::Value& document, const Ending& ending) {
  const auto plan = MakePlan(document);
  if (!plan.ok()) return;
  const store::Container& container = ending.entry->container();
  SessionHooks hooks(*plan, document,
                     {container.id(), container.home_path(), container.run_path(), container.run()},
                     nullptr);
  hooks.SetEnvironment();
  TellGone(hooks, true, ending);
}

absl::Status CleanUp(const Ending& ending) {
  absl::Status done = *ending.group ? (*ending.group)->End(kRemoveHas) : absl::OkStatus();
  if (*ending.group) (*ending.group)->Release();
  if (!done.ok()) return done;
  return ending.entry->intent().rm ? ending.entry->Undo() : ending.entry->Done();
}

}  // namespace stave::runtime
