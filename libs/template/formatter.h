// SPDX-License-Identifier: Apache-2.0
//
// One verb of Go's Printf, "%-08.3f", applied to a number, a string or a boolean: the layer below
// printf.h.

#ifndef STAVE_LIBS_TEMPLATE_FORMATTER_H_
#define STAVE_LIBS_TEMPLATE_FORMATTER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace stave::templates {

// What stands between the percent sign and the verb.
struct Flags {
  bool plus = false;
  bool minus = false;
  bool sharp = false;
  bool space = false;
  bool zero = false;
  bool plus_v = false;   // %+v
  bool sharp_v = false;  // %#v
  std::optional<int> width;
  std::optional<int> precision;
};

// Appends to `out`. Each function says whether it knows the verb; if not, nothing was appended.
// No width or precision makes the output longer than `limit`: it ends there.
class Formatter {
 public:
  Formatter(std::string* out, size_t limit) : out_(out), limit_(limit) {}

  Flags flags;

  // Whether something was left out for the limit.
  bool full() const { return full_; }
  std::string* out() { return out_; }

  bool Boolean(bool value, char32_t verb);
  // `magnitude` is the number without its sign.
  bool Integer(uint64_t magnitude, bool negative, bool is_signed, char32_t verb);
  bool Float(double value, char32_t verb);
  bool String(absl::string_view text, char32_t verb);
  // `text` at the width of the flags.
  void Pad(absl::string_view text);
  void Hexadecimal(uint64_t value);  // 0x1f, at no width

 private:
  void Digits(uint64_t magnitude, bool negative, unsigned base, char32_t verb);
  void Character(uint64_t magnitude, bool negative, char32_t verb);
  void CodePoint(uint64_t magnitude);
  void HexString(absl::string_view text, bool upper);
  void Quoted(absl::string_view text);
  std::string WithPoint(std::string number, char verb, int precision) const;
  void Fill(int count, char c);
  bool HasRoomFor(size_t size);

  std::string* out_;
  size_t limit_;
  bool full_ = false;
};

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_FORMATTER_H_
