// SPDX-License-Identifier: Apache-2.0
#include "libs/json/parse.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/json/utf8.h"
#include "rapidjson/memorystream.h"
#include "rapidjson/reader.h"

namespace stave::json {
namespace {

// Builds the value from the reader's events; refuses what is out of bounds by returning false.
class Builder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Builder> {
 public:
  explicit Builder(const Limits& limits) : limits_(limits) {}

  bool Null() { return Add(Value()); }
  bool Bool(bool value) { return Add(Value::Bool(value)); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    return Add(Value::NumberText(absl::string_view(text, size)));
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    const absl::string_view string(text, size);
    if (!IsUtf8(string)) return Refuse("E_JSON", "a string is not valid UTF-8");
    return Add(Value::String(string));
  }
  bool StartObject() { return Open(Value::Object()); }
  bool StartArray() { return Open(Value::Array()); }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    frames_.back().key.assign(text, size);
    frames_.back().keyed = true;
    if (!IsUtf8(frames_.back().key)) return Refuse("E_JSON", "a key is not valid UTF-8");
    return true;
  }
  bool EndObject(rapidjson::SizeType) {
    if (const std::string* twice = DuplicateKey(frames_.back().value)) {
      return Refuse("E_JSON",
                    absl::StrCat("the key ", Quote(twice->substr(0, 64)), " appears twice"));
    }
    return Close();
  }
  bool EndArray(rapidjson::SizeType) { return Close(); }

  Value Take() { return std::move(root_); }
  const std::string& word() const { return word_; }
  const std::string& refusal() const { return refusal_; }

  // Where the reader stands, as an RFC 6901 pointer: "" is the whole document.
  std::string Pointer() const {
    std::string pointer;
    for (const Frame& frame : frames_) {
      if (frame.value.is_object() && !frame.keyed) break;
      pointer += '/';
      if (frame.value.is_array()) {
        absl::StrAppend(&pointer, frame.value.elements().size());
        continue;
      }
      for (const char c : frame.key) {
        pointer += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
      }
    }
    return pointer;
  }

 private:
  struct Frame {
    Value value;
    std::string key;  // of the member that is being read
    bool keyed = false;
  };

  bool Refuse(const char* word, std::string why) {
    word_ = word;
    refusal_ = std::move(why);
    return false;
  }

  bool Add(Value value) {
    if (++count_ > limits_.values) {
      return Refuse("E_LIMIT", absl::StrCat("more than ", limits_.values, " values"));
    }
    if (frames_.empty()) {
      root_ = std::move(value);
    } else if (Frame& frame = frames_.back(); frame.value.is_array()) {
      frame.value.elements().push_back(std::move(value));
    } else {
      frame.value.members().emplace_back(frame.key, std::move(value));
    }
    return true;
  }

  bool Open(Value container) {
    if (frames_.size() >= static_cast<size_t>(limits_.depth)) {
      return Refuse("E_LIMIT", absl::StrCat("nested deeper than ", limits_.depth));
    }
    frames_.push_back({std::move(container), "", false});
    return true;
  }

  bool Close() {
    Value done = std::move(frames_.back().value);
    frames_.pop_back();
    return Add(std::move(done));
  }

  // Sorted search: a million keys must not cost a million squared.
  static const std::string* DuplicateKey(const Value& object) {
    const Value::Members& members = object.members();
    if (members.size() <= 12) {
      for (size_t i = 1; i < members.size(); ++i) {
        for (size_t k = 0; k < i; ++k) {
          if (members[i].first == members[k].first) return &members[i].first;
        }
      }
      return nullptr;
    }
    std::vector<const std::string*> keys;
    keys.reserve(members.size());
    for (const auto& member : members) keys.push_back(&member.first);
    std::sort(keys.begin(), keys.end(),
              [](const std::string* a, const std::string* b) { return *a < *b; });
    for (size_t i = 1; i < keys.size(); ++i) {
      if (*keys[i] == *keys[i - 1]) return keys[i];
    }
    return nullptr;
  }

