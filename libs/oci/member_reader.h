// SPDX-License-Identifier: Apache-2.0
//
// Strict reading of one object in JSON that somebody else wrote. Absent and null are the same; a
// wrong type is an error with a JSON pointer; no text may hold a NUL, since texts become paths and
// arguments.
//
//   MemberReader config(*value, "/config", "E_CONFIG");
//   STAVE_ASSIGN_OR_RETURN(const std::string user, config.Text("User"));
//   ->  /config/User: is a number, not a string [E_CONFIG]

#ifndef STAVE_LIBS_OCI_MEMBER_READER_H_
#define STAVE_LIBS_OCI_MEMBER_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"

namespace stave::oci {

using TextPairs = std::vector<std::pair<std::string, std::string>>;

class MemberReader {
 public:
  // Borrows `object`, which stands at `pointer` ("" is the whole text). All errors are
  // InvalidArgument with `word`. A value that is no object reads as an empty one: see CheckObject.
  MemberReader(const json::Value& object, std::string pointer, std::string word);

  absl::Status CheckObject() const;

  // The value of `key` or nullptr where absent or null.
  const json::Value* Find(absl::string_view key) const;
  std::string PointerTo(absl::string_view key) const;

  absl::StatusOr<std::string> Text(absl::string_view key) const;  // "" where absent
  absl::StatusOr<std::optional<std::string>> OptionalText(absl::string_view key) const;
  absl::StatusOr<std::vector<std::string>> Texts(absl::string_view key) const;  // an array
  absl::StatusOr<std::optional<std::vector<std::string>>> OptionalTexts(
      absl::string_view key) const;
  // An object whose values are strings; and the names alone of an object of any values.
  absl::StatusOr<TextPairs> TextMap(absl::string_view key) const;
  absl::StatusOr<std::vector<std::string>> Names(absl::string_view key) const;
  absl::StatusOr<bool> Flag(absl::string_view key) const;  // false where absent
  // An integer in [low, high]; `fallback` where absent.
  absl::StatusOr<int64_t> Integer(absl::string_view key, int64_t low, int64_t high,
                                  int64_t fallback) const;
  // An object or array of that name; nullptr where absent.
  absl::StatusOr<const json::Value*> Object(absl::string_view key) const;
  absl::StatusOr<const json::Value*> Array(absl::string_view key) const;

  // "POINTER/key: why" with the reader's word.
  absl::Status Error(absl::string_view key, absl::string_view why) const;

 private:
  absl::StatusOr<const json::Value*> Typed(absl::string_view key, json::Value::Type type) const;
  absl::StatusOr<std::string> TextOf(const json::Value& value, absl::string_view key) const;

  const json::Value& object_;
  std::string pointer_;
  std::string word_;
};

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_MEMBER_READER_H_
