// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/tar_reader.h"

#include <string.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/archive/tar_header.h"
#include "libs/archive/tar_number.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::archive {
namespace {

constexpr size_t kBlock = kTarBlock;
constexpr size_t kMaxExtension = 1 << 20;
constexpr uint64_t kMaxAfterEnd = 64 * 1024;
// So that a size rounded up to blocks does not wrap.
constexpr int64_t kMaxSize = std::numeric_limits<int64_t>::max() - int64_t{kBlock};
constexpr uint64_t kNoEnd = std::numeric_limits<uint64_t>::max();

absl::Status TarError(absl::string_view word, absl::string_view message) {
  return base::Error(absl::StatusCode::kInvalidArgument, word, message);
}

bool IsZero(absl::string_view block) {
  return block.find_first_not_of('\0') == absl::string_view::npos;
}

std::optional<TarType> TypeOf(char type) {
  switch (type) {
    case '\0':
    case '0':
    case '7':
    case 'S':
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

// `size` bytes follow, and belong together.
void TarReader::SetData(uint64_t size) {
  data_left_ = size;
  padding_left_ = (kBlock - size % kBlock) % kBlock;
  position_ = next_ = 0;
  part_end_ = kNoEnd;
}

absl::StatusOr<absl::string_view> TarReader::ReadData() {
  if (data_left_ == 0) return absl::string_view();
  STAVE_ASSIGN_OR_RETURN(const size_t there, Fill());
  if (there == 0) return Malformed("the archive is cut short");
  if (next_ == part_end_) {
    const TarExtent& extent = extents_[extent_++];
    next_ = extent.offset;
    part_end_ = extent.offset + extent.size;
  }
  const uint64_t most = std::min(data_left_, part_end_ - next_);
  const size_t size = static_cast<size_t>(std::min<uint64_t>(there, most));
  const absl::string_view data(buffer_.get() + begin_, size);
  begin_ += size;
  offset_ += size;
  data_left_ -= size;
  position_ = next_;
  next_ += size;
  return data;
}

absl::Status TarReader::Skip() {
  for (uint64_t left = data_left_ + padding_left_; left > 0;) {
    STAVE_ASSIGN_OR_RETURN(const size_t there, Fill());
    if (there == 0) return Malformed("the archive is cut short");
    const size_t size = static_cast<size_t>(std::min<uint64_t>(there, left));
    begin_ += size;
    offset_ += size;
    left -= size;
  }
  data_left_ = padding_left_ = 0;
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
  TarExtension extension;
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
    if (absl::string_view("xgLK").find(block[kTarType]) == absl::string_view::npos) {
      STAVE_RETURN_IF_ERROR(ParseEntry(block, std::move(extension), entry));
      return true;
    }
    STAVE_RETURN_IF_ERROR(ReadExtension(block, &extension));
  }
}

absl::Status TarReader::ReadExtension(absl::string_view block, TarExtension* extension) {
  const char type = block[kTarType];
  const std::optional<int64_t> size = ParseTarNumber(kTarSize.In(block));
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
  if (type == 'x' && extension->has_pax) return Malformed("two extended headers for one entry");
  const absl::Status status =
      type == 'g' ? CheckGlobalRecords(text) : ReadPaxRecords(text, extension);
  return status.ok() ? status : base::WithContext(status, noun_);
}

absl::Status TarReader::ParseEntry(absl::string_view block, TarExtension extension,
                                   TarEntry* entry) {
  STAVE_RETURN_IF_ERROR(ParseNames(block, &extension, entry));
  const std::optional<int64_t> size =
      extension.size ? extension.size : ParseTarNumber(kTarSize.In(block));
  if (!size || *size < 0 || *size > kMaxSize) return Malformed("bad size");
  // Others than files have no data, whatever they say: so do Docker and GNU tar read them.
  entry->size = entry->stored = entry->type == TarType::kFile ? static_cast<uint64_t>(*size) : 0;
  STAVE_RETURN_IF_ERROR(ParseOwner(block, extension, entry));
  STAVE_RETURN_IF_ERROR(ParseDevice(block, entry));
  entry->xattrs = std::move(extension.xattrs);
  SetData(entry->stored);
  // Last, since it may read on, over `block`.
  return ParseSparse(block, extension, entry);
}

absl::Status TarReader::ParseNames(absl::string_view block, TarExtension* extension,
                                   TarEntry* entry) {
  const std::string name = extension->sparse.name() ? *extension->sparse.name()
                           : extension->long_name   ? *std::move(extension->long_name)
                           : extension->path        ? *std::move(extension->path)
                                                    : HeaderName(block);
  std::string link = extension->long_link ? *std::move(extension->long_link)
                     : extension->link    ? *std::move(extension->link)
                                          : std::string(UpToNul(kTarLink.In(block)));
  const std::string where = noun_;
  noun_ = absl::StrCat("\"", base::Printable(name), "\"");
  absl::StatusOr<std::string> path = CleanTarPath(name);
  if (!path.ok()) return name.empty() ? base::WithContext(path.status(), where) : path.status();
  entry->path = *std::move(path);
  const char letter = block[kTarType];
  const std::optional<TarType> type = TypeOf(letter);
  if (!type) return Malformed(absl::StrCat("unknown type '", base::Printable({&letter, 1}), "'"));
  entry->type = *type;
  // v7 knew no directories.
  if (letter == '\0' && name.back() == '/') entry->type = TarType::kDirectory;
  return ParseLink(std::move(link), entry);
}

absl::Status TarReader::ParseLink(std::string link, TarEntry* entry) {
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
    entry->link = std::move(link);
  }
  return absl::OkStatus();
}

absl::Status TarReader::ParseOwner(absl::string_view block, const TarExtension& extension,
                                   TarEntry* entry) {
  const auto id = [&](const std::optional<uint32_t>& own, const TarField& field,
                      absl::string_view what, uint32_t* to) {
    const std::optional<int64_t> value = own ? *own : ParseTarNumber(field.In(block));
    if (!value || *value < 0 || *value > kMaxUserId) return Malformed(absl::StrCat("bad ", what));
    *to = static_cast<uint32_t>(*value);
    return absl::OkStatus();
  };
  STAVE_RETURN_IF_ERROR(id(extension.uid, kTarUid, "uid", &entry->uid));
  STAVE_RETURN_IF_ERROR(id(extension.gid, kTarGid, "gid", &entry->gid));
  const std::optional<int64_t> mode = ParseTarNumber(kTarMode.In(block));
  if (!mode || *mode < 0) return Malformed("bad mode");
  // Some writers put the file type into it.
  entry->mode = static_cast<mode_t>(*mode & 07777);
  const std::optional<int64_t> mtime = ParseTarNumber(kTarMtime.In(block));
  if (!mtime && !extension.mtime) return Malformed("bad mtime");
  entry->mtime = extension.mtime ? *extension.mtime : timespec{*mtime, 0};
  return absl::OkStatus();
}

absl::Status TarReader::ParseDevice(absl::string_view block, TarEntry* entry) {
  entry->device_major = entry->device_minor = 0;
  if (entry->type != TarType::kCharDevice && entry->type != TarType::kBlockDevice) {
    return absl::OkStatus();
  }
  const std::optional<int64_t> major = ParseTarNumber(kTarMajor.In(block));
  const std::optional<int64_t> minor = ParseTarNumber(kTarMinor.In(block));
  // dev_t of the kernel: 12 and 20 bits.
  if (!major || *major < 0 || *major >= 1 << 12 || !minor || *minor < 0 || *minor >= 1 << 20) {
    return Malformed("bad device number");
  }
  entry->device_major = static_cast<uint32_t>(*major);
  entry->device_minor = static_cast<uint32_t>(*minor);
  return absl::OkStatus();
}

absl::Status TarReader::ParseSparse(absl::string_view block, const TarExtension& extension,
                                    TarEntry* entry) {
  const bool old = block[kTarType] == 'S';
  const absl::StatusOr<SparseRecords::Form> form = extension.sparse.Finish();
  if (!form.ok()) return base::WithContext(form.status(), noun_);
  const bool by_records = *form != SparseRecords::Form::kNone;
  if (!old && !by_records) return absl::OkStatus();
  if (entry->type != TarType::kFile) return Malformed("sparse, but no file");
  if (old && by_records) return Malformed("sparse in two ways");
  SparseMap map = extension.sparse.map();
  if (old) {
    STAVE_RETURN_IF_ERROR(ReadOldMap(std::string(block), entry, &map));
  } else {
    entry->size = extension.sparse.size();
    if (*form == SparseRecords::Form::kInData) STAVE_RETURN_IF_ERROR(ReadMapInData(entry, &map));
  }
  const absl::Status status = map.Check(entry->size, entry->stored);
  if (!status.ok()) return base::WithContext(status, noun_);
  extents_ = map.extents();
  extent_ = 0;
  part_end_ = next_;  // the first piece begins an extent
  return absl::OkStatus();
}

absl::Status TarReader::ReadOldMap(const std::string& header, TarEntry* entry, SparseMap* map) {
  if (!IsOldGnu(header)) return Malformed("type 'S' of a dialect that is not GNU's");
  const std::optional<int64_t> size = ParseTarNumber(kOldSize.In(header));
  if (!size || *size < 0) return Malformed("bad size");
  entry->size = static_cast<uint64_t>(*size);
  absl::StatusOr<bool> open = map->AddOldPairs(kOldPairs.In(header));
  bool more = header[kOldMore] != '\0';
  while (open.ok() && more) {
    if (!*open) return Malformed("its map goes on behind its end");
    STAVE_ASSIGN_OR_RETURN(const char* start, ReadBlock());
    if (start == nullptr) return Malformed("the archive is cut short");
    const absl::string_view block(start, kBlock);
    open = map->AddOldPairs(kMorePairs.In(block));
    more = block[kMoreMore] != '\0';
  }
  return open.ok() ? absl::OkStatus() : base::WithContext(open.status(), noun_);
}

absl::Status TarReader::ReadMapInData(TarEntry* entry, SparseMap* map) {
  while (true) {
    if (data_left_ < kBlock) return Malformed("its map is cut short");
    STAVE_ASSIGN_OR_RETURN(const char* start, ReadBlock());
    if (start == nullptr) return Malformed("the archive is cut short");
    data_left_ -= kBlock;
    entry->stored -= kBlock;
    const absl::StatusOr<bool> complete = map->AddText({start, kBlock});
    if (!complete.ok()) return base::WithContext(complete.status(), noun_);
    if (*complete) return absl::OkStatus();
  }
}

}  // namespace stave::archive
