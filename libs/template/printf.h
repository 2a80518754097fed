// SPDX-License-Identifier: Apache-2.0
//
// Go's fmt over values: Sprint, Sprintln and Sprintf, with all of its verbs, flags, [n] and *, and
// its ways to say that verb and value do not fit: "%!d(string=x)", "%!s(MISSING)".

#ifndef STAVE_LIBS_TEMPLATE_PRINTF_H_
#define STAVE_LIBS_TEMPLATE_PRINTF_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libs/template/value.h"

namespace stave::templates {

// As %v; what is nothing is "<nil>", and a pointer to a struct begins with "&".
void AppendText(const Value& value, std::string* out);

// As a template shows it: what is nothing is "<no value>", and of a pointer what it points to.
void AppendShown(const Value& value, std::string* out);

// The longest text that is made.
inline constexpr size_t kMaxText = size_t{16} << 20;

// A space between two values if neither is a string. Errors: ResourceExhausted above kMaxText.
absl::StatusOr<std::string> Sprint(absl::Span<const Value> values);

// A space between values, and a newline. Errors: ResourceExhausted above kMaxText.
absl::StatusOr<std::string> Sprintln(absl::Span<const Value> values);

// Errors: ResourceExhausted above kMaxText, as "%1000000d" often enough is.
absl::StatusOr<std::string> Sprintf(absl::string_view format, absl::Span<const Value> values);

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_PRINTF_H_
