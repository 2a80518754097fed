// SPDX-License-Identifier: Apache-2.0
//
// log_writer DIR: writes its stdin, as the stdout of a container, into a log of one file in DIR.
#include <fcntl.h>
#include <unistd.h>

#include "absl/time/clock.h"
#include "libs/base/posix.h"
#include "libs/log/writer.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto folder = stave::base::OpenDirAt(AT_FDCWD, argv[1]);
  if (!folder.ok()) return 1;
  stave::log::WriterOptions options;
  options.limits = {-1, 1};
  auto writer = stave::log::Writer::Open(folder->get(), options);
  if (!writer.ok()) return 1;
  char bytes[65536];
  ssize_t n;
  while ((n = ::read(STDIN_FILENO, bytes, sizeof bytes)) > 0) {
    writer->Write(stave::log::Stream::kStdout, {bytes, static_cast<size_t>(n)}, absl::Now());
  }
  writer->End(stave::log::Stream::kStdout, absl::Now());
  return n == 0 && writer->lost() == 0 ? 0 : 1;
}
