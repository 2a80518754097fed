// SPDX-License-Identifier: Apache-2.0
//
// Early return of errors: the two macros that Abseil's public headers lack in 20220623.
//
//   STAVE_RETURN_IF_ERROR(WriteFileAt(dir, "pids.max", "64"));
//   STAVE_ASSIGN_OR_RETURN(const std::string text, ReadFileAt(dir, "pids.max", 4096));

#ifndef STAVE_LIBS_BASE_STATUS_MACROS_H_
#define STAVE_LIBS_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define STAVE_RETURN_IF_ERROR(expr)                               \
  do {                                                            \
    if (absl::Status stave_status = (expr); !stave_status.ok()) { \
      return stave_status;                                        \
    }                                                             \
  } while (0)

#define STAVE_STATUS_CONCAT_(a, b) a##b
#define STAVE_STATUS_CONCAT(a, b) STAVE_STATUS_CONCAT_(a, b)

#define STAVE_ASSIGN_OR_RETURN(lhs, expr) \
  STAVE_ASSIGN_OR_RETURN_IMPL_(STAVE_STATUS_CONCAT(stave_or_, __LINE__), lhs, expr)

#define STAVE_ASSIGN_OR_RETURN_IMPL_(var, lhs, expr) \
  auto var = (expr);                                 \
  if (!var.ok()) return std::move(var).status();     \
  lhs = *std::move(var)

#endif  // STAVE_LIBS_BASE_STATUS_MACROS_H_
