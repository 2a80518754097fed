// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/byte_sink.h"

#include "absl/strings/str_cat.h"
#include "libs/base/posix.h"

namespace stave::archive {

absl::Status FdSink::Write(absl::string_view bytes) { return base::WriteAll(fd_, bytes, noun_); }

absl::Status StringSink::Write(absl::string_view bytes) {
  absl::StrAppend(to_, bytes);
  return absl::OkStatus();
}

}  // namespace stave::archive
