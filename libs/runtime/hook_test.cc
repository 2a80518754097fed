// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/hook.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"

namespace stave::runtime {
namespace {

Hook Shell(const std::string& script) {
  Hook hook;
  hook.path = "/bin/sh";
  hook.args = {"sh", "-c", script};
  hook.env = {"WORD=from the config"};
  return hook;
}

std::string NotesPath() { return testing::TempDir() + "/hook_notes"; }

std::string Notes() {
  auto text = base::ReadFileAt(AT_FDCWD, NotesPath(), size_t{1} << 20);
  ::unlink(NotesPath().c_str());
  return text.ok() ? *text : std::string(text.status().message());
}

TEST(RunHooksTest, GivesEachTheStateAndItsOwnEnvironment) {
  const std::string to = " >> " + NotesPath();

  const absl::Status ran =
      RunHooks({Shell("/bin/cat" + to), Shell("echo $WORD $HOME" + to)}, "prestart", "{}");

  EXPECT_TRUE(ran.ok()) << ran;
  EXPECT_EQ(Notes(), "{}from the config\n");
}

TEST(RunHooksTest, StopsAtTheFirstThatFails) {
  const absl::Status ran =
      RunHooks({Shell("exit 0"), Shell("echo why >&2; exit 3"), Shell(": > " + NotesPath())},
               "createRuntime", "{}");

  EXPECT_TRUE(absl::IsAborted(ran));
  EXPECT_EQ(base::ErrorWord(ran), "E_HOOK");
  EXPECT_EQ(ran.message(), "/hooks/createRuntime/1: /bin/sh: exit status 3: why");
  EXPECT_NE(::access(NotesPath().c_str(), F_OK), 0);
}

TEST(RunHooksTest, AHookThatDoesNotReadHasNotFailed) {
  const std::string large(size_t{1} << 20, ' ');  // more than a pipe holds

  const absl::Status ran = RunHooks({Shell("exec <&-; exit 0")}, "prestart", large);

  EXPECT_TRUE(ran.ok()) << ran;
}

TEST(RunHooksTest, EndsOneThatTakesTooLong) {
  Hook hook = Shell("trap '' TERM; read never < /dev/zero");
  hook.timeout = absl::Seconds(1);

  EXPECT_TRUE(absl::IsDeadlineExceeded(RunHooks({hook}, "prestart", "{}")));
}

TEST(RunAllHooksTest, WarnsAndGoesOn) {
  std::vector<std::string> warnings;

  RunAllHooks({Shell("exit 1"), Shell("echo ran > " + NotesPath()), Shell("kill -9 $$")},
              "poststop", "{}", [&warnings](const std::string& text) { warnings.push_back(text); });

  EXPECT_EQ(Notes(), "ran\n");
  EXPECT_EQ(warnings, (std::vector<std::string>{"/hooks/poststop/0: /bin/sh: exit status 1",
                                                "/hooks/poststop/2: /bin/sh: killed by signal 9"}));
  RunAllHooks({Shell("exit 1")}, "poststop", "{}", nullptr);
}

TEST(PoststartMayFailTest, LooksAtTheMinorVersion) {
  for (const char* old : {"1.0.0", "1.0.2-dev", "1.1.0", "1.2.1"}) {
    EXPECT_TRUE(PoststartMayFail(old)) << old;
  }
  for (const char* now : {"1.3.0", "1.10.0", "1.20.0"}) EXPECT_FALSE(PoststartMayFail(now)) << now;
}

}  // namespace
}  // namespace stave::runtime
