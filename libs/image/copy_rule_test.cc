// SPDX-License-Identifier: Apache-2.0
#include "libs/image/copy_rule.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace stave::image {
namespace {

TEST(CopyRule, WordsWithAColonAreOfAContainer) {
  const struct {
    const char *word, *container, *path;
  } cases[] = {
      {"web:/etc", "web", "/etc"},
      {"web:etc", "web", "etc"},
      {"web:", "web", ""},
      {"web:/a:b", "web", "/a:b"},
      {"/a:b", "", "/a:b"},
      {"./a:b", "", "./a:b"},
      {"../a:b", "", "../a:b"},
      {".a:b", "", ".a:b"},
      {"a", "", "a"},
      {"-", "", "-"},
      {":/a", "", "/a"},
  };
  for (const auto& one : cases) {
    const CopyWord word = ParseCopyWord(one.word);
    EXPECT_EQ(word.container, one.container) << one.word;
    EXPECT_EQ(word.path, one.path) << one.word;
  }
}

TEST(CopyRule, PathsAreTakenFromTheRoot) {
  const struct {
    const char *path, *clean, *name;
    bool contents, slash;
  } cases[] = {
      {"/a/b", "/a/b", "b", false, false},
      {"a/b/", "/a/b", "b", false, true},
      {"/a/b/.", "/a/b", ".", true, true},
      {"/", "/", ".", true, true},
      {"", "/", ".", true, true},
      {".", "/", ".", true, true},
      {"/a/../b", "/b", "b", false, false},
      {"/../../a", "/a", "a", false, false},
      {"//a///b", "/a/b", "b", false, false},
      {"/a/..", "/", ".", true, true},
      {"/a/./b", "/a/b", "b", false, false},
      {"/a.", "/a.", "a.", false, false},
  };
  for (const auto& one : cases) {
    const CopyPath path = ParseCopyPath(one.path);
    EXPECT_EQ(path.path, one.clean) << one.path;
    EXPECT_EQ(path.name, one.name) << one.path;
    EXPECT_EQ(path.contents, one.contents) << one.path;
    EXPECT_EQ(path.slash, one.slash) << one.path;
  }
  EXPECT_EQ(ParseCopyPath("/a/").ForOpen(), "/a/");
  EXPECT_EQ(ParseCopyPath("/a").ForOpen(), "/a");
  EXPECT_EQ(ParseCopyPath("/").ForOpen(), "/");
}

// What is made: "into:NAME", "as:NAME", or the error.
std::string Outcome(const CopySource& source, const CopyTarget& target) {
  const auto plan = PlanCopy(source, target);
  if (!plan.ok()) return std::string(plan.status().message());
  return (plan->into ? "into:" : "as:") + plan->name;
}

TEST(CopyRule, TheTable) {
  const CopySource file = {false, "f"}, directory = {true, "d"}, contents = {true, "."};
  const CopyTarget missing = {false, false, false, "t"}, missing_slash = {false, false, true, "t"},
                   a_file = {true, false, false, "t"}, a_directory = {true, true, false, "t"},
                   directory_slash = {true, true, true, "t"};
  EXPECT_EQ(Outcome(file, missing), "as:t");
  EXPECT_EQ(Outcome(file, missing_slash), "no such directory");
  EXPECT_EQ(Outcome(file, a_file), "as:t");
  EXPECT_EQ(Outcome(file, a_directory), "into:f");
  EXPECT_EQ(Outcome(file, directory_slash), "into:f");
  EXPECT_EQ(Outcome(directory, missing), "as:t");
  EXPECT_EQ(Outcome(directory, missing_slash), "as:t");
  EXPECT_EQ(Outcome(directory, a_file), "cannot copy directory");
  EXPECT_EQ(Outcome(directory, a_directory), "into:d");
  EXPECT_EQ(Outcome(contents, missing), "as:t");
  EXPECT_EQ(Outcome(contents, missing_slash), "as:t");
  EXPECT_EQ(Outcome(contents, a_file), "cannot copy directory");
  EXPECT_EQ(Outcome(contents, a_directory), "into:.");
  EXPECT_TRUE(absl::IsNotFound(PlanCopy(file, missing_slash).status()));
}

}  // namespace
}  // namespace stave::image
