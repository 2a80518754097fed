// SPDX-License-Identifier: Apache-2.0
#include "libs/template/printf.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/template/formatter.h"
#include "libs/template/runes.h"

namespace stave::templates {
namespace {

using Kind = Value::Kind;

constexpr int kMaxWidth = 1000000;

// Prints values with the flags of one verb.
class Printer {
 public:
  Printer(std::string* out, size_t limit) : formatter_(out, limit) {}

  Formatter& formatter() { return formatter_; }

  // A value that was given as it is.
  void Print(const Value& value, char32_t verb) {
    if (value.is_nothing()) {
      if (verb == 'T' || verb == 'v') return formatter_.Pad("<nil>");
      return Misfit(nullptr, verb);
    }
    if (verb == 'T') {
      formatter_.String(value.TypeName(), 's');
      return;
    }
    if (verb == 'p') return Misfit(&value, verb);
    PrintAt(value, verb, 0);
  }

  void Append(absl::string_view text) { absl::StrAppend(formatter_.out(), text); }

 private:
  void PrintAt(const Value& value, char32_t verb, int depth) {
    if (formatter_.full()) return;
    switch (value.kind()) {
      case Kind::kMissing:
      case Kind::kNull:
        return Append(formatter_.flags.sharp_v ? "interface {}(nil)" : "<nil>");
      case Kind::kNilPointer:
        return PrintNilPointer(value, verb);
      case Kind::kList:
        return PrintList(value, verb, depth);
      case Kind::kMap:
        return PrintMap(value, verb, depth);
      case Kind::kStruct:
        return PrintStruct(value, verb, depth);
      default:
        if (!PrintScalar(value, verb)) Misfit(&value, verb);
    }
  }

  bool PrintScalar(const Value& value, char32_t verb) {
    switch (value.kind()) {
      case Kind::kBool:
        return formatter_.Boolean(value.boolean(), verb);
      case Kind::kInt: {
        const int64_t integer = value.integer();
        const auto bits = static_cast<uint64_t>(integer);
        return formatter_.Integer(integer < 0 ? ~bits + 1 : bits, integer < 0, true, verb);
      }
      case Kind::kUint:
        return formatter_.Integer(value.unsigned_integer(), false, false, verb);
      case Kind::kFloat:
        return formatter_.Float(value.real(), verb);
      default:
        return formatter_.String(value.text(), verb);
    }
  }

  void PrintNilPointer(const Value& value, char32_t verb) {
    if (verb == 'v') {
      if (!formatter_.flags.sharp_v) return formatter_.Pad("<nil>");
      return Append(absl::StrCat("(", value.TypeName(), ")(nil)"));
    }
    if (!formatter_.Integer(0, false, false, verb)) Misfit(&value, verb);
  }

  // What stands before the elements; false if that is all.
  bool Open(const Value& value, absl::string_view plain) {
    if (!formatter_.flags.sharp_v) {
      Append(plain);
      return true;
    }
    Append(value.TypeName());
    Append(value.is_nil() ? "(nil)" : "{");
    return !value.is_nil();
  }

  void Separate(bool first) {
    if (!first) Append(formatter_.flags.sharp_v ? ", " : " ");
  }

  void PrintList(const Value& value, char32_t verb, int depth) {
    if (!Open(value, "[")) return;
    bool first = true;
    for (const Value& element : value.elements()) {
      Separate(std::exchange(first, false));
      PrintAt(element, verb, depth + 1);
    }
    Append(formatter_.flags.sharp_v ? "}" : "]");
  }

  void PrintMap(const Value& value, char32_t verb, int depth) {
    if (!Open(value, "map[")) return;
    bool first = true;
    for (const auto& [key, member] : value.members()) {
      Separate(std::exchange(first, false));
      PrintAt(Value::String(key), verb, depth + 1);
      Append(":");
      PrintAt(member, verb, depth + 1);
    }
    Append(formatter_.flags.sharp_v ? "}" : "]");
  }

