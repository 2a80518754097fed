// SPDX-License-Identifier: Apache-2.0
//
// Private to plan: what the planners of the parts of linux.resources share.

#ifndef STAVE_LIBS_CGROUP_PLAN_STATE_H_
#define STAVE_LIBS_CGROUP_PLAN_STATE_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/plan.h"
#include "libs/cgroup/update.h"
#include "libs/json/value.h"

namespace stave::cgroup {

inline constexpr char kResources[] = "/linux/resources";

inline constexpr int64_t kUnlimited = -1;
inline constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

struct PlanState {
  const Hierarchies& hierarchies;
  CurrentLimits current;  // those of a new cgroup, or of the one to update
  bool is_update;
  Limits limits;

  // Adds a setting whose file every kernel with the controller has.
  void Add(absl::string_view member, absl::string_view controller, absl::string_view file,
           absl::string_view value) {
    limits.settings.push_back({std::string(member), std::string(controller), std::string(file),
                               std::string(value), "", "", false});
  }
};

// One object of resources ("memory") and the JSON pointer to it.
struct Part {
  const json::Value* object;  // nullptr: absent
  std::string pointer;
};

// `pointer`: `why`, an InvalidArgument [E_DOCUMENT].
absl::Status Wrong(absl::string_view pointer, absl::string_view why);
// `pointer`: `why`, an Unimplemented [E_UNSUPPORTED].
absl::Status Unsupported(absl::string_view pointer, absl::string_view why);

// The member `key` of `parent` as an object. Errors: Wrong.
absl::StatusOr<Part> FindPart(const Part& parent, absl::string_view key);
// As an array: nullptr if it is absent.
absl::StatusOr<const json::Value*> FindArray(const Part& parent, absl::string_view key);
// As an integer within [low, high]: nothing if it is absent.
absl::StatusOr<std::optional<int64_t>> FindInteger(const Part& part, absl::string_view key,
                                                   int64_t low, int64_t high);
// The same where 0 asks for nothing, as the members of engines that cannot be absent do.
absl::StatusOr<std::optional<int64_t>> FindAmount(const Part& part, absl::string_view key,
                                                  int64_t low, int64_t high);
// As a boolean: false if it is absent.
absl::StatusOr<bool> FindFlag(const Part& part, absl::string_view key);
absl::StatusOr<std::optional<std::string>> FindText(const Part& part, absl::string_view key);

// The version that has `controller`. Errors: FailedPrecondition [E_CGROUP], for `pointer`.
absl::StatusOr<Version> Need(const PlanState& state, absl::string_view controller,
                             absl::string_view pointer);

// "512", or the word of that side for "no limit".
std::string LimitText(int64_t limit, absl::string_view unlimited);

// A member that is one number in one file on either side.
struct NumberRow {
  const char* key;
  const char* v1_file;
  const char* v2_file;  // nullptr: v2 does not have it
  int64_t low;
  int64_t high;
  bool zero_is_none = false;
};

absl::Status PlanNumber(const Part& part, const NumberRow& row, absl::string_view controller,
                        PlanState* state);

absl::Status PlanMemory(const Part& resources, PlanState* state);
absl::Status PlanCpu(const Part& resources, PlanState* state);
// blockIO, hugepageLimits, network, rdma, unified.
absl::Status PlanBlockIo(const Part& resources, PlanState* state);
absl::Status PlanHugepages(const Part& resources, PlanState* state);
absl::Status PlanNetwork(const Part& resources, PlanState* state);
absl::Status PlanRdma(const Part& resources, PlanState* state);
absl::Status PlanUnified(const Part& resources, PlanState* state);

}  // namespace stave::cgroup

#endif  // STAVE_LIBS_CGROUP_PLAN_STATE_H_
