// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/start_failure.h"

#include <errno.h>

#include <utility>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/runtime/report.h"
#include "libs/store/failures.h"
#include "libs/store/pending.h"
#include "libs/store/test_store.h"

namespace stave::runtime {
namespace {

absl::Status NotInPath() {
  absl::Status status = base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND", "exec \"x\xff\"");
  return base::WithHint(WithCause(WithExitCode(std::move(status), 127), "not-in-path"), "look");
}

TEST(StartErrorTest, SaysWhatTheErrorSays) {
  const store::StartError error = StartErrorOf(NotInPath());

  EXPECT_EQ(error.word, "E_NOT_FOUND");
  EXPECT_EQ(error.cause, "not-in-path");
  EXPECT_EQ(error.message, "exec \"x\\xff\"");  // as a file of JSON may hold it
  EXPECT_EQ(error.hint, "look");
  EXPECT_EQ(StoredCodeOf(NotInPath()), 127);
  EXPECT_EQ(StoredCodeOf(absl::NotFoundError("no layer")), 128);
}

class StartFailureTest : public store::StoreTest {};

TEST_F(StartFailureTest, IsKeptByWhatExists) {
  store::Intent intent;
  intent.name = "web";
  auto entry = store::Pending::Reserve(store(), intent);
  ASSERT_TRUE(entry.ok()) << entry.status();
  store::Exit before;
  before.code = 9;
  before.signal = 9;
  before.oom = true;
  before.requested = true;
  before.finished = absl::FromUnixSeconds(10);
  ASSERT_TRUE(entry->container().WriteExit(before).ok());

  ASSERT_TRUE(WriteStartFailure(NotInPath(), entry->container()).ok());

  const auto exit = entry->container().ReadExit();
  ASSERT_TRUE(exit.ok()) << exit.status();
  EXPECT_EQ(exit->code, 127);
  EXPECT_EQ(exit->error->cause, "not-in-path");
  EXPECT_FALSE(exit->signal.has_value());
  EXPECT_FALSE(exit->oom);
  EXPECT_TRUE(exit->requested);
  EXPECT_EQ(exit->finished, before.finished);
}

TEST_F(StartFailureTest, IsNotedOfWhatHasAName) {
  NoteFailure(NotInPath(), "", store());
  NoteFailure(NotShown(ENOSPC, "stdout"), "web", store());
  EXPECT_FALSE(Exists("run/failures.json"));
  NoteFailure(NotInPath(), "web", store());
  EXPECT_EQ(store::FindFailure(store(), "web")->exit.code, 127);
}

}  // namespace
}  // namespace stave::runtime
