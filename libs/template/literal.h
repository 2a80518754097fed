// SPDX-License-Identifier: Apache-2.0
//
// Number and character literals of templates: 1_000, 0x1F, 0b1, 1.5e3, 'a'.

#ifndef STAVE_LIBS_TEMPLATE_LITERAL_H_
#define STAVE_LIBS_TEMPLATE_LITERAL_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::templates {

// What a literal can be taken for; 1.0 can be an integer, too.
struct Number {
  std::optional<int64_t> integer;
  std::optional<uint64_t> natural;
  std::optional<double> real;
};

// A character literal has its quotes.
// Errors: InvalidArgument in Go's words: `illegal number syntax: "1x"`, `integer overflow: ...`.
// Imaginary numbers are illegal here.
absl::StatusOr<Number> ParseNumber(absl::string_view text);

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_LITERAL_H_
