// SPDX-License-Identifier: Apache-2.0
//
// The container that a monitor watches, as the store knows it: what its document says of its life,
// its cgroup, and the writing down of its end.

#ifndef STAVE_TOOLS_STAVE_MONITOR_CONTAINER_H_
#define STAVE_TOOLS_STAVE_MONITOR_CONTAINER_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/unique_fd.h"
#include "libs/cgroup/cgroup.h"
#include "libs/log/writer.h"
#include "libs/oci/life_member.h"
#include "libs/runtime/ending.h"
#include "libs/store/health.h"
#include "libs/store/pending.h"
#include "libs/store/record.h"
#include "libs/store/store.h"
#include "tools/stave-monitor/orders.h"

namespace stave::tools {

class WatchedContainer {
 public:
  // Errors: those of the store, of its document and of its cgroup.
  absl::Status Open(const Orders& orders);

  const store::Store& store() const { return *store_; }
  const std::string& name() const { return record_.name; }
  bool rm() const { return entry_->intent().rm; }
  bool has_terminal() const { return terminal_; }
  const oci::Restart& restart() const { return life_.restart; }
  const oci::Health& health() const { return life_.health; }
  int run() const { return entry_->container().run(); }  // its run folder
  absl::Time started() const { return state_.started.value_or(absl::Now()); }
  int stop_signal() const { return stop_signal_; }
  absl::Duration stop_timeout() const;
  std::optional<cgroup::Cgroup>& group() { return group_; }

  log::WriterOptions LogOptions() const;
  // STATE/containers/ID/log, made where it is missing.
  absl::StatusOr<base::UniqueFd> LogFolder() const;

  // "on-failure:3"; until the end of this monitor. Errors: those of oci::ParseRestart.
  absl::Status SetRestart(const std::string& text);

  // What has outlived the payload; before ExitOf.
  void KillRest();
  store::Exit ExitOf(const runtime::Ended& ended);
  absl::Duration Ran(const store::Exit& exit) const;
  void TellDied(const store::Exit& exit);
  void TellHealth(store::Wellness status) const;

  // state.json says so, and the cgroup is gone.
  void WriteRestarting(const store::Exit& exit, const Orders& orders, absl::Time next);
  // Executes the maker, with the entry's lock. Returns only on failure.
  void BecomeMaker(Orders orders, int listener);

  // Writes the end down, calls `told`, and removes the rest.
  void End(const store::Exit& exit, const std::function<void()>& told);

 private:
  runtime::Ending ending() { return {&*store_, &*entry_, &group_, &state_}; }
  absl::Status ReadDocument();

  std::optional<store::Store> store_;
  std::optional<store::Pending> entry_;
  store::Record record_;
  store::State state_;
  oci::Life life_;
  int stop_signal_ = 15;
  bool terminal_ = false;
  bool has_poststop_ = false;
  bool has_own_processes_ = true;
  std::optional<cgroup::Cgroup> group_;
};

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_MONITOR_CONTAINER_H_
