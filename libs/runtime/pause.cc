// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/pause.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/freezer.h"
#include "libs/runtime/container_group.h"
#include "libs/store/container.h"
#include "libs/store/events.h"
#include "libs/store/paused.h"
#include "libs/store/record.h"

namespace stave::runtime {
namespace {

constexpr absl::Duration kFreezeHas = absl::Seconds(10);

absl::Status Refused(const std::string& id, const char* word, absl::string_view why) {
  return base::Error(absl::StatusCode::kFailedPrecondition, word,
                     absl::StrCat("container ", id, " ", why));
}

// Its processes are in hand.
absl::Status CheckRunning(const store::ContainerView& container) {
  const std::string& id = container.record.id;
  if (container.status == store::Status::kRestarting) {
    return Refused(id, "E_STATE", "is restarting, wait until the container is running");
  }
  if (container.status != store::Status::kRunning) {
    return Refused(id, "E_NOT_RUNNING", "is not running");
  }
  return absl::OkStatus();
}

absl::Status Cannot(const char* act, const std::string& id, const absl::Status& why) {
  return base::WithContext(why, absl::StrCat("cannot ", act, " container ", id));
}

}  // namespace

bool IsPaused(const store::ContainerView& container) {
  if (container.status != store::Status::kRunning || !container.marked_paused) return false;
  const auto group = OpenCgroupOf(container);
  return group.ok() && cgroup::IsFrozen(*group);
}

absl::Status Pause(const store::Store& store, const std::string& id) {
  STAVE_ASSIGN_OR_RETURN(const store::ContainerView view, store::GetContainer(store, id));
  STAVE_RETURN_IF_ERROR(CheckRunning(view));
  if (IsPaused(view)) return Refused(id, "E_STATE", "is already paused");
  STAVE_ASSIGN_OR_RETURN(const store::Container container, store::Container::Open(store, id));
  const auto group = OpenCgroupOf(view);
  if (!group.ok()) return Cannot("pause", id, group.status());
  STAVE_RETURN_IF_ERROR(store::MarkPaused(container));
  const absl::Status frozen = cgroup::Freeze(*group, kFreezeHas);
  if (!frozen.ok()) {
    if (!cgroup::IsFrozen(*group)) store::UnmarkPaused(container).IgnoreError();
    return Cannot("pause", id, frozen);
  }
  // Who unpauses at this moment may have taken the marker away.
  STAVE_RETURN_IF_ERROR(store::MarkPaused(container));
  store::AppendEvent(store, "pause", id, view.record.name);
  return absl::OkStatus();
}

absl::Status Unpause(const store::Store& store, const std::string& id) {
  STAVE_ASSIGN_OR_RETURN(const store::ContainerView view, store::GetContainer(store, id));
  STAVE_RETURN_IF_ERROR(CheckRunning(view));
  if (!IsPaused(view)) return Refused(id, "E_STATE", "is not paused");
  STAVE_ASSIGN_OR_RETURN(const store::Container container, store::Container::Open(store, id));
  const auto group = OpenCgroupOf(view);
  if (!group.ok()) return Cannot("unpause", id, group.status());
  if (const absl::Status thawed = cgroup::Thaw(*group); !thawed.ok()) {
    return Cannot("unpause", id, thawed);
  }
  STAVE_RETURN_IF_ERROR(store::UnmarkPaused(container));
  if (cgroup::IsFrozen(*group)) return store::MarkPaused(container);  // somebody was faster
  store::AppendEvent(store, "unpause", id, view.record.name);
  return absl::OkStatus();
}

void ThawIfPaused(const store::Store& store, const store::ContainerView& container) {
  const auto group = OpenCgroupOf(container);
  if (!group.ok() || !cgroup::IsFrozen(*group)) return;
  cgroup::Thaw(*group).IgnoreError();
  const auto opened = store::Container::Open(store, container.record.id);
  if (opened.ok()) store::UnmarkPaused(*opened).IgnoreError();
}

}  // namespace stave::runtime
