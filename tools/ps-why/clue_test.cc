// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-why/clue.h"

#include <utility>

#include "gtest/gtest.h"
#include "libs/json/parse.h"

namespace stave::tools {
namespace {

std::string CauseOf(const std::string& line) {
  const auto clue = FindClue({"up", line});
  return clue ? clue->cause : "";
}

TEST(ClueTest, WhatPayloadsSay) {
  const std::pair<const char*, const char*> cases[] = {
      {"/app: error while loading shared libraries: libz.so.1: cannot open shared object file: No "
       "such file or directory",
       "missing-library"},
      {"Error loading shared library libz.so.1: No such file or directory (needed by /app)",
       "missing-library"},
      {"Error relocating /app: gnu_get_libc_version: symbol not found", "missing-library"},
      {"sh: write error: No space left on device", "disk-full"},
      {"touch: /x: Read-only file system", "read-only"},
      {"env: can't execute 'python3\r': No such file or directory", "crlf"},
      {"/run.sh: line 2: $'\\r': command not found", "crlf"},
      {"sh: can't fork: Resource temporarily unavailable", "no-fork"},
      {"bind: Address already in use", "address-in-use"},
      {"cat: can't open '/x': Permission denied", "denied"},
      {"unshare: unshare(0x10000000): Operation not permitted", "not-permitted"},
      {"sh: nosuch: not found", ""},
      {"ends in CR LF\r", ""},
      {"", ""},
  };
  for (const auto& [line, cause] : cases) EXPECT_EQ(CauseOf(line), cause) << line;
}

TEST(ClueTest, TheLatestCounts) {
  EXPECT_EQ(FindClue({"a: No space left on device", "b: Permission denied", "bye"})->cause,
            "denied");
  EXPECT_FALSE(FindClue({}).has_value());
}

json::Value Profile(const std::string& text) { return json::Parse(text).value(); }

TEST(DeniedCallTest, IsOneThatTheProfileDoesNotPermit) {
  const json::Value strict = Profile(
      "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"mkdir\",\"mount\"],"
      "\"action\":\"SCMP_ACT_ALLOW\"}]}");
  EXPECT_EQ(DeniedCallIn("unshare: unshare(0x1): Operation not permitted", strict), "unshare");
  EXPECT_EQ(DeniedCallIn("mount: Operation not permitted", strict), "");
  EXPECT_EQ(DeniedCallIn("cat: Operation not permitted", strict), "");

  const json::Value lax = Profile(
      "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\"],"
      "\"action\":\"SCMP_ACT_ERRNO\"}]}");
  EXPECT_EQ(DeniedCallIn("mkdir: can't create '/x': Operation not permitted", lax), "mkdir");
  EXPECT_EQ(DeniedCallIn("unshare: Operation not permitted", lax), "");
  EXPECT_EQ(DeniedCallIn("mkdir", json::Value()), "");
}

TEST(DeniedCallTest, ARuleThatAsksForArgumentsIsNone) {
  const json::Value profile = Profile(
      "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"unshare\"],"
      "\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":0,\"op\":"
      "\"SCMP_CMP_EQ\"}]}]}");
  EXPECT_EQ(DeniedCallIn("unshare: Operation not permitted", profile), "unshare");
}

TEST(KillingCallsTest, AreThoseOfKillingRules) {
  const json::Value profile = Profile(
      "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\",\"rmdir\"],"
      "\"action\":\"SCMP_ACT_KILL_PROCESS\"},{\"names\":[\"mount\"],\"action\":"
      "\"SCMP_ACT_ERRNO\"}]}");
  EXPECT_EQ(KillingCalls(profile), (std::vector<std::string>{"mkdir", "rmdir"}));
  EXPECT_TRUE(KillingCalls(json::Value()).empty());
}

}  // namespace
}  // namespace stave::tools
