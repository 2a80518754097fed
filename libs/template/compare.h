// SPDX-License-Identifier: Apache-2.0
//
// eq, ne, lt, le, gt, ge.

#ifndef STAVE_LIBS_TEMPLATE_COMPARE_H_
#define STAVE_LIBS_TEMPLATE_COMPARE_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "libs/template/value.h"

namespace stave::templates {

// Whether `value` equals any of `others`. Integers compare whatever their sign; nothing equals
// nothing and what is nil. Errors: InvalidArgument in Go's words for types that do not compare, or
// without others.
absl::StatusOr<bool> EqualsAny(const Value& value, absl::Span<const Value> others);

// Whether a < b: numbers of the same kind, or strings. Errors: InvalidArgument in Go's words.
absl::StatusOr<bool> IsLess(const Value& a, const Value& b);

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_COMPARE_H_