  const Limits& limits_;
  std::vector<Frame> frames_;
  Value root_;
  size_t count_ = 0;
  std::string word_, refusal_;
};

const char* Explain(rapidjson::ParseErrorCode code) {
  switch (code) {
    case rapidjson::kParseErrorDocumentEmpty:
      return "the document is empty";
    case rapidjson::kParseErrorDocumentRootNotSingular:
      return "there is text after the document";
    case rapidjson::kParseErrorObjectMissName:
      return "a member's name in quotes is wanted";
    case rapidjson::kParseErrorObjectMissColon:
      return "a ':' is wanted after a member's name";
    case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket:
      return "',' or '}' is wanted after a member";
    case rapidjson::kParseErrorArrayMissCommaOrSquareBracket:
      return "',' or ']' is wanted after an element";
    case rapidjson::kParseErrorStringUnicodeEscapeInvalidHex:
    case rapidjson::kParseErrorStringEscapeInvalid:
      return "unknown escape in a string";
    case rapidjson::kParseErrorStringUnicodeSurrogateInvalid:
      return "half a surrogate pair in a string";
    case rapidjson::kParseErrorStringMissQuotationMark:
      return "a string does not end";
    case rapidjson::kParseErrorStringInvalidEncoding:
      return "a string is not valid UTF-8";
    case rapidjson::kParseErrorNumberTooBig:
      return "a number is too big";
    case rapidjson::kParseErrorNumberMissFraction:
    case rapidjson::kParseErrorNumberMissExponent:
      return "a number ends too early";
    default:
      return "this is no JSON value";
  }
}

absl::Status Refusal(absl::string_view word, const std::string& pointer, size_t offset,
                     absl::string_view why) {
  const bool limit = word == "E_LIMIT";
  return base::Error(
      limit ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kInvalidArgument, word,
      absl::StrCat(pointer.empty() ? "" : base::Printable(pointer, 160) + ": ", "offset ", offset,
                   ": ", why));
}

void PrintString(absl::string_view text, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  size_t plain = 0;  // start of what may be copied as it is
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) continue;
    out->append(text.data() + plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"':
        *out += "\\\"";
        break;
      case '\\':
        *out += "\\\\";
        break;
      case '\n':
        *out += "\\n";
        break;
      case '\r':
        *out += "\\r";
        break;
      case '\t':
        *out += "\\t";
        break;
      default:
        *out += "\\u00";
        out->push_back(kHex[c >> 4]);
        out->push_back(kHex[c & 15]);
    }
  }
  out->append(text.data() + plain, text.size() - plain);
  out->push_back('"');
}

// indent < 0: compact.
void PrintTo(const Value& value, int indent, int level, std::string* out) {
  const auto line = [&](int at) {
    if (indent < 0) return;
    out->push_back('\n');
    out->append(static_cast<size_t>(indent) * static_cast<size_t>(at), ' ');
  };
  switch (value.type()) {
    case Value::Type::kNull:
      *out += "null";
      return;
    case Value::Type::kBool:
      *out += value.boolean() ? "true" : "false";
      return;
    case Value::Type::kNumber:
      *out += value.text();
      return;
    case Value::Type::kString:
      PrintString(value.text(), out);
      return;
    case Value::Type::kArray: {
      out->push_back('[');
      bool first = true;
      for (const Value& element : value.elements()) {
        if (!std::exchange(first, false)) out->push_back(',');
        line(level + 1);
        PrintTo(element, indent, level + 1, out);
      }
      if (!first) line(level);
      out->push_back(']');
      return;
    }
    case Value::Type::kObject: {
      out->push_back('{');
      bool first = true;
      for (const auto& [key, member] : value.members()) {
        if (!std::exchange(first, false)) out->push_back(',');
        line(level + 1);
        PrintString(key, out);
        *out += indent < 0 ? ":" : ": ";
        PrintTo(member, indent, level + 1, out);
      }
      if (!first) line(level);
      out->push_back('}');
      return;
    }
  }
}

}  // namespace

absl::StatusOr<Value> Parse(absl::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes) {
    return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                       absl::StrCat("the document has more than ", limits.bytes, " bytes"));
  }
  // The encoding is checked by the builder: rapidjson would not see a lone low surrogate.
  constexpr unsigned kFlags = rapidjson::kParseNumbersAsStringsFlag;
  Builder builder(limits);
  rapidjson::Reader reader;
  rapidjson::MemoryStream stream(text.data(), text.size());
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, builder);
  if (result.IsError()) {
    if (!builder.word().empty()) {
      return Refusal(builder.word(), builder.Pointer(), result.Offset(), builder.refusal());
    }
    const bool cut =
        result.Offset() >= text.size() && result.Code() != rapidjson::kParseErrorDocumentEmpty;
    return Refusal("E_JSON", builder.Pointer(), result.Offset(),
                   cut ? "the document ends too early" : Explain(result.Code()));
  }
  // The reader takes a NUL for the end of the text.
  if (stream.Tell() < text.size()) {
    return Refusal("E_JSON", "", stream.Tell(), "there is text after the document");
  }
  return builder.Take();
}

std::string Print(const Value& value) {
  std::string out;
  out.reserve(16384);
  PrintTo(value, -1, 0, &out);
  return out;
}

std::string PrintIndented(const Value& value, int indent) {
  std::string out;
  PrintTo(value, indent, 0, &out);
  return out;
}

std::optional<std::string> FindNotUtf8(const Value& value) {
  if (value.is_string() && !IsUtf8(value.text())) return "";
  const auto below = [](absl::string_view name, const Value& one) -> std::optional<std::string> {
    const std::optional<std::string> found = FindNotUtf8(one);
    if (!found && IsUtf8(name)) return std::nullopt;
    return absl::StrCat("/", name, found.value_or(""));
  };
  size_t index = 0;
  for (const Value& one : value.elements()) {
    if (auto found = below(absl::StrCat(index++), one)) return found;
  }
  for (const auto& [name, one] : value.members()) {
    if (auto found = below(name, one)) return found;
  }
  return std::nullopt;
}

std::string Quote(absl::string_view text) {
  std::string out;
  PrintString(ToUtf8(text).text, &out);
  return out;
}

}  // namespace stave::json
