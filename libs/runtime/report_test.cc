// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/report.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/unique_fd.h"
#include "libs/json/value.h"

namespace stave::runtime {
namespace {

using ::testing::HasSubstr;

class ReportTest : public ::testing::Test {
 protected:
  ReportTest() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader_ = base::UniqueFd(ends[0]);
    writer_ = base::UniqueFd(ends[1]);
  }
  absl::Status Receive() {
    writer_.Reset();
    return ReceiveReport(reader_.get(), "prog");
  }

  base::UniqueFd reader_, writer_;
};

TEST_F(ReportTest, ReadyAndThenSilenceIsSuccess) {
  SendReady(writer_.get());

  EXPECT_TRUE(Receive().ok());
}

TEST_F(ReportTest, SilenceAloneIsADeath) {
  const absl::Status status = Receive();

  EXPECT_EQ(base::ErrorWord(status), "E_KILLED");
  EXPECT_EQ(base::ErrorHint(status), "");
}

TEST_F(ReportTest, MemoryIsHintedAtWhereItIsLimited) {
  const auto limited = [](int64_t bytes) {
    return json::Value::Object(
        {{"memory", json::Value::Object({{"limit", json::Value::Number(bytes)}})}});
  };
  const json::Value none = json::Value::Object(), without = limited(-1), with = limited(4 << 20);
  const absl::Status killed = Receive();
  const auto hint = [](const absl::Status& status, const json::Value* resources) {
    return base::ErrorHint(HintAtMemory(status, resources));
  };

  EXPECT_EQ(hint(killed, nullptr), "");
  EXPECT_EQ(hint(killed, &none), "");
  EXPECT_EQ(hint(killed, &without), "");
  EXPECT_NE(hint(killed, &with), "");
  EXPECT_EQ(hint(absl::AbortedError("other"), &with), "");
}

TEST_F(ReportTest, CarriesStatusWordAndExitCode) {
  SendReport(writer_.get(),
             WithExitCode(base::Error(absl::StatusCode::kNotFound, "E_X", "why"), 127));

  const absl::Status status = Receive();

  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "why");
  EXPECT_EQ(base::ErrorWord(status), "E_X");
  EXPECT_EQ(ExitCodeOf(status), 127);
}

TEST(NotShownTest, SaysWhatFailsAndIsOne) {
  const absl::Status status = NotShown(ENOSPC, "stdout");

  EXPECT_EQ(status.message(), "stdout: write: No space left on device");
  EXPECT_EQ(base::ErrorWord(status), "E_NO_SPACE");
  EXPECT_EQ(ExitCodeOf(status), kNotShown);
}

TEST_F(ReportTest, ErrnoOfExecveBecomesTheShellsCode) {
  SendReady(writer_.get());
  const int missing = ENOENT;
  ASSERT_EQ(::write(writer_.get(), &missing, sizeof missing), 4);

  const absl::Status status = Receive();

  EXPECT_EQ(ExitCodeOf(status), 127);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no such file or directory"));
}

TEST_F(ReportTest, CarriesCauseAndHint) {
  SendReport(writer_.get(),
             base::WithHint(WithCause(absl::NotFoundError("why"), "no-loader"), "look there"));

  const absl::Status status = Receive();

  EXPECT_EQ(status.message(), "why");
  EXPECT_EQ(CauseOf(status), "no-loader");
  EXPECT_EQ(base::ErrorHint(status), "look there");
}

TEST_F(ReportTest, ADoubtIsTheErrorOfAFormatThatNobodyKnows) {
  const absl::Status doubt =
      WithCause(WithExitCode(absl::FailedPreconditionError("is text"), 126), "no-shebang");
  for (const int error : {ENOEXEC, ENOENT}) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const base::UniqueFd reader(ends[0]);
    SendDoubt(ends[1], doubt);
    SendReady(ends[1]);
    ASSERT_EQ(::write(ends[1], &error, sizeof error), 4);
    ::close(ends[1]);
    const absl::Status status = ReceiveReport(reader.get(), "prog");
    EXPECT_EQ(CauseOf(status), error == ENOEXEC ? "no-shebang" : "no-interpreter");
    EXPECT_EQ(status.message() == "is text", error == ENOEXEC);
  }
}

TEST_F(ReportTest, ADoubtAloneIsNone) {
  SendDoubt(writer_.get(), absl::FailedPreconditionError("is text"));
  SendDoubt(writer_.get(), absl::OkStatus());
  SendReady(writer_.get());

  EXPECT_TRUE(Receive().ok());
  std::string text("D\x05\x00", 3);
  EXPECT_EQ(CutDoubt(&text), "");
}

TEST_F(ReportTest, NonsenseIsAnInternalError) {
  ASSERT_EQ(::write(writer_.get(), "nonsense", 8), 8);

  EXPECT_TRUE(absl::IsInternal(Receive()));
}

}  // namespace
}  // namespace stave::runtime
