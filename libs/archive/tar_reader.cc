// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/tar_reader.h"

#include <string.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/archive/tar_number.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::archive {
namespace {

constexpr size_t kBlock = 512;
constexpr size_t kMaxExtension = 1 << 20;
constexpr size_t kMaxXattr = 64 * 1024;
constexpr uint64_t kMaxAfterEnd = 64 * 1024;
constexpr int64_t kMaxUserId = std::numeric_limits<uint32_t>::max() - int64_t{1};
// So that a size rounded up to blocks does not wrap.
constexpr int64_t kMaxSize = std::numeric_limits<int64_t>::max() - int64_t{kBlock};
constexpr absl::string_view kXattrPrefix = "SCHILY.xattr.";

// The fields of a header: POSIX.1-2017 pax, "ustar Header Block".
struct Field {
  size_t offset, size;
  absl::string_view In(absl::string_view block) const { return block.substr(offset, size); }
};
constexpr Field kName = {0, 100}, kMode = {100, 8}, kUid = {108, 8}, kGid = {116, 8},
                kSize = {124, 12}, kMtime = {136, 12}, kChecksum = {148, 8}, kLink = {157, 100},
                kMagic = {257, 6}, kMajor = {329, 8}, kMinor = {337, 8}, kPrefix = {345, 155},
                kStarPrefix = {345, 131}, kStarMark = {508, 4};
constexpr size_t kType = 156;

absl::Status TarError(absl::string_view word, absl::string_view message) {
  return base::Error(absl::StatusCode::kInvalidArgument, word, message);
}

absl::string_view UpToNul(absl::string_view text) { return text.substr(0, text.find('\0')); }

bool IsZero(absl::string_view block) {
  return block.find_first_not_of('\0') == absl::string_view::npos;
}

// Some old writers summed signed characters.
bool ChecksumFits(absl::string_view block) {
  const std::optional<int64_t> want = ParseTarNumber(kChecksum.In(block));
  int64_t as_unsigned = 0, as_signed = 0;
  for (size_t i = 0; i < block.size(); ++i) {
    const bool own = i - kChecksum.offset < kChecksum.size;
    const char c = own ? ' ' : block[i];
    as_unsigned += static_cast<unsigned char>(c);
    as_signed += static_cast<signed char>(c);
  }
  return want == as_unsigned || want == as_signed;
}

std::string HeaderName(absl::string_view block) {
  const absl::string_view name = UpToNul(kName.In(block));
  if (kMagic.In(block) != absl::string_view("ustar\0", 6)) return std::string(name);
  const bool star = kStarMark.In(block) == absl::string_view("tar\0", 4);
  const absl::string_view prefix = UpToNul((star ? kStarPrefix : kPrefix).In(block));
  return prefix.empty() ? std::string(name) : absl::StrCat(prefix, "/", name);
}

std::optional<TarType> TypeOf(char type) {
  switch (type) {
    case '\0':
    case '0':
    case '7':
      return TarType::kFile;
    case '1':
      return TarType::kHardLink;
    case '2':
      return TarType::kSymlink;
    case '3':
      return TarType::kCharDevice;
    case '4':
      return TarType::kBlockDevice;
    case '5':
      return TarType::kDirectory;
    case '6':
      return TarType::kFifo;
    default:
      return std::nullopt;
  }
}

}  // namespace

struct TarReader::Extension {
  std::optional<std::string> path, link, long_name, long_link;
  std::optional<int64_t> size, uid, gid;
  std::optional<timespec> mtime;
  std::vector<std::pair<std::string, std::string>> xattrs;
  bool has_pax = false;
  size_t bytes = 0;

  bool empty() const { return !has_pax && !long_name && !long_link; }
};

absl::StatusOr<std::string> CleanTarPath(absl::string_view path) {
  if (path.empty()) return TarError("E_TAR", "the name is empty");
  if (path.find('\0') != absl::string_view::npos) {
    return TarError("E_TAR", absl::StrCat("\"", base::Printable(path), "\": a NUL in a name"));
  }
  if (path.size() > kMaxName) {
    return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                       absl::StrCat("\"", base::Printable(path, 64), "\": the name has ",
                                    path.size(), " bytes, at most ", kMaxName, " are read"));
  }
  std::vector<absl::string_view> clean;
  for (const absl::string_view name : absl::StrSplit(path, '/')) {
    if (name.empty() || name == ".") continue;
    if (name != "..") {
      clean.push_back(name);
      continue;
    }
    if (clean.empty()) {
      return TarError("E_TAR_ESCAPE",
                      absl::StrCat("\"", base::Printable(path), "\": leaves the root"));
    }
    clean.pop_back();
  }
  if (clean.empty()) return std::string(".");
  return absl::StrJoin(clean, "/");
}

