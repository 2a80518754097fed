// SPDX-License-Identifier: Apache-2.0
#include "libs/pty/detach_keys.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::pty {
namespace {

using ::testing::HasSubstr;

constexpr char kP = 16, kQ = 17;

// What is passed on of reads, "!" where the keys have come.
std::string Typed(absl::string_view keys, const std::vector<std::string>& reads) {
  DetachKeys detach = *DetachKeys::Parse(keys);
  std::string passed;
  for (const std::string& read : reads) {
    if (detach.Feed(read, &passed)) return passed + "!";
  }
  return passed;
}

std::string Keys(std::initializer_list<char> keys) { return std::string(keys); }

TEST(DetachKeysTest, ComeInOneReadOrInMany) {
  EXPECT_EQ(Typed(kDefaultDetachKeys, {Keys({kP, kQ})}), "!");
  EXPECT_EQ(Typed(kDefaultDetachKeys, {Keys({kP}), Keys({kQ})}), "!");
  EXPECT_EQ(Typed(kDefaultDetachKeys, {"ls\r" + Keys({kP}), Keys({kQ}) + "after"}), "ls\r!");
  EXPECT_EQ(Typed("a,b,c", {"xa", "", "b", "c"}), "x!");
}

TEST(DetachKeysTest, ALoneBeginningPassesWithTheNextKey) {
  EXPECT_EQ(Typed(kDefaultDetachKeys, {Keys({kP})}), "");
  EXPECT_EQ(Typed(kDefaultDetachKeys, {Keys({kP}), "x"}), Keys({kP, 'x'}));
  EXPECT_EQ(Typed(kDefaultDetachKeys, {Keys({kQ, kP}), Keys({'\r'})}), Keys({kQ, kP, '\r'}));
}

TEST(DetachKeysTest, AFalseStartMayHoldTheRightOne) {
  EXPECT_EQ(Typed(kDefaultDetachKeys, {Keys({kP}), Keys({kP}), Keys({kQ})}), Keys({kP, '!'}));
  EXPECT_EQ(Typed("a,a,b", {"aaaab"}), "aa!");
  EXPECT_EQ(Typed("a,b,a,c", {"ababac"}), "ab!");
  EXPECT_EQ(Typed("a,b,a,c", {"abab", "x"}), "ababx");
}

TEST(DetachKeysTest, OneKeyIsEnough) { EXPECT_EQ(Typed("ctrl-]", {"x\x1d", "y"}), "x!"); }

TEST(DetachKeysTest, NoKeysPassAll) {
  EXPECT_TRUE(DetachKeys::Parse("")->empty());
  EXPECT_EQ(Typed("", {Keys({kP, kQ}), "x"}), Keys({kP, kQ, 'x'}));
}

TEST(DetachKeysTest, BeginsAnewAfterTheyHaveCome) {
  DetachKeys detach = *DetachKeys::Parse("a,b");
  std::string passed;
  ASSERT_TRUE(detach.Feed("ab", &passed));
  EXPECT_FALSE(detach.Feed("b", &passed));
  EXPECT_TRUE(detach.Feed("ab", &passed));
  EXPECT_EQ(passed, "b");
}

TEST(DetachKeysTest, TheEndTakesWhatWasHeld) {
  DetachKeys detach = *DetachKeys::Parse("a,b,c");
  std::string passed;
  ASSERT_FALSE(detach.Feed("xab", &passed));
  EXPECT_EQ(passed, "x");
  EXPECT_EQ(detach.TakeHeld(), "ab");
  EXPECT_EQ(detach.TakeHeld(), "");
}

TEST(DetachKeysTest, NamesOfKeys) {
  EXPECT_EQ(Typed("ctrl-a,ctrl-z", {"\x01\x1a"}), "!");
  EXPECT_EQ(Typed("ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_,DEL",
                  {std::string("\0\x1b\x1c\x1d\x1e\x1f\x7f", 7)}),
            "!");
  EXPECT_EQ(Typed("-,Q", {"-Q"}), "!");
}

TEST(DetachKeysTest, WhatIsNoKeyIsNamed) {
  for (const char* text : {"ctrl-1", "ctrl-", "ctrl-A", "ab", ",", "a,", ",a", "Ctrl-p", "ctrl-pq",
                           "del", "ctrl-p ctrl-q"}) {
    const absl::Status status = DetachKeys::Parse(text).status();
    EXPECT_EQ(base::ErrorWord(status), "E_USAGE") << text;
    EXPECT_THAT(base::ErrorHint(status), HasSubstr("ctrl-"));
  }
  EXPECT_THAT(std::string(DetachKeys::Parse("a,ctrl-1").status().message()),
              HasSubstr("\"ctrl-1\""));
}

}  // namespace
}  // namespace stave::pty
