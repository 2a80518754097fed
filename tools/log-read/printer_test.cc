// SPDX-License-Identifier: Apache-2.0
#include "tools/log-read/printer.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"

namespace stave::tools {
namespace {

using log::Record;
using log::Stream;

struct Pipe {
  base::UniqueFd reader, writer;
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader = base::UniqueFd(ends[0]);
    writer = base::UniqueFd(ends[1]);
  }
  std::string Text() {
    writer.Reset();
    return *base::ReadAll(reader.get(), 1000, "pipe");
  }
};

Record Line(Stream stream, std::string text, std::string attributes = "") {
  return {stream, absl::UnixEpoch(), std::move(text), std::move(attributes)};
}

TEST(PrinterTest, StreamsGoToTheirOwn) {
  Pipe out, err;
  Printer printer({}, out.writer.get(), err.writer.get());
  EXPECT_TRUE(printer.Print(Line(Stream::kStdout, "one\n")).ok());
  EXPECT_TRUE(printer.Print(Line(Stream::kStderr, "two\n")).ok());
  EXPECT_TRUE(printer.Print(Line(Stream::kStdout, "three")).ok());
  EXPECT_TRUE(printer.Flush().ok());
  EXPECT_EQ(out.Text(), "one\nthree");
  EXPECT_EQ(err.Text(), "two\n");
}

TEST(PrinterTest, TheOrderStays) {
  Pipe both;
  Printer printer({}, both.writer.get(), both.writer.get());
  EXPECT_TRUE(printer.Print(Line(Stream::kStdout, "one\n")).ok());
  EXPECT_TRUE(printer.Print(Line(Stream::kStderr, "two\n")).ok());
  EXPECT_TRUE(printer.Print(Line(Stream::kStdout, "three\n")).ok());
  EXPECT_TRUE(printer.Flush().ok());
  EXPECT_EQ(both.Text(), "one\ntwo\nthree\n");
}

TEST(PrinterTest, TimeAndDetailsStandBeforeALineOnce) {
  Pipe out, err;
  Printer printer({true, true}, out.writer.get(), err.writer.get());
  EXPECT_TRUE(printer.Print(Line(Stream::kStdout, "long ", R"({"k":"v"})")).ok());
  EXPECT_TRUE(printer.Print(Line(Stream::kStderr, "between\n")).ok());
  EXPECT_TRUE(printer.Print(Line(Stream::kStdout, "line\n", R"({"k":"v"})")).ok());
  EXPECT_TRUE(printer.Print(Line(Stream::kStdout, "next\n", R"({"k":"v"})")).ok());
  EXPECT_TRUE(printer.Flush().ok());
  EXPECT_EQ(out.Text(),
            "1970-01-01T00:00:00.000000000Z k=v long line\n"
            "1970-01-01T00:00:00.000000000Z k=v next\n");
  EXPECT_EQ(err.Text(), "1970-01-01T00:00:00.000000000Z  between\n");
}

TEST(PrinterTest, AReaderThatHasGoneIsTold) {
  Pipe out;
  out.reader.Reset();
  ::signal(SIGPIPE, SIG_IGN);
  Printer printer({}, out.writer.get(), out.writer.get());
  EXPECT_TRUE(printer.Print(Line(Stream::kStdout, "one\n")).ok());
  EXPECT_EQ(base::ErrorWord(printer.Flush()), "E_PIPE");
}

}  // namespace
}  // namespace stave::tools
