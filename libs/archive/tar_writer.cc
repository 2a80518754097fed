// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/tar_writer.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "libs/archive/byte_source.h"
#include "libs/archive/tar_header.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::archive {
namespace {

constexpr TarField kChecksum = {148, 8}, kMagic = {257, 8}, kPrefix = {345, 155};
constexpr char kPaxName[] = "././@PaxHeader";  // as Python names it; nobody reads it
constexpr uint64_t kMaxOctal7 = 07777777;
constexpr uint64_t kMaxOctal11 = 077777777777;

absl::Status TarError(const TarEntry& entry, absl::string_view what) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_TAR",
                     absl::StrCat("\"", base::Printable(entry.path), "\": ", what));
}

char TypeFlag(TarType type) {
  switch (type) {
    case TarType::kFile:
      return '0';
    case TarType::kHardLink:
      return '1';
    case TarType::kSymlink:
      return '2';
    case TarType::kCharDevice:
      return '3';
    case TarType::kBlockDevice:
      return '4';
    case TarType::kDirectory:
      return '5';
    case TarType::kFifo:
      return '6';
  }
  return '0';
}

class Header {
 public:
  Header() : block_(kTarBlock, '\0') {
    SetText(kMagic, absl::string_view("ustar\00000", 8));
    SetNumber(kTarMajor, 0);
    SetNumber(kTarMinor, 0);
  }

  void SetText(TarField field, absl::string_view text) {
    std::copy_n(text.begin(), std::min(text.size(), field.size), block_.begin() + field.offset);
  }
  // Octal digits that fill the field but for its NUL.
  void SetNumber(TarField field, uint64_t number) {
    SetText(field, absl::StrFormat("%0*o", static_cast<int>(field.size) - 1, number));
  }
  void SetType(char type) { block_[kTarType] = type; }

  const std::string& Sealed() {
    SetText(kChecksum, "        ");
    uint64_t sum = 0;
    for (const char c : block_) sum += static_cast<unsigned char>(c);
    SetText(kChecksum, absl::StrFormat("%06o", sum) + std::string("\0 ", 2));
    return block_;
  }

 private:
  std::string block_;
};

// "LENGTH KEY=VALUE\n", of which the length counts itself.
std::string PaxRecord(absl::string_view key, absl::string_view value) {
  const size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  while (absl::StrCat(length).size() + rest != length) ++length;
  return absl::StrCat(length, " ", key, "=", value, "\n");
}

// Seconds since 1970 with what is needed of nine digits: "-1.5", "1700000000.25".
std::string PaxTime(const timespec& time) {
  int64_t seconds = time.tv_sec;
  int64_t fraction = time.tv_nsec;
  const bool negative = seconds < 0;
  if (negative && fraction > 0) {
    ++seconds;
    fraction = 1000000000 - fraction;
  }
  // "-0.5" has no sign of its own in the number.
  std::string text = negative && seconds == 0 ? "-0" : absl::StrCat(seconds);
  if (fraction == 0) return text;
  std::string digits = absl::StrFormat("%09d", fraction);
  digits.resize(digits.find_last_not_of('0') + 1);
  return absl::StrCat(text, ".", digits);
}

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t more = lead < 0x80 ? 0 : lead < 0xc2 ? 9 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (more > 3 || lead > 0xf4 || i + more >= text.size()) return false;
    for (size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      const unsigned char low = k > 1 ? 0x80 : lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
      const unsigned char high = k > 1 ? 0xbf : lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
      if (next < low || next > high) return false;
    }
    i += more + 1;
  }
  return true;
}

// Where a name is divided at a slash, which is left out, into prefix and name; nullopt if it cannot
// be.
std::optional<size_t> Division(absl::string_view name) {
  if (name.size() > kPrefix.size + 1 + kTarName.size) return std::nullopt;
  // The slash at a directory's end is no place for it.
  const size_t slash = name.substr(0, name.size() - 1)
                           .find_last_of('/', std::min<size_t>(kPrefix.size, name.size() - 2));
  if (slash == absl::string_view::npos || slash == 0) return std::nullopt;
  if (name.size() - slash - 1 > kTarName.size) return std::nullopt;
  return slash;
}

