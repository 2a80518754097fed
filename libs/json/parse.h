// SPDX-License-Identifier: Apache-2.0
//
// JSON text -> Value, strictly and within bounds, and back.
//
// Refused, with the offset in bytes and a JSON pointer (RFC 6901) to the place:
//   anything RFC 8259 does not allow, bytes that are not UTF-8, lone surrogates, a byte order mark,
//   numbers beyond a double's range (1e309),
//   text after the document, duplicate keys in one object, nesting deeper than Limits.depth, more
//   values than Limits.values, more bytes than Limits.bytes.
//   `/process/args: offset 118: trailing comma [E_JSON]`

#ifndef STAVE_LIBS_JSON_PARSE_H_
#define STAVE_LIBS_JSON_PARSE_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"

namespace stave::json {

struct Limits {
  size_t bytes = size_t{4} << 20;
  size_t values = 200000;
  int depth = 64;
};

// Parses one document; white space around it is allowed.
// Errors: InvalidArgument [E_JSON]; ResourceExhausted [E_LIMIT] for the bounds.
absl::StatusOr<Value> Parse(absl::string_view text, const Limits& limits = Limits());

// Compact, one line, no newline at the end. Numbers as they came.
std::string Print(const Value& value);

// Indented by `indent` spaces a level, as jq prints; no newline at the end.
std::string PrintIndented(const Value& value, int indent = 2);

// The pointer of the first string or key of `value` that is not UTF-8, which JSON has to be;
// nullopt if there is none.
std::optional<std::string> FindNotUtf8(const Value& value);

// `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
std::string Quote(absl::string_view text);

}  // namespace stave::json

#endif  // STAVE_LIBS_JSON_PARSE_H_