  void PrintStruct(const Value& value, char32_t verb, int depth) {
    const StructType& type = *value.struct_type();
    absl::string_view name = type.name;
    if (depth == 0 && absl::ConsumePrefix(&name, "*")) Append("&");
    if (formatter_.flags.sharp_v) Append(name);
    Append("{");
    for (size_t i = 0; i < type.fields.size(); ++i) {
      Separate(i == 0);
      if (formatter_.flags.plus_v || formatter_.flags.sharp_v) Append(type.fields[i] + ":");
      PrintAt(value.struct_data()->Field(i), verb, depth + 1);
    }
    Append("}");
  }

  // "%!d(string=x)"; nullptr is nil.
  void Misfit(const Value* value, char32_t verb) {
    Append("%!");
    AppendRune(verb, formatter_.out());
    Append("(");
    if (value == nullptr) {
      Append("<nil>");
    } else {
      Append(value->TypeName() + "=");
      PrintAt(*value, 'v', 0);
    }
    Append(")");
  }

  Formatter formatter_;
};

// Reads a format and prints what it says.
class FormatReader {
 public:
  FormatReader(absl::string_view format, absl::Span<const Value> values, std::string* out,
               size_t limit)
      : format_(format), values_(values), out_(out), printer_(out, limit) {}

  // False if the limit was reached.
  bool Run() {
    while (at_ < format_.size() && !printer_.formatter().full()) {
      const size_t percent = std::min(format_.find('%', at_), format_.size());
      printer_.Append(format_.substr(at_, percent - at_));
      at_ = percent + 1;
      if (percent < format_.size() && !ReadVerb()) break;
    }
    if (!reordered_ && argument_ < values_.size()) PrintExtra();
    return !printer_.formatter().full();
  }

 private:
  Flags& flags() { return printer_.formatter().flags; }
  char Here() const { return at_ < format_.size() ? format_[at_] : '\0'; }

  void ReadFlags() {
    flags() = Flags();
    for (;; ++at_) {
      switch (Here()) {
        case '#':
          flags().sharp = true;
          break;
        case '0':
          flags().zero = !flags().minus;
          break;
        case '+':
          flags().plus = true;
          break;
        case '-':
          flags().minus = true;
          flags().zero = false;
          break;
        case ' ':
          flags().space = true;
          break;
        default:
          return;
      }
    }
  }

  // A number, or nullopt; one that is too large ends the format.
  std::optional<int> ReadNumber(size_t end) {
    if (at_ >= end || !absl::ascii_isdigit(Here())) return std::nullopt;
    int number = 0;
    for (; at_ < end && absl::ascii_isdigit(Here()); ++at_) {
      if (number > kMaxWidth) {
        at_ = end;
        return std::nullopt;
      }
      number = number * 10 + (Here() - '0');
    }
    return number;
  }

  // "[3]": the next argument is the third.
  void ReadIndex() {
    after_index_ = false;
    if (Here() != '[') return;
    reordered_ = true;
    const size_t close = format_.find(']', at_);
    if (close == absl::string_view::npos || format_.size() - at_ < 3) {
      ++at_;
      good_index_ = false;
      return;
    }
    ++at_;
    const std::optional<int> number = ReadNumber(close);
    const bool whole = number.has_value() && at_ == close;
    at_ = close + 1;
    after_index_ = whole;
    if (whole && *number >= 1 && static_cast<size_t>(*number) <= values_.size()) {
      argument_ = static_cast<size_t>(*number) - 1;
    } else {
      good_index_ = false;
    }
  }

  // The integer that "*" stands for.
  std::optional<int> TakeInteger() {
    if (argument_ >= values_.size()) return std::nullopt;
    const Value& value = values_[argument_++];
    int64_t number = kMaxWidth + 1;
    if (value.kind() == Kind::kInt) number = value.integer();
    if (value.kind() == Kind::kUint && value.unsigned_integer() <= kMaxWidth) {
      number = static_cast<int64_t>(value.unsigned_integer());
    }
    if (number > kMaxWidth || number < -kMaxWidth) return std::nullopt;
    return static_cast<int>(number);
  }

  void ReadWidth() {
    if (Here() != '*') {
      flags().width = ReadNumber(format_.size());
      if (after_index_ && flags().width) good_index_ = false;
      return;
    }
    ++at_;
    flags().width = TakeInteger();
    if (!flags().width) printer_.Append("%!(BADWIDTH)");
    if (flags().width.value_or(0) < 0) {
      flags().width = -*flags().width;
      flags().minus = true;
      flags().zero = false;
    }
    after_index_ = false;
  }

