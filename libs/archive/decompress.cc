// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/decompress.h"

#include <isa-l/igzip_lib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::archive {
namespace {

constexpr int kMaxWindowLog = 27;  // 128 MiB
constexpr size_t kMagicBytes = 512;
constexpr absl::string_view kGzipMagic("\x1f\x8b", 2);
constexpr size_t kIsoMark = 0x8001;
constexpr absl::string_view kIsoMagic = "CD001";

absl::Status Corrupt(absl::string_view message) {
  return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT", message);
}

// The packed bytes with a buffer, so that the first of them can be looked at.
class Input {
 public:
  explicit Input(ByteSource* source)
      : source_(source), buffer_(std::make_unique<char[]>(kBufferSize)) {}

  absl::string_view unread() const { return {buffer_.get() + begin_, end_ - begin_}; }
  void Consume(size_t size) { begin_ += size; }

  // Reads until there are `size` unread bytes or the source ends.
  absl::Status Want(size_t size) {
    while (end_ - begin_ < size && !ended_) {
      if (begin_ > 0) {
        memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
      }
      STAVE_ASSIGN_OR_RETURN(const size_t got,
                             source_->Read(buffer_.get() + end_, kBufferSize - end_));
      end_ += got;
      ended_ = got == 0;
    }
    return absl::OkStatus();
  }

 private:
  ByteSource* source_;
  std::unique_ptr<char[]> buffer_;
  size_t begin_ = 0, end_ = 0;
  bool ended_ = false;
};

// A decoder keeps the error it died of.
class Decoder : public ByteSource {
 public:
  explicit Decoder(Input input) : input_(std::move(input)) {}

  absl::StatusOr<size_t> Read(char* to, size_t size) override {
    if (!status_.ok()) return status_;
    absl::StatusOr<size_t> got = Decode(to, size);
    if (!got.ok()) status_ = got.status();
    return got;
  }

 protected:
  virtual absl::StatusOr<size_t> Decode(char* to, size_t size) = 0;
  Input input_;

 private:
  absl::Status status_;
};

class Plain : public Decoder {
 public:
  using Decoder::Decoder;

 protected:
  absl::StatusOr<size_t> Decode(char* to, size_t size) override {
    STAVE_RETURN_IF_ERROR(input_.Want(1));
    const size_t got = std::min(size, input_.unread().size());
    memcpy(to, input_.unread().data(), got);
    input_.Consume(got);
    return got;
  }
};

class Gzip : public Decoder {
 public:
  explicit Gzip(Input input)
      : Decoder(std::move(input)), state_(std::make_unique<inflate_state>()) {
    isal_inflate_init(state_.get());
    state_->crc_flag = ISAL_GZIP;
  }

 protected:
  absl::StatusOr<size_t> Decode(char* to, size_t size) override {
    size = std::min<size_t>(size, 1 << 30);
    size_t done = 0;
    // Full pieces: each call of isal_inflate saves a window of 32 KiB at its end.
    while (done < size && !ended_) {
      if (state_->block_state == ISAL_BLOCK_FINISH) {
        STAVE_RETURN_IF_ERROR(NextMember());
        continue;
      }
      STAVE_ASSIGN_OR_RETURN(const size_t got, Inflate(to + done, size - done));
      done += got;
    }
    return done;
  }

 private:
  absl::StatusOr<size_t> Inflate(char* to, size_t size) {
    STAVE_RETURN_IF_ERROR(input_.Want(1));
    const absl::string_view packed = input_.unread();
    state_->next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(packed.data()));
    state_->avail_in = static_cast<uint32_t>(packed.size());
    state_->next_out = reinterpret_cast<uint8_t*>(to);
    state_->avail_out = static_cast<uint32_t>(size);
    const int result = isal_inflate(state_.get());
    const size_t taken = packed.size() - state_->avail_in;
    const size_t made = size - state_->avail_out;
    input_.Consume(taken);
    switch (result) {
      case ISAL_DECOMP_OK:
      case ISAL_END_INPUT:
        break;
      case ISAL_INCORRECT_CHECKSUM:
        return Corrupt("gzip: wrong checksum");
      case ISAL_INVALID_WRAPPER:
      case ISAL_UNSUPPORTED_METHOD:
        return Corrupt("gzip: bad header");
      default:
        return Corrupt("gzip: damaged data");
    }
    if (made == 0 && taken == 0 && state_->block_state != ISAL_BLOCK_FINISH) {
      if (packed.empty()) return Corrupt("gzip: the stream is cut short");
      return Corrupt("gzip: damaged data");
    }
    return made;
  }

  absl::Status NextMember() {
    STAVE_RETURN_IF_ERROR(input_.Want(kGzipMagic.size()));
    if (input_.unread().empty()) {
      ended_ = true;
      return absl::OkStatus();
    }
    if (!absl::StartsWith(input_.unread(), kGzipMagic)) {
      return Corrupt("gzip: bytes follow the end of the stream");
    }
    isal_inflate_reset(state_.get());
    state_->crc_flag = ISAL_GZIP;
    return absl::OkStatus();
  }

