// SPDX-License-Identifier: Apache-2.0
//
// ParseLine: the form that LineFormat and Docker write is read in one pass; whatever else is JSON,
// by the general parser.
#include <cstring>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/log/line.h"

namespace stave::log {
namespace {

// Members of a line, and nesting in those that are not known.
constexpr size_t kMaxValues = 4096;
constexpr int kMaxDepth = 8;

constexpr uint64_t Each(unsigned char byte) { return 0x0101010101010101u * byte; }
constexpr uint64_t HasZero(uint64_t word) { return (word - Each(1)) & ~word & Each(0x80); }
// A quote, a backslash or a control character.
constexpr uint64_t HasSpecial(uint64_t word) {
  const uint64_t control = (word - Each(0x20)) & ~word & Each(0x80);
  return control | HasZero(word ^ Each('\\')) | HasZero(word ^ Each('"'));
}
constexpr bool IsPlain(unsigned char c) { return c >= 0x20 && c != '"' && c != '\\'; }

std::optional<unsigned> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<unsigned> HexNumber(const char* in, int digits) {
  unsigned number = 0;
  for (int i = 0; i < digits; ++i) {
    const std::optional<unsigned> digit = HexDigit(in[i]);
    if (!digit.has_value()) return std::nullopt;
    number = number * 16 + *digit;
  }
  return number;
}

char* PutCharacter(unsigned rune, char* out) {
  if (rune < 0x80) {
    *out++ = static_cast<char>(rune);
  } else if (rune < 0x800) {
    *out++ = static_cast<char>(0xC0 | rune >> 6);
    *out++ = static_cast<char>(0x80 | (rune & 0x3F));
  } else {
    *out++ = static_cast<char>(0xE0 | rune >> 12);
    *out++ = static_cast<char>(0x80 | (rune >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (rune & 0x3F));
  }
  return out;
}

// Reads a JSON string from behind its opening quote.
class StringReader {
 public:
  // `bytes`: what the \ufffd stand for, as hexadecimal; "" for themselves.
  StringReader(const char* in, const char* end, absl::string_view bytes)
      : in_(in), end_(end), bytes_(bytes) {}

  // Writes what it says at `out`, which has room for as much as there is to read; returns the end,
  // or nullptr for what is left to the general parser.
  char* Read(char* out);

  const char* rest() const { return in_; }       // behind the closing quote
  size_t replaced() const { return replaced_; }  // how many \ufffd it has

 private:
  char* Escaped(char* out);
  char* Numbered(char* out);

  const char* in_;
  const char* const end_;
  absl::string_view bytes_;
  size_t replaced_ = 0;
};

char* StringReader::Read(char* out) {
  while (true) {
    for (uint64_t word; end_ - in_ >= 8; in_ += 8, out += 8) {
      std::memcpy(&word, in_, sizeof word);
      if (HasSpecial(word)) break;
      std::memcpy(out, &word, sizeof word);
    }
    while (in_ != end_ && IsPlain(static_cast<unsigned char>(*in_))) *out++ = *in_++;
    if (in_ == end_) return nullptr;
    if (*in_ == '"') {
      ++in_;
      return out;
    }
    if (*in_ != '\\' || end_ - in_ < 2) return nullptr;
    out = Escaped(out);
    if (out == nullptr) return nullptr;
  }
}

char* StringReader::Escaped(char* out) {
  const char c = in_[1];
  if (c == 'u') return Numbered(out);
  static constexpr char kNames[] = "\"\\/bfnrt";
  static constexpr char kMeans[] = "\"\\/\b\f\n\r\t";
  const char* const found = static_cast<const char*>(std::memchr(kNames, c, sizeof kNames - 1));
  if (found == nullptr) return nullptr;
  *out++ = kMeans[found - kNames];
  in_ += 2;
  return out;
}

char* StringReader::Numbered(char* out) {
  if (end_ - in_ < 6) return nullptr;
  const std::optional<unsigned> rune = HexNumber(in_ + 2, 4);
  if (!rune.has_value() || (*rune >= 0xD800 && *rune < 0xE000)) return nullptr;
  in_ += 6;
  if (*rune != 0xFFFD) return PutCharacter(*rune, out);
  ++replaced_;
  if (bytes_.empty()) return PutCharacter(*rune, out);
  *out++ = static_cast<char>(*HexNumber(bytes_.data(), 2));
  bytes_.remove_prefix(2);
  return out;
}

int64_t Number(const char* in, int digits) {
  int64_t number = 0;
  for (int i = 0; i < digits; ++i) {
    if (in[i] < '0' || in[i] > '9') return -1;
    number = number * 10 + (in[i] - '0');
  }
  return number;
}

// The usual form only: "2026-11-21T09:00:00.123Z".
bool ReadTime(absl::string_view text, absl::Time* time) {
  static constexpr size_t kSecond = 19;
  if (text.size() <= kSecond || text.back() != 'Z') return false;
  const char* const t = text.data();
  if (t[4] != '-' || t[7] != '-' || t[10] != 'T' || t[13] != ':' || t[16] != ':') return false;
  const int64_t year = Number(t, 4), month = Number(t + 5, 2), day = Number(t + 8, 2);
  const int64_t hour = Number(t + 11, 2), minute = Number(t + 14, 2), second = Number(t + 17, 2);
  if (year < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
    return false;
  }
  const absl::CivilDay date(year, month, day);
  if (date.month() != month || date.day() != day) return false;
  int64_t nanos = 0;
  if (text.size() != kSecond + 1) {
    const size_t digits = text.size() - kSecond - 2;
    if (t[kSecond] != '.' || digits < 1 || digits > 9) return false;
    nanos = Number(t + kSecond + 1, static_cast<int>(digits));
    if (nanos < 0) return false;
    for (size_t i = digits; i < 9; ++i) nanos *= 10;
  }
  const int64_t days = date - absl::CivilDay(1970, 1, 1);
  *time = absl::FromUnixSeconds(((days * 24 + hour) * 60 + minute) * 60 + second) +
          absl::Nanoseconds(nanos);
  return true;
}

// The JSON object that `rest` begins with, by its brackets alone; "" if it has no end.
absl::string_view ObjectAt(absl::string_view rest) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (in_string) {
      if (rest[i] == '\\') {
        ++i;
      } else if (rest[i] == '"') {
        in_string = false;
      }
    } else if (rest[i] == '"') {
      in_string = true;
    } else if (rest[i] == '{') {
      ++depth;
    } else if (rest[i] == '}' && --depth == 0) {
      return rest.substr(0, i + 1);
    }
  }
  return "";
}

bool TakeStream(absl::string_view* rest, Stream* stream) {
  if (absl::ConsumePrefix(rest, ",\"stream\":\"stdout\"")) {
    *stream = Stream::kStdout;
    return true;
  }
  *stream = Stream::kStderr;
  return absl::ConsumePrefix(rest, ",\"stream\":\"stderr\"");
}

bool TakeAttributes(absl::string_view* rest, std::string* attributes) {
  attributes->clear();
  if (!absl::ConsumePrefix(rest, ",\"attrs\":")) return true;
  if (!absl::StartsWith(*rest, "{")) return false;
  const absl::string_view object = ObjectAt(*rest);
  attributes->assign(object.data(), object.size());
  rest->remove_prefix(object.size());
  return !object.empty();
}

// The digits of "bytes", if there are such.
bool TakeBytes(absl::string_view* rest, absl::string_view* bytes) {
  if (!absl::ConsumePrefix(rest, ",\"bytes\":\"")) return true;
  const size_t end = rest->find('"');
  if (end == rest->npos || end % 2 != 0) return false;
  *bytes = rest->substr(0, end);
  for (const char c : *bytes) {
    if (!HexDigit(c).has_value()) return false;
  }
  rest->remove_prefix(end + 1);
  return true;
}

// A line of our form, or Docker's. False: some other, or none.
bool ParseUsual(absl::string_view line, Record* record) {
  absl::string_view rest = line;
  if (!absl::ConsumePrefix(&rest, "{\"log\":\"")) return false;
  const char* const start = rest.data();
  const char* const end = line.data() + line.size();
  record->text.resize(rest.size());
  StringReader text(start, end, "");
  const char* const text_end = text.Read(record->text.data());
  if (text_end == nullptr) return false;
  rest = absl::string_view(text.rest(), static_cast<size_t>(end - text.rest()));

  absl::string_view bytes;
  if (!TakeStream(&rest, &record->stream) || !TakeAttributes(&rest, &record->attributes) ||
      !TakeBytes(&rest, &bytes) || !absl::ConsumePrefix(&rest, ",\"time\":\"") ||
      !absl::ConsumeSuffix(&rest, "\"}") || !ReadTime(rest, &record->time)) {
    return false;
  }
  size_t size = static_cast<size_t>(text_end - record->text.data());
  if (!bytes.empty() && bytes.size() == 2 * text.replaced()) {
    StringReader again(start, end, bytes);
    size = static_cast<size_t>(again.Read(record->text.data()) - record->text.data());
  }
  record->text.resize(size);
  return true;
}

absl::Status Damaged(absl::string_view why) {
  return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT", why);
}

absl::Status ParseOther(absl::string_view line, Record* record) {
  const auto value =
      json::Parse(line, {.bytes = kMaxLine, .values = kMaxValues, .depth = kMaxDepth});
  if (!value.ok()) return Damaged(value.status().message());
  const json::Value* const text = value->Find("log");
  const json::Value* const stream = value->Find("stream");
  const json::Value* const time = value->Find("time");
  const json::Value* const attributes = value->Find("attrs");
  if (text != nullptr && !text->is_string()) return Damaged("/log is no string");
  record->text = text != nullptr ? text->text() : "";
  if (stream == nullptr || (stream->text() != "stdout" && stream->text() != "stderr")) {
    return Damaged("/stream is neither stdout nor stderr");
  }
  record->stream = stream->text() == "stdout" ? Stream::kStdout : Stream::kStderr;
  std::string why;
  if (time == nullptr || !time->is_string() ||
      !absl::ParseTime(absl::RFC3339_full, time->text(), &record->time, &why) ||
      record->time == absl::InfiniteFuture() || record->time == absl::InfinitePast()) {
    return Damaged("/time is no time");
  }
  record->attributes =
      attributes != nullptr && attributes->is_object() ? json::Print(*attributes) : "";
  return absl::OkStatus();
}

}  // namespace

absl::Status ParseLine(absl::string_view line, Record* record) {
  if (line.size() > kMaxLine) return Damaged("longer than a line is");
  if (ParseUsual(line, record)) return absl::OkStatus();
  return ParseOther(line, record);
}

}  // namespace stave::log
