// SPDX-License-Identifier: Apache-2.0
//
// index, slice and len.

#ifndef STAVE_LIBS_TEMPLATE_CONTAINER_H_
#define STAVE_LIBS_TEMPLATE_CONTAINER_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "libs/template/value.h"

namespace stave::templates {

// item[index][index]...: of lists, strings (a byte) and maps, where a key that is not there gives
// the zero value. Errors: InvalidArgument in Go's words.
absl::StatusOr<Value> Index(Value item, absl::Span<const Value> indexes);

// item[a:b] of a list or string; item[a:b:c] of a list. Errors: InvalidArgument in Go's words.
absl::StatusOr<Value> Slice(const Value& item, absl::Span<const Value> indexes);

// Of a string in bytes, of a list or map in elements. Errors: InvalidArgument in Go's words.
absl::StatusOr<Value> Length(const Value& item);

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_CONTAINER_H_