// The headers of one entry while they are made.
class Headers {
 public:
  absl::StatusOr<std::string> Make(const TarEntry& entry);

 private:
  absl::Status Check(const TarEntry& entry) const;
  void SetNames(const TarEntry& entry);
  void SetNumbers(const TarEntry& entry);
  absl::Status AddXattrs(const TarEntry& entry);
  void Add(absl::string_view key, absl::string_view value) { records_ += PaxRecord(key, value); }

  Header header_;
  std::string records_;
};

absl::Status Headers::Check(const TarEntry& entry) const {
  if (entry.path.empty()) return TarError(entry, "a name is empty");
  if (absl::StrCat(entry.path, entry.link).find('\0') != std::string::npos) {
    return TarError(entry, "a NUL in a name");
  }
  if (entry.mtime.tv_nsec < 0 || entry.mtime.tv_nsec > 999999999) {
    return TarError(entry, "a time that is none");
  }
  if (entry.device_major > kMaxOctal7 || entry.device_minor > kMaxOctal7) {
    return TarError(entry, "a device number that does not fit");
  }
  return absl::OkStatus();
}

void Headers::SetNames(const TarEntry& entry) {
  const std::string name = entry.type == TarType::kDirectory ? entry.path + "/" : entry.path;
  const bool long_link = entry.link.size() > kTarLink.size;
  const auto divided = name.size() > kTarName.size ? Division(name) : std::optional<size_t>(0);
  if ((!divided && !IsUtf8(name)) || (long_link && !IsUtf8(entry.link))) {
    Add("hdrcharset", "BINARY");
  }
  if (!divided) Add("path", name);
  if (long_link) Add("linkpath", entry.link);
  const size_t prefix = divided.value_or(0);
  header_.SetText(kPrefix, absl::string_view(name).substr(0, prefix));
  header_.SetText(kTarName, absl::string_view(name).substr(prefix == 0 ? 0 : prefix + 1));
  header_.SetText(kTarLink, entry.link);
}

void Headers::SetNumbers(const TarEntry& entry) {
  const uint64_t size = entry.type == TarType::kFile ? entry.size : 0;
  const bool whole = entry.mtime.tv_nsec == 0 && entry.mtime.tv_sec >= 0 &&
                     static_cast<uint64_t>(entry.mtime.tv_sec) <= kMaxOctal11;
  if (size > kMaxOctal11) Add("size", absl::StrCat(size));
  if (entry.uid > kMaxOctal7) Add("uid", absl::StrCat(entry.uid));
  if (entry.gid > kMaxOctal7) Add("gid", absl::StrCat(entry.gid));
  if (!whole) Add("mtime", PaxTime(entry.mtime));
  header_.SetNumber(kTarMode, entry.mode & 07777);
  header_.SetNumber(kTarUid, entry.uid > kMaxOctal7 ? 0 : entry.uid);
  header_.SetNumber(kTarGid, entry.gid > kMaxOctal7 ? 0 : entry.gid);
  header_.SetNumber(kTarSize, size > kMaxOctal11 ? 0 : size);
  // For readers without PAX, the whole seconds where they are near enough.
  const bool near =
      entry.mtime.tv_sec >= 0 && static_cast<uint64_t>(entry.mtime.tv_sec) <= kMaxOctal11;
  header_.SetNumber(kTarMtime, near ? static_cast<uint64_t>(entry.mtime.tv_sec) : 0);
  if (entry.type == TarType::kCharDevice || entry.type == TarType::kBlockDevice) {
    header_.SetNumber(kTarMajor, entry.device_major);
    header_.SetNumber(kTarMinor, entry.device_minor);
  }
}

