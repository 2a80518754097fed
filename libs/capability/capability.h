// SPDX-License-Identifier: Apache-2.0
//
// Capabilities: names, sets, Docker's --cap-add and --cap-drop, and giving a process exactly the
// sets that a config says.
//
//   "CAP_CHOWN" is number 0, bit 0 of a Set.
//
// System calls directly, not libcap: the sets are written from scratch in the child of a fork,
// where nothing may be allocated. Sources: capabilities(7), capset(2), prctl(2).

#ifndef STAVE_LIBS_CAPABILITY_CAPABILITY_H_
#define STAVE_LIBS_CAPABILITY_CAPABILITY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::capability {

using Set = uint64_t;  // bit n is capability number n

inline constexpr int kLast = 40;  // CAP_CHECKPOINT_RESTORE, the newest with a name
inline constexpr Set kAll = (Set{1} << (kLast + 1)) - 1;

// The five sets of a process, as in process.capabilities.
struct Sets {
  Set bounding = 0;
  Set effective = 0;
  Set permitted = 0;
  Set inheritable = 0;
  Set ambient = 0;
};

// "CAP_NET_ADMIN" of "CAP_NET_ADMIN", "net_admin", in any case.
// Errors: InvalidArgument [E_CAPABILITY], with a hint when a name is nearly right. Numbers and
// "ALL" are not names.
absl::StatusOr<std::string> Parse(absl::string_view text);

// The set of `names` (exact: "CAP_CHOWN"). Unknown ones are appended to `unknown`, which the caller
// may warn of (OCI config.md: they are no error).
Set FromNames(const std::vector<std::string>& names, std::vector<std::string>* unknown);

// The names in `set`, by number.
std::vector<std::string> ToNames(Set set);

// The names of all capabilities, by number.
std::vector<std::string> AllNames();

// Docker's rules for --cap-add and --cap-drop on `list`, in order:
//   "ALL" in add    everything but what is in drop
//   "ALL" in drop   only what is in add
//   else            list without drop, then add
// Each name comes once. Errors: those of Parse.
absl::StatusOr<std::vector<std::string>> Tweak(const std::vector<std::string>& list,
                                               const std::vector<std::string>& add,
                                               const std::vector<std::string>& drop);

// What is in any of the five.
inline Set Any(const Sets& sets) {
  return sets.bounding | sets.effective | sets.permitted | sets.inheritable | sets.ambient;
}

// What the calling thread has; of the bounding and the ambient set, which cost a system call for
// each member, no more than `asked`.
// Errors: those of capget(2).
absl::StatusOr<Sets> Current(Set asked);

// `wanted` cut to what a process with `held` can give: no more than its permitted and bounding
// sets, ambient no more than permitted and inheritable. What was cut of any set is added to
// `missing`. Pure.
Sets Attainable(const Sets& wanted, const Sets& held, Set* missing);

// Drops what is not in `keep` from the bounding set of the calling thread.
// Needs CAP_SETPCAP in effective if there is anything to drop. No memory is allocated unless it
// fails. Errors: PermissionDenied.
absl::Status ApplyBounding(Set keep);

// Sets effective, permitted and inheritable with one capset(2), after clearing the ambient set, and
// raises the ambient ones. Come last: after setresuid(2) (with PR_SET_KEEPCAPS, or the permitted
// set is gone). No memory is allocated unless it fails. Errors: PermissionDenied if permitted or
// ambient ask for more than there is.
absl::Status ApplySets(const Sets& sets);

// Reads all five sets back from the kernel and compares.
// Errors: FailedPrecondition [E_CAPABILITY], naming the set and both values.
absl::Status Verify(const Sets& sets);

}  // namespace stave::capability

#endif  // STAVE_LIBS_CAPABILITY_CAPABILITY_H_
