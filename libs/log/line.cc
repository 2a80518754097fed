// SPDX-License-Identifier: Apache-2.0
#include "libs/log/line.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"

namespace stave::log {
namespace {

constexpr char kHead[] = "{\"log\":\"";
constexpr char kBytes[] = ",\"bytes\":\"";
constexpr char kTime[] = ",\"time\":\"";
constexpr char kDigits[] = "0123456789abcdef";
// `\ufffd` and two digits in "bytes".
constexpr size_t kMostForOneByte = 8;
// What follows the text of a line without attributes fits.
constexpr size_t kUsualTail = 64;

// Sixteen bytes of text; signed, so that those above ASCII are below the space, as control bytes
// are.
using Bytes [[gnu::vector_size(16)]] = signed char;
using Words [[gnu::vector_size(16)]] = uint64_t;

// Whether there is one that is not written as it is.
bool HasSpecial(Bytes bytes) {
  const Bytes found = (bytes < 0x20) | (bytes == '\\') | ((bytes | 4) == '&') |  // and "
                      ((bytes | 2) == '>');                                      // and <
  const Words words = reinterpret_cast<Words>(found);
  return (words[0] | words[1]) != 0;
}

constexpr bool IsPlain(unsigned char c) {
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

// The length of the UTF-8 character at `in`; 0 if there is none.
size_t CharacterSize(const char* in, const char* end) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(in[i]); };
  const size_t left = static_cast<size_t>(end - in);
  const unsigned char first = byte(0);
  const size_t size = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  if (size == 0 || left < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if (first == 0xE0 && byte(1) < 0xA0) return 0;   // overlong
  if (first == 0xED && byte(1) >= 0xA0) return 0;  // a surrogate
  if (first == 0xF0 && byte(1) < 0x90) return 0;   // overlong
  if (first == 0xF4 && byte(1) >= 0x90) return 0;  // above U+10FFFF
  return size;
}

// U+2028 or U+2029.
bool IsLineSeparator(const char* in) {
  return in[0] == '\xE2' && in[1] == '\x80' && (in[2] == '\xA8' || in[2] == '\xA9');
}

char* Put(absl::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* EscapeAscii(char c, char* out) {
  switch (c) {
    case '"':
    case '\\':
      *out++ = '\\';
      *out++ = c;
      return out;
    case '\n':
      return Put("\\n", out);
    case '\r':
      return Put("\\r", out);
    default:
      out = Put("\\u00", out);
      *out++ = kDigits[static_cast<unsigned char>(c) >> 4];
      *out++ = kDigits[c & 15];
      return out;
  }
}

// Writes the bytes from `in` on that are not ASCII, and says where it stopped.
const char* EscapeHigh(const char* in, const char* end, char** to, bool* has_bad) {
  char* out = *to;
  while (in != end && static_cast<unsigned char>(*in) >= 0x80) {
    const size_t size = CharacterSize(in, end);
    if (size == 0) {
      *has_bad = true;
      out = Put("\\ufffd", out);
      ++in;
    } else if (size == 3 && IsLineSeparator(in)) {
      out = Put(in[2] == '\xA8' ? "\\u2028" : "\\u2029", out);
      in += size;
    } else {
      for (size_t i = 0; i < size; ++i) *out++ = *in++;
    }
  }
  *to = out;
  return in;
}

// Copies the text from `in` on up to a special byte, in steps of sixteen; what is left of a last
// step may still be plain. The last step of all goes back over bytes that were copied already.
const char* CopyPlain(const char* in, const char* end, char** to) {
  char* out = *to;
  const char* const start = in;
  Bytes bytes;
  for (; end - in >= 16; in += 16, out += 16) {
    std::memcpy(&bytes, in, sizeof bytes);
    if (HasSpecial(bytes)) break;
    std::memcpy(out, &bytes, sizeof bytes);
  }
  const ptrdiff_t left = end - in;
  if (left < 16 && end - start >= 16) {
    std::memcpy(&bytes, end - 16, sizeof bytes);
    if (!HasSpecial(bytes)) {
      std::memcpy(out + left - 16, &bytes, sizeof bytes);
      out += left;
      in = end;
    }
  }
  while (in != end && IsPlain(static_cast<unsigned char>(*in))) *out++ = *in++;
  *to = out;
  return in;
}

char* Escape(absl::string_view text, char* out, bool* has_bad) {
  const char* in = text.data();
  const char* const end = in + text.size();
  while (true) {
    in = CopyPlain(in, end, &out);
    if (in == end) return out;
    if (static_cast<unsigned char>(*in) < 0x80) {
      out = EscapeAscii(*in++, out);
    } else {
      in = EscapeHigh(in, end, &out, has_bad);
    }
  }
}

// The bytes that Escape wrote as \ufffd.
char* PutBad(absl::string_view text, char* out) {
  const char* const end = text.data() + text.size();
  for (const char* in = text.data(); in != end;) {
    const unsigned char c = static_cast<unsigned char>(*in);
    const size_t size = c < 0x80 ? 1 : CharacterSize(in, end);
    if (size == 0) {
      *out++ = kDigits[c >> 4];
      *out++ = kDigits[c & 15];
    }
    in += std::max<size_t>(size, 1);
  }
  return out;
}

char* PutNumber(int64_t number, int digits, char* out) {
  for (int i = digits - 1; i >= 0; --i, number /= 10) {
    out[i] = static_cast<char>('0' + number % 10);
  }
  return out + digits;
}

}  // namespace

LineFormat::LineFormat(Stream stream, absl::string_view attributes)
    : middle_(absl::StrCat("\",\"stream\":\"", stream == Stream::kStdout ? "stdout" : "stderr",
                           "\"", attributes.empty() ? "" : ",\"attrs\":", attributes)) {}

void LineFormat::SetTime(absl::Time time) {
  char text[kMaxTime];
  const char* const end = FormatTime(time, Fraction::kShortest, text);
  tail_.assign(middle_);
  tail_.append(kTime);
  tail_.append(text, static_cast<size_t>(end - text));
  tail_.append("\"}\n");
  tail_size_ = tail_.size();
  tail_.resize(std::max(tail_size_, kUsualTail));
}

char* LineFormat::Write(absl::string_view piece, char* out) const {
  bool has_bad = false;
  const bool is_whole = absl::ConsumeSuffix(&piece, "\n");
  out = Escape(piece, Put(kHead, out), &has_bad);
  if (is_whole) out = Put("\\n", out);
  if (has_bad) {
    out = PutBad(piece, Put(kBytes, Put(middle_, out)));
    *out++ = '"';
    return Put(absl::string_view(tail_).substr(middle_.size(), tail_size_ - middle_.size()), out);
  }
  // A copy of a size that the compiler knows is no call.
  std::memcpy(out, tail_.data(), kUsualTail);
  if (tail_size_ > kUsualTail) std::memcpy(out, tail_.data(), tail_size_);
  return out + tail_size_;
}

size_t LineFormat::MaxSize(size_t piece) const {
  return sizeof kHead + piece * kMostForOneByte + middle_.size() + sizeof kBytes + sizeof kTime +
         kMaxTime + 4 + kUsualTail;
}

size_t PieceSize(absl::string_view text) {
  size_t size = kMaxPiece;
  while (size > kMaxPiece - 3 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80 ? kMaxPiece : size;
}

char* FormatTime(absl::Time time, Fraction fraction, char* out) {
  static constexpr int64_t kFirst = -62167219200;  // 0000-01-01T00:00:00Z
  static constexpr int64_t kLast = 253402300799;   // 9999-12-31T23:59:59Z
  const absl::Time whole = std::clamp(time, absl::FromUnixSeconds(kFirst),
                                      absl::FromUnixSeconds(kLast) + absl::Nanoseconds(999999999));
  const int64_t seconds = absl::ToUnixSeconds(whole);
  const int64_t nanos = absl::ToInt64Nanoseconds(whole - absl::FromUnixSeconds(seconds));
  const absl::CivilSecond civil = absl::CivilSecond(1970, 1, 1) + seconds;
  out = PutNumber(civil.year(), 4, out);
  *out++ = '-';
  out = PutNumber(civil.month(), 2, out);
  *out++ = '-';
  out = PutNumber(civil.day(), 2, out);
  *out++ = 'T';
  out = PutNumber(civil.hour(), 2, out);
  *out++ = ':';
  out = PutNumber(civil.minute(), 2, out);
  *out++ = ':';
  out = PutNumber(civil.second(), 2, out);
  *out++ = '.';
  out = PutNumber(nanos, 9, out);
  if (fraction == Fraction::kShortest) {
    while (out[-1] == '0') --out;
    if (out[-1] == '.') --out;
  }
  *out++ = 'Z';
  return out;
}

}  // namespace stave::log