absl::Status Headers::AddXattrs(const TarEntry& entry) {
  auto xattrs = entry.xattrs;
  std::sort(xattrs.begin(), xattrs.end());
  for (const auto& [name, value] : xattrs) {
    if (name.empty() || name.find('=') != std::string::npos ||
        name.find('\0') != std::string::npos) {
      return TarError(entry, absl::StrCat("the attribute \"", base::Printable(name, 64),
                                          "\": a tar cannot have that name"));
    }
    Add(absl::StrCat("SCHILY.xattr.", name), value);
  }
  return absl::OkStatus();
}

std::string Padded(std::string bytes) {
  bytes.resize((bytes.size() + kTarBlock - 1) / kTarBlock * kTarBlock);
  return bytes;
}

absl::StatusOr<std::string> Headers::Make(const TarEntry& entry) {
  STAVE_RETURN_IF_ERROR(Check(entry));
  SetNames(entry);
  SetNumbers(entry);
  STAVE_RETURN_IF_ERROR(AddXattrs(entry));
  header_.SetType(TypeFlag(entry.type));
  if (records_.empty()) return header_.Sealed();
  Header pax;
  pax.SetText(kTarName, kPaxName);
  pax.SetNumber(kTarMode, 0644);
  pax.SetNumber(kTarUid, 0);
  pax.SetNumber(kTarGid, 0);
  pax.SetNumber(kTarSize, records_.size());
  pax.SetNumber(kTarMtime, 0);
  pax.SetType('x');
  return absl::StrCat(pax.Sealed(), Padded(records_), header_.Sealed());
}

}  // namespace

TarWriter::TarWriter(ByteSink* sink) : sink_(sink) { buffer_.reserve(kBufferSize); }

absl::Status TarWriter::Begin(const TarEntry& entry) {
  if (data_left_ > 0) return absl::InternalError("tar: the entry before is not complete");
  STAVE_ASSIGN_OR_RETURN(const std::string headers, Headers().Make(entry));
  STAVE_RETURN_IF_ERROR(Put(headers));
  data_left_ = entry.type == TarType::kFile ? entry.size : 0;
  padding_ = (kTarBlock - data_left_ % kTarBlock) % kTarBlock;
  return absl::OkStatus();
}

absl::Status TarWriter::WriteData(absl::string_view bytes) {
  if (bytes.size() > data_left_) return absl::InternalError("tar: more data than was said");
  if (bytes.empty()) return absl::OkStatus();
  data_left_ -= bytes.size();
  STAVE_RETURN_IF_ERROR(Put(bytes));
  return data_left_ == 0 ? PutPadding() : absl::OkStatus();
}

absl::Status TarWriter::WriteZeros(uint64_t count) {
  static constexpr char kZeros[4096] = {};
  while (count > 0) {
    const uint64_t now = std::min<uint64_t>(count, sizeof kZeros);
    STAVE_RETURN_IF_ERROR(WriteData({kZeros, static_cast<size_t>(now)}));
    count -= now;
  }
  return absl::OkStatus();
}

absl::Status TarWriter::PutPadding() {
  return Put(std::string(static_cast<size_t>(std::exchange(padding_, 0)), '\0'));
}

absl::Status TarWriter::Finish() {
  if (data_left_ > 0) return absl::InternalError("tar: the last entry is not complete");
  STAVE_RETURN_IF_ERROR(Put(std::string(2 * kTarBlock, '\0')));
  return Flush();
}

// Small pieces are gathered; a large one goes as it is.
absl::Status TarWriter::Put(absl::string_view bytes) {
  bytes_ += bytes.size();
  if (buffer_.size() + bytes.size() > kBufferSize) STAVE_RETURN_IF_ERROR(Flush());
  if (bytes.size() >= kBufferSize) return sink_->Write(bytes);
  buffer_.append(bytes.data(), bytes.size());
  return absl::OkStatus();
}

absl::Status TarWriter::Flush() {
  if (buffer_.empty()) return absl::OkStatus();
  const absl::Status written = sink_->Write(buffer_);
  buffer_.clear();
  return written;
}

}  // namespace stave::archive