  std::unique_ptr<inflate_state> state_;
  bool ended_ = false;
};

class Zstd : public Decoder {
 public:
  explicit Zstd(Input input) : Decoder(std::move(input)), stream_(ZSTD_createDStream()) {
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  }

 protected:
  absl::StatusOr<size_t> Decode(char* to, size_t size) override {
    ZSTD_outBuffer out = {to, size, 0};
    while (out.pos < out.size) {
      STAVE_RETURN_IF_ERROR(input_.Want(1));
      const absl::string_view packed = input_.unread();
      if (packed.empty() && frame_complete_) break;
      const size_t had = out.pos;
      ZSTD_inBuffer in = {packed.data(), packed.size(), 0};
      const size_t result = ZSTD_decompressStream(stream_.get(), &out, &in);
      input_.Consume(in.pos);
      if (ZSTD_isError(result)) return Failure(result);
      frame_complete_ = result == 0;
      if (packed.empty() && out.pos == had && !frame_complete_) {
        return Corrupt("zstd: the stream is cut short");
      }
    }
    return out.pos;
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };

  static absl::Status Failure(size_t result) {
    switch (ZSTD_getErrorCode(result)) {
      case ZSTD_error_frameParameter_windowTooLarge:
        return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                           "zstd: the window is larger than 128 MiB");
      case ZSTD_error_memory_allocation:
        return base::Error(absl::StatusCode::kResourceExhausted, "E_NO_MEMORY", "zstd: no memory");
      case ZSTD_error_prefix_unknown:
        return Corrupt("zstd: bytes follow the end of the stream");
      case ZSTD_error_dictionary_wrong:
        return base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                           "zstd: a dictionary is needed");
      default:
        return Corrupt(absl::StrCat("zstd: ", ZSTD_getErrorName(result)));
    }
  }

  std::unique_ptr<ZSTD_DStream, Free> stream_;
  bool frame_complete_ = false;
};

struct Magic {
  absl::string_view bytes;
  const char* name;
};

constexpr Magic kUnsupported[] = {
    {{"\xfd"
      "7zXZ\0",
      6},
     "xz"},
    {{"BZh", 3}, "bzip2"},
    {{"LZIP", 4}, "lzip"},
    {{"\x5d\0\0", 3}, "lzma"},
    {{"\x04\x22\x4d\x18", 4}, "lz4"},
    {{"\x1f\x9d", 2}, "compress"},
    {{"PK\x03\x04", 4}, "zip"},
    {{"PK\x05\x06", 4}, "zip"},
    {{"7z\xbc\xaf\x27\x1c", 6}, "7z"},
    {{"Rar!", 4}, "rar"},
    {{"070701", 6}, "cpio"},
    {{"070702", 6}, "cpio"},
    {{"070707", 6}, "cpio"},
    {{"hsqs", 4}, "squashfs"},
    {{"!<arch>\n", 8}, "ar"},
};

bool IsZstd(absl::string_view head) {
  if (absl::StartsWith(head, "\x28\xb5\x2f\xfd")) return true;
  return head.size() >= 4 && (static_cast<unsigned char>(head[0]) & 0xf0) == 0x50 &&
         head.substr(1, 3) == "\x2a\x4d\x18";
}

// The name of a kind that is neither read nor tar, or nullptr.
absl::StatusOr<const char*> UnsupportedKind(Input& input) {
  const absl::string_view head = input.unread();
  if (head.size() >= kMagicBytes && head.substr(257, 5) == "ustar") return nullptr;
  for (const Magic& magic : kUnsupported) {
    if (absl::StartsWith(head, magic.bytes)) return magic.name;
  }
  STAVE_RETURN_IF_ERROR(input.Want(kIsoMark + kIsoMagic.size()));
  if (input.unread().size() < kIsoMark) return nullptr;
  return absl::StartsWith(input.unread().substr(kIsoMark), kIsoMagic) ? "iso9660" : nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> Decompress(ByteSource* packed) {
  Input input(packed);
  STAVE_RETURN_IF_ERROR(input.Want(kMagicBytes));
  const absl::string_view head = input.unread();
  std::unique_ptr<ByteSource> plain;
  if (absl::StartsWith(head, kGzipMagic)) {
    plain = std::make_unique<Gzip>(std::move(input));
  } else if (IsZstd(head)) {
    plain = std::make_unique<Zstd>(std::move(input));
  } else {
    STAVE_ASSIGN_OR_RETURN(const char* const kind, UnsupportedKind(input));
    if (kind != nullptr) {
      return base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                         absl::StrCat(kind, " data: only gzip, zstd and plain tar are read"));
    }
    plain = std::make_unique<Plain>(std::move(input));
  }
  return plain;
}

}  // namespace stave::archive
