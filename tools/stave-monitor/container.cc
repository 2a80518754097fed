// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-monitor/container.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/json/value.h"
#include "libs/monitor/channel.h"
#include "libs/oci/process.h"
#include "libs/runtime/shared_namespaces.h"
#include "libs/store/events.h"
#include "tools/stave-monitor/make.h"

namespace stave::tools {
namespace {

constexpr absl::Duration kUsualGrace = absl::Seconds(10);
constexpr absl::Duration kRemoveHas = absl::Seconds(10);

}  // namespace

absl::Status WatchedContainer::Open(const Orders& orders) {
  STAVE_ASSIGN_OR_RETURN(store::Store store, store::Store::OpenRoots({orders.state, orders.run},
                                                                     store::Access::kWrite));
  store_.emplace(std::move(store));
  base::UniqueFd lock(static_cast<int>(orders.entry));
  ::fcntl(lock.get(), F_SETFD, FD_CLOEXEC);
  STAVE_ASSIGN_OR_RETURN(
      store::Pending entry,
      store::Pending::Inherit(*store_, orders.id, store::Phase::kForeground, std::move(lock)));
  entry_.emplace(std::move(entry));
  STAVE_ASSIGN_OR_RETURN(record_, entry_->container().ReadRecord());
  STAVE_ASSIGN_OR_RETURN(state_, entry_->container().ReadState());
  STAVE_RETURN_IF_ERROR(ReadDocument());
  if (state_.cgroup.empty()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const cgroup::Hierarchies hierarchies, cgroup::FindHierarchies());
  STAVE_ASSIGN_OR_RETURN(cgroup::Cgroup group, cgroup::Cgroup::Open(state_.cgroup, hierarchies));
  group_.emplace(std::move(group));
  return absl::OkStatus();
}

absl::Status WatchedContainer::ReadDocument() {
  STAVE_ASSIGN_OR_RETURN(const json::Value document, entry_->container().ReadDocument());
  STAVE_ASSIGN_OR_RETURN(life_, oci::GetLife(document));
  if (!life_.stop.signal.empty()) {
    const auto signal = base::ParseSignal(life_.stop.signal);
    if (signal.ok()) stop_signal_ = *signal;
  }
  terminal_ = oci::HasTerminal(document);
  has_own_processes_ = runtime::HasOwnProcesses(document);
  const json::Value* poststop = document.Find({"hooks", "poststop"});
  has_poststop_ = poststop != nullptr && poststop->is_array() && !poststop->elements().empty();
  return absl::OkStatus();
}

absl::Duration WatchedContainer::stop_timeout() const {
  if (!life_.stop.timeout) return kUsualGrace;
  return *life_.stop.timeout < 0 ? absl::InfiniteDuration() : absl::Seconds(*life_.stop.timeout);
}

log::WriterOptions WatchedContainer::LogOptions() const {
  log::WriterOptions options;
  options.driver = log::ParseDriver(life_.log.driver).value_or(log::Driver::kJsonFile);
  options.limits.max_size = life_.log.max_size;
  options.limits.max_files = static_cast<int>(life_.log.max_file);
  options.origin.id = record_.id;
  options.origin.name = record_.name;
  options.origin.tag = life_.log.tag;
  options.origin.image = record_.image;
  return options;
}

absl::StatusOr<base::UniqueFd> WatchedContainer::LogFolder() const {
  const int home = entry_->container().home();
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(home, "log", 0700));
  return base::OpenDirAt(home, "log");
}

absl::Status WatchedContainer::SetRestart(const std::string& text) {
  STAVE_ASSIGN_OR_RETURN(life_.restart, oci::ParseRestart(text));
  return absl::OkStatus();
}

void WatchedContainer::KillRest() {
  if (!has_own_processes_) runtime::KillRest(ending());
}

store::Exit WatchedContainer::ExitOf(const runtime::Ended& ended) {
  return runtime::ExitOf(ended, ending());
}

absl::Duration WatchedContainer::Ran(const store::Exit& exit) const {
  if (!exit.started || !exit.finished) return absl::ZeroDuration();
  return *exit.finished - *exit.started;
}

void WatchedContainer::TellDied(const store::Exit& exit) { runtime::TellDied(exit, ending()); }

void WatchedContainer::TellHealth(store::Wellness status) const {
  store::AppendEvent(*store_, "health_status", record_.id, record_.name,
                     {{"health", store::WellnessName(status)}});
}

void WatchedContainer::WriteRestarting(const store::Exit& exit, const Orders& orders,
                                       absl::Time next) {
  if (group_ && group_->End(kRemoveHas).ok()) {
    group_->Release();
    group_.reset();
  }
  state_.status = store::Status::kRestarting;
  state_.init.reset();
  state_.finished = exit.finished;
  state_.restarts = orders.restarts;
  state_.last_code = exit.code;
  state_.last = exit;
  state_.next = next;
  entry_->container().WriteState(state_).IgnoreError();
}

void WatchedContainer::BecomeMaker(Orders orders, int listener) {
  orders.act = "make";
  orders.entry = entry_->lock_fd();
  orders.listener = listener;
  orders.client = orders.pid = orders.pidfd = orders.terminal = -1;
  orders.in = orders.out = orders.err = -1;
  store::AppendEvent(*store_, "restart", record_.id, record_.name);
  for (const int64_t fd : {orders.entry, orders.listener}) {
    ::fcntl(static_cast<int>(fd), F_SETFD, 0);
  }
  BecomeAnew(orders);
}

void WatchedContainer::End(const store::Exit& exit, const std::function<void()>& told) {
  // With --rm it is gone when the end has been written down.
  absl::StatusOr<json::Value> document = absl::NotFoundError("no hooks");
  if (has_poststop_) document = entry_->container().ReadDocument();
  ::unlinkat(entry_->container().run(), monitor::kSocketName, 0);
  const absl::Status written = runtime::WriteEnd(exit, ending());
  told();
  if (!written.ok()) return;  // the next command goes on
  if (document.ok()) runtime::TellGone(*document, ending());
  if (rm()) store::AppendEvent(*store_, "destroy", record_.id, record_.name);
  runtime::CleanUp(ending()).IgnoreError();
}

}  // namespace stave::tools