  void ReadPrecision() {
    if (Here() != '.' || at_ + 1 > format_.size()) return;
    ++at_;
    if (after_index_) good_index_ = false;
    ReadIndex();
    if (Here() != '*') {
      flags().precision = ReadNumber(format_.size()).value_or(0);
      return;
    }
    ++at_;
    flags().precision = TakeInteger();
    if (flags().precision.value_or(0) < 0) flags().precision.reset();
    if (!flags().precision) printer_.Append("%!(BADPREC)");
    after_index_ = false;
  }

  // One verb with all before it; false at the end of the format.
  bool ReadVerb() {
    good_index_ = true;
    ReadFlags();
    ReadIndex();
    ReadWidth();
    ReadPrecision();
    if (!after_index_) ReadIndex();
    if (at_ >= format_.size()) {
      printer_.Append("%!(NOVERB)");
      return false;
    }
    const Rune verb = FirstRune(format_.substr(at_));
    at_ += verb.size;
    if (verb.value == '%') {
      printer_.Append("%");
    } else if (!good_index_) {
      Complain(verb.value, "(BADINDEX)");
    } else if (argument_ >= values_.size()) {
      Complain(verb.value, "(MISSING)");
    } else {
      if (verb.value == 'v') {
        flags().sharp_v = std::exchange(flags().sharp, false);
        flags().plus_v = std::exchange(flags().plus, false);
      }
      printer_.Print(values_[argument_++], verb.value);
    }
    return true;
  }

  void Complain(char32_t verb, absl::string_view what) {
    printer_.Append("%!");
    AppendRune(verb, out_);
    printer_.Append(what);
  }

  void PrintExtra() {
    flags() = Flags();
    printer_.Append("%!(EXTRA ");
    for (size_t i = argument_; i < values_.size(); ++i) {
      if (i > argument_) printer_.Append(", ");
      if (!values_[i].is_nothing()) printer_.Append(values_[i].TypeName() + "=");
      printer_.Print(values_[i], 'v');
    }
    printer_.Append(")");
  }

  absl::string_view format_;
  absl::Span<const Value> values_;
  std::string* out_;
  Printer printer_;
  size_t at_ = 0;
  size_t argument_ = 0;
  bool reordered_ = false;
  bool good_index_ = true;
  bool after_index_ = false;
};

absl::Status TooLong() { return absl::ResourceExhaustedError("the text is too long"); }

constexpr size_t kNoLimit = std::numeric_limits<size_t>::max() / 2;

}  // namespace

void AppendText(const Value& value, std::string* out) {
  if (value.kind() == Kind::kString) {
    out->append(value.text());
  } else {
    Printer(out, kNoLimit).Print(value, 'v');
  }
}

void AppendShown(const Value& value, std::string* out) {
  if (value.is_nothing()) {
    out->append("<no value>");
    return;
  }
  const size_t start = out->size();
  AppendText(value, out);
  const StructType* type = value.struct_type();
  if (type != nullptr && type->name[0] == '*') out->erase(start, 1);
}

absl::StatusOr<std::string> Sprint(absl::Span<const Value> values) {
  std::string out;
  bool was_string = true;
  for (const Value& value : values) {
    const bool is_string = value.kind() == Kind::kString;
    if (!is_string && !was_string) out.push_back(' ');
    AppendText(value, &out);
    if (out.size() > kMaxText) return TooLong();
    was_string = is_string;
  }
  return out;
}

absl::StatusOr<std::string> Sprintln(absl::Span<const Value> values) {
  std::string out;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out.push_back(' ');
    AppendText(values[i], &out);
    if (out.size() > kMaxText) return TooLong();
  }
  out.push_back('\n');
  return out;
}

absl::StatusOr<std::string> Sprintf(absl::string_view format, absl::Span<const Value> values) {
  std::string out;
  if (!FormatReader(format, values, &out, kMaxText).Run()) return TooLong();
  return out;
}

}  // namespace stave::templates
