// SPDX-License-Identifier: Apache-2.0
//
// The parts that MakePlan (plan.h) is made of, one source file each. Not for other targets.
//
// Each reads the member at `at` into what it is given. Errors: as MakePlan.

#ifndef STAVE_LIBS_RUNTIME_PLAN_PARTS_H_
#define STAVE_LIBS_RUNTIME_PLAN_PARTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/cursor.h"
#include "libs/runtime/plan.h"

namespace stave::runtime::parts {

inline constexpr int64_t kMaxId = 4294967294;

// plan_process.cc
absl::StatusOr<Process> ReadProcess(const json::Cursor& at, std::vector<std::string>* warnings);

// plan_mounts.cc
absl::Status ReadMounts(const json::Cursor& at, Plan* plan);
absl::Status ReadDevices(const json::Cursor& at, Plan* plan);
absl::Status ReadIdMappings(const json::Cursor& at, std::vector<IdMapping>* mappings);
// Mounts that take their mappings from a user namespace have one. Needs plan->namespaces.
absl::Status CheckMounts(const json::Cursor& at, const Plan& plan);

// plan_namespaces.cc: namespaces, their mappings and offsets, and sysctls, which belong to them.
absl::Status ReadNamespaces(const json::Cursor& linux, Plan* plan);

// plan_linux.cc: the whole `linux` member.
absl::Status ReadLinux(const json::Cursor& at, Plan* plan);

// plan_hooks.cc
absl::Status ReadHooks(const json::Cursor& at, Hooks* hooks);

// plan.cc: what more than one of them needs.

// E_UNSUPPORTED: "POINTER: why".
absl::Status Unsupported(const json::Cursor& at, absl::string_view why);
// Nothing, or an object.
absl::Status ExpectObject(const json::Cursor& at);
// As Cursor::Int, which takes UINT64_MAX and the like for -1, "unlimited"; here they are too large.
absl::StatusOr<int64_t> SignedOr(const json::Cursor& at, int64_t low, int64_t high,
                                 int64_t otherwise);
// "/a/b": begins with a slash, has no ".." part, and open(2) takes it.
bool IsPlainAbsolute(absl::string_view path);
absl::StatusOr<std::string> AbsolutePath(const json::Cursor& at);
// 0..kMaxId; absent: 0.
absl::StatusOr<uint32_t> UserId(const json::Cursor& at);

}  // namespace stave::runtime::parts

#endif  // STAVE_LIBS_RUNTIME_PLAN_PARTS_H_
