// SPDX-License-Identifier: Apache-2.0
//
// log_speed DIR: writes 200 MB of a payload's output into a log in DIR, an empty folder, in pieces
// as a monitor reads them, and reads it back; prints MB of output a second, as Markdown.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "libs/base/posix.h"
#include "libs/log/files.h"
#include "libs/log/reader.h"
#include "libs/log/writer.h"

namespace {

using stave::log::Record;

constexpr size_t kTotal = 200000000;
constexpr size_t kPiece = size_t{64} << 10;

std::string Repeated(const std::string& line) {
  std::string text;
  while (text.size() < kPiece) text += line;
  text.resize(kPiece);
  return text;
}

double Rate(absl::Time since) {
  return static_cast<double>(kTotal) / 1e6 / absl::ToDoubleSeconds(absl::Now() - since);
}

bool Run(const char* title, int folder, const std::string& piece, int64_t max_size) {
  for (int number = 0; number < 3; ++number) {
    ::unlinkat(folder, stave::log::FileName(number).c_str(), 0);
  }
  stave::log::WriterOptions options;
  options.limits.max_size = max_size;
  auto writer = stave::log::Writer::Open(folder, options);
  if (!writer.ok()) return false;
  const absl::Time begin = absl::Now();
  for (size_t done = 0; done < kTotal; done += piece.size()) {
    writer->Write(stave::log::Stream::kStdout, piece, absl::Now());
  }
  writer->End(stave::log::Stream::kStdout, absl::Now());
  const double writing = Rate(begin);

  const absl::Time middle = absl::Now();
  auto reader = stave::log::Reader::Open(folder, {});
  if (!reader.ok()) return false;
  size_t read = 0;
  const absl::Status status = reader->Read([&](const Record& record) {
    read += record.text.size();
    return absl::OkStatus();
  });
  const double seconds = absl::ToDoubleSeconds(absl::Now() - middle);
  std::printf("| %s | %.0f | %.0f |\n", title, writing, static_cast<double>(read) / 1e6 / seconds);
  return status.ok() && reader->damaged() == 0 && writer->lost() == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto folder = stave::base::OpenDirAt(AT_FDCWD, argv[1]);
  if (!folder.ok()) return 1;
  const std::string line(99, 'x');
  std::printf("| 200 MB | MB/s written | MB/s read |\n|---|---|---|\n");
  const int fd = folder->get();
  const bool is_whole =
      Run("lines of 100 bytes", fd, Repeated(line + "\n"), -1) &&
      Run("lines of 100 bytes, 3 files of 10 MiB", fd, Repeated(line + "\n"), 10 << 20) &&
      Run("lines of 30 bytes", fd, Repeated(line.substr(70) + "\n"), -1) &&
      Run("quotes and tabs", fd, Repeated("{\"level\":\"info\",\"message\":\"x\"}\t\tin a log\n"),
          -1) &&
      Run("Korean", fd, Repeated("\uc548\ub155\ud558\uc138\uc694 \uc138\uacc4\n"), -1) &&
      Run("one line without end", fd, Repeated(line), -1) &&
      Run("bytes that are not UTF-8", fd, Repeated("\xff\xfe binary \x80\n"), -1);
  return is_whole ? 0 : 1;
}