TarReader::TarReader(ByteSource* source)
    : source_(source), buffer_(std::make_unique<char[]>(kBufferSize)) {}

absl::Status TarReader::Malformed(absl::string_view what) const {
  return TarError("E_TAR", absl::StrCat(noun_, ": ", what));
}

absl::Status TarReader::TooLarge(absl::string_view what) const {
  return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                     absl::StrCat(noun_, ": ", what));
}

// Makes sure that there are unread bytes; 0 at the end.
absl::StatusOr<size_t> TarReader::Fill() {
  if (begin_ == end_) {
    STAVE_ASSIGN_OR_RETURN(const size_t got, source_->Read(buffer_.get(), kBufferSize));
    begin_ = 0;
    end_ = got;
  }
  return end_ - begin_;
}

// The next block, or nullptr at the end of the stream.
absl::StatusOr<const char*> TarReader::ReadBlock() {
  if (end_ - begin_ < kBlock && begin_ > 0) {
    memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  while (end_ - begin_ < kBlock) {
    STAVE_ASSIGN_OR_RETURN(const size_t got,
                           source_->Read(buffer_.get() + end_, kBufferSize - end_));
    if (got == 0) {
      if (begin_ == end_) return nullptr;
      return Malformed("the archive is cut short");
    }
    end_ += got;
  }
  const char* block = buffer_.get() + begin_;
  begin_ += kBlock;
  offset_ += kBlock;
  return block;
}

void TarReader::SetData(uint64_t size) {
  data_left_ = size;
  padding_left_ = (kBlock - size % kBlock) % kBlock;
}

absl::StatusOr<absl::string_view> TarReader::ReadData() {
  if (data_left_ == 0) return absl::string_view();
  STAVE_ASSIGN_OR_RETURN(const size_t there, Fill());
  if (there == 0) return Malformed("the archive is cut short");
  const size_t size = static_cast<size_t>(std::min<uint64_t>(there, data_left_));
  const absl::string_view data(buffer_.get() + begin_, size);
  begin_ += size;
  offset_ += size;
  data_left_ -= size;
  return data;
}

absl::Status TarReader::Skip() {
  data_left_ += padding_left_;
  padding_left_ = 0;
  while (data_left_ > 0) {
    STAVE_RETURN_IF_ERROR(ReadData().status());
  }
  return absl::OkStatus();
}

// Reads what follows the end blocks: writers fill up their last record.
absl::Status TarReader::Finish() {
  noun_ = "after the end of the archive";
  done_ = true;
  uint64_t after = 0;
  while (true) {
    STAVE_ASSIGN_OR_RETURN(const size_t there, Fill());
    if (there == 0) return absl::OkStatus();
    after += there;
    if (after > kMaxAfterEnd) {
      return TooLarge(absl::StrCat("more than ", kMaxAfterEnd, " bytes follow"));
    }
    begin_ = end_;
  }
}

absl::StatusOr<bool> TarReader::Next(TarEntry* entry) {
  if (done_) return false;
  STAVE_RETURN_IF_ERROR(Skip());
  Extension extension;
  while (true) {
    noun_ = absl::StrCat("header at byte ", offset_);
    STAVE_ASSIGN_OR_RETURN(const char* start, ReadBlock());
    if (start == nullptr || IsZero({start, kBlock})) {
      if (!extension.empty()) return Malformed("an extended header is not followed by an entry");
      if (start != nullptr) {
        STAVE_ASSIGN_OR_RETURN(const char* second, ReadBlock());
        if (second != nullptr && !IsZero({second, kBlock})) {
          return Malformed("a block of zeros amid the archive");
        }
      }
      STAVE_RETURN_IF_ERROR(Finish());
      return false;
    }
    const absl::string_view block(start, kBlock);
    if (!ChecksumFits(block)) return Malformed("not a tar header (wrong checksum)");
    if (absl::string_view("xgLK").find(block[kType]) == absl::string_view::npos) {
      STAVE_RETURN_IF_ERROR(ParseEntry(block, std::move(extension), entry));
      return true;
    }
    STAVE_RETURN_IF_ERROR(ReadExtension(block, &extension));
  }
}

absl::Status TarReader::ReadExtension(absl::string_view block, Extension* extension) {
  const char type = block[kType];
  const std::optional<int64_t> size = ParseTarNumber(kSize.In(block));
  if (!size || *size < 0) return Malformed("bad size");
  const bool is_long = type == 'L' || type == 'K';
  const size_t most = is_long ? kMaxName + 1 : kMaxExtension - extension->bytes;
  if (static_cast<uint64_t>(*size) > most) {
    return TooLarge(absl::StrCat("an extended header of ", *size, " bytes"));
  }
  extension->bytes += type == 'g' ? 0 : static_cast<size_t>(*size);
  std::string text;
  SetData(static_cast<uint64_t>(*size));
  while (data_left_ > 0) {
    STAVE_ASSIGN_OR_RETURN(const absl::string_view piece, ReadData());
    text.append(piece.data(), piece.size());
  }
  STAVE_RETURN_IF_ERROR(Skip());
  if (is_long) {
    std::optional<std::string>& name = type == 'L' ? extension->long_name : extension->long_link;
    if (name) return Malformed("two long names for one entry");
    name = std::string(UpToNul(text));
    return absl::OkStatus();
  }
  if (type == 'x') {
    if (extension->has_pax) return Malformed("two extended headers for one entry");
    extension->has_pax = true;
  }
  return ReadPax(text, type == 'g', extension);
}

// Records "LENGTH KEY=VALUE\n"; the length counts itself and the newline.
absl::Status TarReader::ReadPax(absl::string_view records, bool global, Extension* extension) {
  while (!records.empty()) {
    const size_t space = records.substr(0, 8).find(' ');
    const std::optional<int64_t> length =
        space == absl::string_view::npos ? std::nullopt : ParsePaxNumber(records.substr(0, space));
    if (!length || *length < static_cast<int64_t>(space) + 3 ||
        *length > static_cast<int64_t>(records.size()) ||
        records[static_cast<size_t>(*length) - 1] != '\n') {
      return Malformed("bad extended header");
    }
    const absl::string_view record =
        records.substr(space + 1, static_cast<size_t>(*length) - space - 2);
    const size_t equals = record.find('=');
    if (equals == absl::string_view::npos || equals == 0) return Malformed("bad extended header");
    const absl::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    STAVE_RETURN_IF_ERROR(global ? TakeGlobal(key, value) : TakeRecord(key, value, extension));
    records.remove_prefix(static_cast<size_t>(*length));
  }
  return absl::OkStatus();
}

absl::Status TarReader::TakeGlobal(absl::string_view key, absl::string_view value) {
  if (key == "path" || key == "linkpath" || key == "size" || absl::StartsWith(key, "GNU.sparse.") ||
      absl::StartsWith(key, kXattrPrefix)) {
    return Malformed(absl::StrCat("a global header sets \"", base::Printable(key, 64), "\""));
  }
  if (key == "mtime") {
    defaults_.mtime = ParsePaxTime(value);
    if (!defaults_.mtime && !value.empty()) return Malformed("bad mtime");
  } else if (key == "uid" || key == "gid") {
    const std::optional<int64_t> id = ParsePaxNumber(value);
    if (!value.empty() && (!id || *id > kMaxUserId)) return Malformed(absl::StrCat("bad ", key));
    (key == "uid" ? defaults_.uid : defaults_.gid) =
        id ? std::optional<uint32_t>(static_cast<uint32_t>(*id)) : std::nullopt;
  }
  return absl::OkStatus();
}

// An empty value means that the header's own field counts.
absl::Status TarReader::TakeRecord(absl::string_view key, absl::string_view value,
                                   Extension* extension) {
  if (absl::StartsWith(key, "GNU.sparse.")) return Malformed("sparse files are not supported");
  if (absl::ConsumePrefix(&key, kXattrPrefix)) {
    if (key.empty() || key.find('\0') != absl::string_view::npos)
      return Malformed("bad xattr name");
    if (value.size() > kMaxXattr) {
      return TooLarge(absl::StrCat("xattr \"", base::Printable(key, 64), "\" has ", value.size(),
                                   " bytes, at most ", kMaxXattr, " are read"));
    }
    extension->xattrs.emplace_back(key, value);
    return absl::OkStatus();
  }
  const auto text = [value] {
    return value.empty() ? std::nullopt : std::optional<std::string>(value);
  };
  const auto number = [this, key, value](int64_t most, std::optional<int64_t>* to) {
    *to = ParsePaxNumber(value);
    if (!value.empty() && (!*to || **to > most)) return Malformed(absl::StrCat("bad ", key));
    return absl::OkStatus();
  };
  if (key == "path") {
    extension->path = text();
  } else if (key == "linkpath") {
    extension->link = text();
  } else if (key == "size") {
    return number(kMaxSize, &extension->size);
  } else if (key == "uid") {
    return number(kMaxUserId, &extension->uid);
  } else if (key == "gid") {
    return number(kMaxUserId, &extension->gid);
  } else if (key == "mtime") {
    extension->mtime = ParsePaxTime(value);
    if (!extension->mtime && !value.empty()) return Malformed("bad mtime");
  }
  return absl::OkStatus();
}

absl::Status TarReader::ParseOwner(absl::string_view block, const Extension& extension,
                                   TarEntry* entry) {
  const auto id = [&](const std::optional<int64_t>& own, const std::optional<uint32_t>& global,
                      const Field& field, absl::string_view what, uint32_t* to) {
    std::optional<int64_t> value = own;
    if (!value && global) value = *global;
    if (!value) value = ParseTarNumber(field.In(block));
    if (!value || *value < 0 || *value > kMaxUserId) return Malformed(absl::StrCat("bad ", what));
    *to = static_cast<uint32_t>(*value);
    return absl::OkStatus();
  };
  STAVE_RETURN_IF_ERROR(id(extension.uid, defaults_.uid, kUid, "uid", &entry->uid));
  STAVE_RETURN_IF_ERROR(id(extension.gid, defaults_.gid, kGid, "gid", &entry->gid));
  const std::optional<int64_t> mode = ParseTarNumber(kMode.In(block));
  if (!mode || *mode < 0) return Malformed("bad mode");
  // Some writers put the file type into it.
  entry->mode = static_cast<mode_t>(*mode & 07777);
  if (extension.mtime || defaults_.mtime) {
    entry->mtime = extension.mtime ? *extension.mtime : *defaults_.mtime;
    return absl::OkStatus();
  }
  const std::optional<int64_t> mtime = ParseTarNumber(kMtime.In(block));
  if (!mtime) return Malformed("bad mtime");
  entry->mtime = {*mtime, 0};
  return absl::OkStatus();
}

absl::Status TarReader::ParseEntry(absl::string_view block, Extension extension, TarEntry* entry) {
  const std::string name = extension.long_name ? *std::move(extension.long_name)
                           : extension.path    ? *std::move(extension.path)
                                               : HeaderName(block);
  const std::string link = extension.long_link ? *std::move(extension.long_link)
                           : extension.link    ? *std::move(extension.link)
                                               : std::string(UpToNul(kLink.In(block)));
  const std::string where = noun_;
  noun_ = absl::StrCat("\"", base::Printable(name), "\"");
  absl::StatusOr<std::string> path = CleanTarPath(name);
  if (!path.ok()) return name.empty() ? base::WithContext(path.status(), where) : path.status();
  entry->path = *std::move(path);
  const char letter = block[kType];
  if (letter == 'S') return Malformed("sparse files are not supported");
  const std::optional<TarType> type = TypeOf(letter);
  if (!type) return Malformed(absl::StrCat("unknown type '", base::Printable({&letter, 1}), "'"));
  entry->type = *type;
  // v7 knew no directories.
  if (letter != '7' && *type == TarType::kFile && name.back() == '/') {
    entry->type = TarType::kDirectory;
  }
  const std::optional<int64_t> size =
      extension.size ? extension.size : ParseTarNumber(kSize.In(block));
  if (!size || *size < 0 || *size > kMaxSize) return Malformed("bad size");
  // Others than files have no data, whatever they say: so do Docker and GNU tar read them.
  entry->size = entry->type == TarType::kFile ? static_cast<uint64_t>(*size) : 0;
  STAVE_RETURN_IF_ERROR(ParseOwner(block, extension, entry));
  entry->link.clear();
  if (entry->type == TarType::kHardLink) {
    absl::StatusOr<std::string> target = CleanTarPath(link);
    if (!target.ok()) {
      return base::WithContext(target.status(), absl::StrCat(noun_, ": hard link to"));
    }
    entry->link = *std::move(target);
  } else if (entry->type == TarType::kSymlink) {
    if (link.empty()) return Malformed("a symbolic link without target");
    if (link.find('\0') != std::string::npos) return Malformed("a NUL in its target");
    if (link.size() > kMaxName) return TooLarge("its target is too long");
    entry->link = link;
  }
  entry->device_major = entry->device_minor = 0;
  if (entry->type == TarType::kCharDevice || entry->type == TarType::kBlockDevice) {
    const std::optional<int64_t> major = ParseTarNumber(kMajor.In(block));
    const std::optional<int64_t> minor = ParseTarNumber(kMinor.In(block));
    // dev_t of the kernel: 12 and 20 bits.
    if (!major || *major < 0 || *major >= 1 << 12 || !minor || *minor < 0 || *minor >= 1 << 20) {
      return Malformed("bad device number");
    }
    entry->device_major = static_cast<uint32_t>(*major);
    entry->device_minor = static_cast<uint32_t>(*minor);
  }
  entry->xattrs = std::move(extension.xattrs);
  SetData(entry->size);
  return absl::OkStatus();
}

}  // namespace stave::archive
