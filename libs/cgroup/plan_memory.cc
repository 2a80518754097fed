// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/plan_state.h"

namespace stave::cgroup {
namespace {

// memory.limit and memory.swap, the sum of memory and swap; absent where nothing is to be done.
struct MemoryPair {
  std::optional<int64_t> limit;
  std::optional<int64_t> sum;
  std::string at_limit;  // JSON pointers
  std::string at_sum;
};

void AddLimit(const MemoryPair& pair, absl::string_view file, absl::string_view unlimited,
              PlanState* state) {
  if (!pair.limit.has_value()) return;
  state->Add(pair.at_limit, "memory", file, LimitText(*pair.limit, unlimited));
}

absl::Status AboveSum(const MemoryPair& pair, int64_t sum) {
  return Wrong(pair.at_limit,
               absl::StrCat(*pair.limit, " is above the limit of memory and swap in force, ", sum,
                            "; memory.swap must be given, too"));
}

// The kernel holds the limit of memory at or below that of the sum after each write.
absl::Status PlanPairV1(const MemoryPair& pair, PlanState* state) {
  const CurrentLimits& now = state->current;
  const int64_t sum_now = now.swap.value_or(kUnlimited);
  if (!pair.sum.has_value() && sum_now != kUnlimited && *pair.limit > sum_now) {
    return AboveSum(pair, sum_now);
  }
  const bool sum_first =
      pair.sum.has_value() &&
      (*pair.sum == kUnlimited ? sum_now != kUnlimited
                               : now.memory != kUnlimited && *pair.sum >= now.memory);
  if (!sum_first) AddLimit(pair, "memory.limit_in_bytes", "-1", state);
  if (pair.sum.has_value()) {
    state->Add(pair.at_sum, "memory", "memory.memsw.limit_in_bytes", LimitText(*pair.sum, "-1"));
    state->limits.settings.back().optional = *pair.sum == kUnlimited;
  }
  if (sum_first) AddLimit(pair, "memory.limit_in_bytes", "-1", state);
  return absl::OkStatus();
}

// v2 limits swap alone: where only the limit changes, what is left of the sum.
absl::Status PlanPairV2(const MemoryPair& pair, PlanState* state) {
  const CurrentLimits& now = state->current;
  const int64_t swap_now = now.swap.value_or(kUnlimited);
  std::optional<int64_t> swap = pair.sum;
  if (swap.has_value() && *swap != kUnlimited) *swap -= pair.limit.value_or(now.memory);
  if (!swap.has_value() && swap_now != kUnlimited && now.memory != kUnlimited) {
    if (*pair.limit > now.memory + swap_now) return AboveSum(pair, now.memory + swap_now);
    swap = now.memory + swap_now - *pair.limit;
  }
  AddLimit(pair, "memory.max", "max", state);
  if (swap.has_value()) {
    state->Add(pair.sum.has_value() ? pair.at_sum : pair.at_limit, "memory", "memory.swap.max",
               LimitText(*swap, "max"));
    // A kernel that does not count swap has none to limit.
    state->limits.settings.back().optional = *swap == kUnlimited || *swap == 0;
  }
  return absl::OkStatus();
}

absl::Status CheckUse(const Part& memory, const MemoryPair& pair, const PlanState& state) {
  STAVE_ASSIGN_OR_RETURN(const bool check, FindFlag(memory, "checkBeforeUpdate"));
  if (!check || !pair.limit.has_value() || *pair.limit == kUnlimited ||
      *pair.limit >= state.current.memory_used) {
    return absl::OkStatus();
  }
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE",
                     absl::StrCat(pair.at_limit, ": ", *pair.limit, " is below what is in use, ",
                                  state.current.memory_used));
}

absl::Status PlanPair(const Part& memory, PlanState* state) {
  MemoryPair pair;
  pair.at_limit = absl::StrCat(memory.pointer, "/limit");
  pair.at_sum = absl::StrCat(memory.pointer, "/swap");
  STAVE_ASSIGN_OR_RETURN(pair.limit, FindAmount(memory, "limit", kUnlimited, kMost));
  STAVE_ASSIGN_OR_RETURN(pair.sum, FindAmount(memory, "swap", kUnlimited, kMost));
  if (!pair.limit.has_value() && !pair.sum.has_value()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(
      const Version version,
      Need(*state, "memory", pair.limit.has_value() ? pair.at_limit : pair.at_sum));
  // No limit of memory is no limit of the sum, either.
  if (pair.limit == kUnlimited && !pair.sum.has_value() &&
      state->current.swap.value_or(kUnlimited) != kUnlimited) {
    pair.sum = kUnlimited;
  }
  const int64_t limit = pair.limit.value_or(state->current.memory);
  if (pair.sum.value_or(kUnlimited) != kUnlimited) {
    if (limit == kUnlimited) {
      return Wrong(pair.at_sum, "a limit of memory and swap together needs memory.limit too");
    }
    if (*pair.sum < limit) {
      return Wrong(pair.at_sum, absl::StrCat(*pair.sum, " is below memory.limit, ", limit,
                                             "; it is the sum of memory and swap"));
    }
  }
  STAVE_RETURN_IF_ERROR(CheckUse(memory, pair, *state));
  return version == Version::kV1 ? PlanPairV1(pair, state) : PlanPairV2(pair, state);
}

absl::Status PlanSwappiness(const Part& memory, PlanState* state) {
  constexpr int64_t kHighest = 200;
  STAVE_ASSIGN_OR_RETURN(const auto value, FindInteger(memory, "swappiness", kUnlimited, kHighest));
  if (value.value_or(kUnlimited) == kUnlimited) return absl::OkStatus();
  return PlanNumber(memory, {"swappiness", "memory.swappiness", nullptr, 0, kHighest}, "memory",
                    state);
}

// Linux has no limit of kernel memory alone since 5.16; v1 still has the files.
absl::Status WarnOfKernelMemory(const Part& memory, PlanState* state) {
  for (const char* key : {"kernel", "kernelTCP"}) {
    STAVE_ASSIGN_OR_RETURN(const auto limit, FindAmount(memory, key, kUnlimited, kMost));
    if (limit.value_or(kUnlimited) == kUnlimited) continue;
    state->limits.warnings.push_back(absl::StrCat(
        memory.pointer, "/", key, ": ignored, memory.limit holds for the kernel's memory, too"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status PlanMemory(const Part& resources, PlanState* state) {
  STAVE_ASSIGN_OR_RETURN(const Part memory, FindPart(resources, "memory"));
  STAVE_RETURN_IF_ERROR(PlanPair(memory, state));
  NumberRow reservation = {"reservation", "memory.soft_limit_in_bytes", "memory.low", kUnlimited,
                           kMost};
  reservation.zero_is_none = true;
  STAVE_RETURN_IF_ERROR(PlanNumber(memory, reservation, "memory", state));
  STAVE_RETURN_IF_ERROR(PlanSwappiness(memory, state));
  STAVE_RETURN_IF_ERROR(WarnOfKernelMemory(memory, state));
  STAVE_ASSIGN_OR_RETURN(const bool keep, FindFlag(memory, "disableOOMKiller"));
  if (!keep) return absl::OkStatus();
  const std::string pointer = absl::StrCat(memory.pointer, "/disableOOMKiller");
  STAVE_ASSIGN_OR_RETURN(const Version version, Need(*state, "memory", pointer));
  if (version == Version::kV2) {
    return Unsupported(pointer, "cgroup v2 cannot turn the OOM killer off");
  }
  state->Add(pointer, "memory", "memory.oom_control", "1");
  return absl::OkStatus();
}

}  // namespace stave::cgroup
