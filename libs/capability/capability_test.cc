// SPDX-License-Identifier: Apache-2.0
#include "libs/capability/capability.h"

#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::capability {
namespace {

using Names = std::vector<std::string>;

// Runs `act` in a child process, whose sets may be ruined; whether it returned true.
template <typename Act>
bool InChild(Act act) {
  const pid_t pid = fork();
  if (pid == 0) _exit(act() ? 0 : 1);
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(ParseTest, AnySpelling) {
  EXPECT_EQ(*Parse("CAP_NET_ADMIN"), "CAP_NET_ADMIN");
  EXPECT_EQ(*Parse("net_admin"), "CAP_NET_ADMIN");
  EXPECT_EQ(*Parse("cap_Sys_Admin"), "CAP_SYS_ADMIN");
}

TEST(ParseTest, RefusesOthers) {
  for (const char* text : {"", "CAP_", "CAP_FOO", "21", "ALL", "CAP_CAP_CHOWN", "chown "}) {
    EXPECT_EQ(base::ErrorWord(Parse(text).status()), "E_CAPABILITY") << text;
  }
  EXPECT_EQ(base::ErrorHint(Parse("net_admim").status()), "did you mean CAP_NET_ADMIN");
  EXPECT_EQ(base::ErrorHint(Parse("chonw").status()), "did you mean CAP_CHOWN");
  EXPECT_EQ(base::ErrorHint(Parse("CAP_FOO").status()), "");
}

TEST(SetTest, NamesAndBits) {
  Names unknown;

  EXPECT_EQ(FromNames({"CAP_CHOWN", "CAP_CHECKPOINT_RESTORE", "CAP_X"}, &unknown),
            (Set{1} << 40) | 1);
  EXPECT_EQ(unknown, Names{"CAP_X"});
  EXPECT_EQ(ToNames(0x21), (Names{"CAP_CHOWN", "CAP_KILL"}));
  EXPECT_EQ(AllNames().size(), 41u);
}

TEST(TweakTest, AddAndDrop) {
  const Names list = {"CAP_CHOWN", "CAP_KILL"};

  EXPECT_EQ(*Tweak(list, {}, {}), list);
  EXPECT_EQ(*Tweak(list, {"net_admin", "kill"}, {"chown"}), (Names{"CAP_KILL", "CAP_NET_ADMIN"}));
  EXPECT_EQ(*Tweak(list, {"CHOWN"}, {"CHOWN"}), (Names{"CAP_KILL", "CAP_CHOWN"}));
}

TEST(TweakTest, All) {
  const Names list = {"CAP_CHOWN", "CAP_KILL"};

  EXPECT_EQ(*Tweak(list, {"ALL"}, {}), AllNames());
  EXPECT_EQ(Tweak(list, {"all"}, {"sys_admin"})->size(), 40u);
  EXPECT_EQ(*Tweak(list, {}, {"ALL"}), Names{});
  EXPECT_EQ(*Tweak(list, {"net_raw"}, {"ALL"}), Names{"CAP_NET_RAW"});
  EXPECT_EQ(*Tweak(list, {"ALL"}, {"ALL"}), AllNames());
}

TEST(TweakTest, UnknownNameIsAnError) {
  EXPECT_FALSE(Tweak({}, {"ALL", "CAP_X"}, {}).ok());
  EXPECT_FALSE(Tweak({}, {}, {"CAP_X"}).ok());
}

TEST(AttainableTest, CutsToWhatIsHeld) {
  Set missing = 0;

  const Sets sets = Attainable({.bounding = 7, .effective = 7, .permitted = 7, .ambient = 1},
                               {.bounding = 3, .effective = 1, .permitted = 5}, &missing);

  EXPECT_EQ(sets.bounding, 3u);
  EXPECT_EQ(sets.permitted, 1u);
  EXPECT_EQ(sets.effective, 1u);
  EXPECT_EQ(sets.ambient, 0u);  // not inheritable
  EXPECT_EQ(missing, 7u);
}

TEST(ApplyTest, DroppingEverythingNeedsNoPrivilege) {
  EXPECT_TRUE(InChild([] {
    const auto held = Current(~Set{0});
    if (!held.ok() || !ApplySets({}).ok()) return false;
    return Verify({.bounding = held->bounding}).ok();
  }));
}

TEST(ApplyTest, WhatIsHeldCanBeSet) {
  EXPECT_TRUE(InChild([] {
    auto sets = Current(~Set{0});
    if (!sets.ok()) return false;
    sets->inheritable = sets->ambient = 0;
    return ApplyBounding(sets->bounding).ok() && ApplySets(*sets).ok() && Verify(*sets).ok();
  }));
}

TEST(ApplyTest, MoreThanHeldIsRefused) {
  EXPECT_TRUE(InChild(
      [] { return ApplySets({}).ok() && absl::IsPermissionDenied(ApplySets({.permitted = 1})); }));
}

TEST(ApplyTest, BoundingIsCutWherePrivileged) {
  const auto held = Current(~Set{0});
  ASSERT_TRUE(held.ok());
  const Set setpcap = Set{1} << 8;
  if (!(held->effective & setpcap)) {
    EXPECT_TRUE(held->bounding == 0 || absl::IsPermissionDenied(ApplyBounding(0)));
    return;
  }

  EXPECT_TRUE(InChild([&] {
    const Set keep = held->bounding & held->permitted & 0x21;
    const Sets wanted = {.bounding = keep,
                         .effective = keep,
                         .permitted = keep,
                         .inheritable = keep,
                         .ambient = keep};
    return ApplyBounding(keep).ok() && ApplySets(wanted).ok() && Verify(wanted).ok();
  }));
}

TEST(VerifyTest, NamesTheSet) {
  auto sets = Current(~Set{0});
  ASSERT_TRUE(sets.ok());
  sets->effective ^= 1;

  const absl::Status status = Verify(*sets);

  EXPECT_EQ(base::ErrorWord(status), "E_CAPABILITY");
  EXPECT_NE(status.message().find("effective"), absl::string_view::npos);
}

}  // namespace
}  // namespace stave::capability
