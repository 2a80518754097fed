// SPDX-License-Identifier: Apache-2.0
#include "tools/store-info/machine.h"

#include <fcntl.h>

#include "gtest/gtest.h"
#include "libs/base/unique_fd.h"

namespace stave::tools {
namespace {

TEST(MachineTest, OsReleaseIsReadWithAndWithoutQuotes) {
  constexpr char kText[] = "NAME=Linux\nPRETTY_NAME=\"A B 12\"\nVERSION_ID='12'\nX=\"\n";
  EXPECT_EQ(OsReleaseValue(kText, "PRETTY_NAME"), "A B 12");
  EXPECT_EQ(OsReleaseValue(kText, "VERSION_ID"), "12");
  EXPECT_EQ(OsReleaseValue(kText, "NAME"), "Linux");
  EXPECT_EQ(OsReleaseValue(kText, "X"), "\"");
  EXPECT_EQ(OsReleaseValue(kText, "NONE"), "");
}

TEST(MachineTest, MemoryIsInBytes) {
  EXPECT_EQ(MemTotal("MemFree: 1 kB\nMemTotal:       16384 kB\n"), 16777216);
  EXPECT_EQ(MemTotal("MemTotal: many kB\n"), 0);
  EXPECT_EQ(MemTotal(""), 0);
}

TEST(MachineTest, ThisOneHasANameAndProcessors) {
  const Machine machine = LookAtMachine();
  EXPECT_FALSE(machine.kernel.empty());
  EXPECT_FALSE(machine.operating_system.empty());
  EXPECT_GT(machine.cpus, 0);
  EXPECT_GT(machine.memory, 0);
}

TEST(MachineTest, AFileSystemThatIsNoneIsUnknown) {
  EXPECT_EQ(FileSystemName(-1), "<unknown>");
  const base::UniqueFd proc(::open("/proc", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(FileSystemName(proc.get()), "<unknown>");
}

}  // namespace
}  // namespace stave::tools
