// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/find_program.h"

#include <elf.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/runtime/report.h"
#include "libs/testutil/temp_dir.h"

namespace stave::runtime {
namespace {

using Kind = ProgramFormat::Kind;

// The headers of a program for `machine` whose interpreter's path lies at 200.
std::string Elf(uint16_t machine) {
  Elf64_Ehdr header{};
  ::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_machine = machine;
  header.e_phoff = sizeof header;
  header.e_phnum = 1;
  Elf64_Phdr part{};
  part.p_type = PT_INTERP;
  part.p_offset = 200;
  part.p_filesz = 15;
  std::string text(reinterpret_cast<const char*>(&header), sizeof header);
  text.append(reinterpret_cast<const char*>(&part), sizeof part);
  text.resize(200, '\0');
  return text + std::string("/no/such/loader", 15);
}

#if defined(__x86_64__)
constexpr uint16_t kOwn = EM_X86_64, kOther = EM_AARCH64;
#else
constexpr uint16_t kOwn = EM_AARCH64, kOther = EM_X86_64;
#endif

TEST(ReadFormatTest, WhoExecutesIt) {
  EXPECT_EQ(ReadFormat("#!/bin/sh\necho").kind, Kind::kScript);
  EXPECT_EQ(ReadFormat("#!/bin/sh\necho").interpreter, "/bin/sh");
  EXPECT_EQ(ReadFormat("#! \t/usr/bin/env python3\n").interpreter, "/usr/bin/env");
  EXPECT_EQ(ReadFormat("#!/bin/sh\r\necho\r\n").interpreter, "/bin/sh\r");
  EXPECT_EQ(ReadFormat("#!").interpreter, "");
  EXPECT_EQ(ReadFormat("#!\n").interpreter, "");
  EXPECT_EQ(ReadFormat("").kind, Kind::kEmpty);
  EXPECT_EQ(ReadFormat("echo hello\n").kind, Kind::kText);
  EXPECT_EQ(ReadFormat(absl::string_view("\0\1\2", 3)).kind, Kind::kOther);
}

TEST(ReadFormatTest, Programs) {
  const ProgramFormat own = ReadFormat(Elf(kOwn));
  EXPECT_EQ(own.kind, Kind::kElf);
  EXPECT_EQ(own.architecture, "");
  EXPECT_EQ(own.loader_offset, 200u);
  EXPECT_EQ(own.loader_size, 15u);
  const ProgramFormat other = ReadFormat(Elf(kOther));
  EXPECT_NE(other.architecture, "");
  EXPECT_EQ(other.loader_size, 0u);
}

TEST(ReadFormatTest, SurvivesDamage) {
  const std::string whole = Elf(kOwn);
  for (size_t size = 0; size < whole.size(); ++size) (void)ReadFormat(whole.substr(0, size));
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(0xff);
    (void)ReadFormat(damaged);
  }
}

class FindProgramTest : public ::testing::Test {
 protected:
  std::string Make(const std::string& name, const std::string& text, mode_t mode) {
    const std::string path = dir_.path() + "/" + name;
    dir_.Put(name, text);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  static absl::StatusOr<FoundProgram> Find(const std::string& name, const std::string& path = "") {
    Process process;
    process.args = {name};
    process.env = {"PATH=" + path};
    return FindProgram(process);
  }
  void Fails(const std::string& name, const std::string& cause, int code) {
    const absl::Status failed = Find(name, dir_.path()).status();
    EXPECT_EQ(CauseOf(failed), cause) << name << ": " << failed;
    EXPECT_EQ(ExitCodeOf(failed), code) << name;
  }

  testutil::TempDir dir_;
};

TEST_F(FindProgramTest, FindsByPathAndInPath) {
  const std::string path = Make("script", "#!/bin/sh\n", 0755);

  EXPECT_EQ(Find(path)->path, path);
  EXPECT_EQ(Find("script", "/no/such:" + dir_.path())->path, path);
  EXPECT_TRUE(Find(path)->doubt.ok());
}

TEST_F(FindProgramTest, EveryFailureHasItsCause) {
  Fails(Make("plain", "#!/bin/sh\n", 0644), "not-executable", 126);
  Fails("plain", "not-executable", 126);
  Fails(dir_.path(), "is-directory", 126);
  Fails(dir_.path() + "/none", "not-found", 127);
  Fails(dir_.path() + "/plain/none", "not-found", 127);
  Fails("none", "not-in-path", 127);
  Fails(Make("lost", "#!/no/such\n", 0755), "no-interpreter", 127);
  Fails(Make("windows", "#!/bin/sh\r\n", 0755), "crlf", 127);
  Fails(Make("foreign", Elf(kOwn), 0755), "no-loader", 127);
  Fails(Make("unfit", "#!" + dir_.path() + "/plain\n", 0755), "not-executable", 126);
  Fails(Make("nested", "#!" + dir_.path() + "/lost\n", 0755), "no-interpreter", 127);
}

TEST_F(FindProgramTest, WhatTheKernelMayNotKnowIsDoubted) {
  const std::pair<std::string, const char*> cases[] = {
      {Elf(kOther), "architecture"}, {"echo hello\n", "no-shebang"}, {"", "no-shebang"}};
  for (const auto& [text, cause] : cases) {
    const auto found = Find(Make("odd", text, 0755));
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(CauseOf(found->doubt), cause);
    EXPECT_EQ(ExitCodeOf(found->doubt), 126);
  }
}

}  // namespace
}  // namespace stave::runtime
