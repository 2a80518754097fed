// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/device.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"

namespace stave::cgroup {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<DeviceRule> Rules(absl::string_view text) {
  return ParseDevices(*json::Parse(text)).value();
}

std::vector<std::string> Writes(absl::string_view text) {
  std::vector<std::string> lines;
  const auto writes = PlanDeviceWrites(Rules(text)).value();
  for (const DeviceWrite& write : writes) {
    lines.push_back(absl::StrCat(write.file, " ", write.value));
  }
  return lines;
}

// What the kernel would do with the program: the few instructions it is made of.
bool Allows(const std::vector<bpf_insn>& program, char type, uint32_t major, uint32_t minor,
            uint32_t access) {
  const uint32_t kind = type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
  const uint32_t context[] = {access << 16 | kind, major, minor};
  uint32_t r[11] = {};
  for (size_t at = 0; at < program.size(); ++at) {
    const bpf_insn& i = program[at];
    const uint32_t imm = static_cast<uint32_t>(i.imm);
    switch (i.code) {
      case BPF_LDX | BPF_MEM | BPF_W:
        r[i.dst_reg] = context[i.off / 4];
        break;
      case BPF_ALU | BPF_MOV | BPF_X:
        r[i.dst_reg] = r[i.src_reg];
        break;
      case BPF_ALU | BPF_MOV | BPF_K:
        r[i.dst_reg] = imm;
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        r[i.dst_reg] &= imm;
        break;
      case BPF_ALU | BPF_RSH | BPF_K:
        r[i.dst_reg] >>= imm;
        break;
      case BPF_JMP32 | BPF_JNE | BPF_K:
        at += r[i.dst_reg] != imm ? i.off : 0;
        break;
      case BPF_JMP32 | BPF_JEQ | BPF_K:
        at += r[i.dst_reg] == imm ? i.off : 0;
        break;
      case BPF_JMP | BPF_EXIT:
        return r[0] == 1;
      default:
        ADD_FAILURE() << "code " << int{i.code};
        return false;
    }
  }
  ADD_FAILURE() << "ran off the end";
  return false;
}

constexpr uint32_t kRead = BPF_DEVCG_ACC_READ;
constexpr uint32_t kWrite = BPF_DEVCG_ACC_WRITE;
constexpr uint32_t kMknod = BPF_DEVCG_ACC_MKNOD;

TEST(ParseDevicesTest, NegativeAndAbsentNumbersMeanEveryOne) {
  const auto rules = Rules(R"([{"allow":true,"type":"c","major":136,"minor":-1,"access":"rw"}])");

  ASSERT_EQ(rules.size(), 1);
  EXPECT_EQ(rules[0].major, 136);
  EXPECT_EQ(rules[0].minor, std::nullopt);
  EXPECT_EQ(rules[0].access, "rw");
}

TEST(ParseDevicesTest, NarrowRuleForAllTypesIsOneForEither) {
  const auto rules = Rules(R"([{"allow":true,"access":"r"}])");

  ASSERT_EQ(rules.size(), 2);
  EXPECT_EQ(rules[0].type, 'b');
  EXPECT_EQ(rules[1].type, 'c');
}

TEST(ParseDevicesTest, RefusesWithThePointer) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {"{}", "/linux/resources/devices: must be an array"},
      {"[1]", "/devices/0: must be an object"},
      {R"([{"type":"c"}])", "/devices/0/allow: must be true or false"},
      {R"([{"allow":true},{"allow":true,"type":"p"}])", "/devices/1/type: \"p\" is none of"},
      {R"([{"allow":true,"type":"c","access":"rx"}])", "/devices/0/access: \"rx\""},
      {R"([{"allow":true,"type":"c","access":""}])", "/devices/0/access"},
      {R"([{"allow":true,"type":"c","major":"1"}])", "/devices/0/major: is not a device number"},
      {R"([{"allow":true,"type":"c","minor":4294967296}])", "/devices/0/minor"},
  };
  for (const auto& c : cases) {
    const auto rules = ParseDevices(*json::Parse(c.text));
    ASSERT_FALSE(rules.ok()) << c.text;
    EXPECT_THAT(std::string(rules.status().message()), HasSubstr(c.want));
    EXPECT_EQ(base::ErrorWord(rules.status()), "E_DOCUMENT");
  }
}

TEST(PlanDeviceWritesTest, DeniesEverythingFirst) {
  EXPECT_THAT(Writes("[]"), ElementsAre("devices.deny a"));
  EXPECT_THAT(Writes(R"([{"allow":false,"access":"rwm"},
                         {"allow":true,"type":"c","major":1,"minor":3,"access":"rwm"}])"),
              ElementsAre("devices.deny a", "devices.allow c 1:3 rwm"));
}

TEST(PlanDeviceWritesTest, AllowAll) {
  EXPECT_THAT(Writes(R"([{"allow":true}])"), ElementsAre("devices.deny a", "devices.allow a"));
}

TEST(PlanDeviceWritesTest, WiderDenialIsWrittenWithTheNumbersOfTheException) {
  EXPECT_THAT(Writes(R"([{"allow":true,"type":"c","major":1,"minor":3,"access":"rw"},
                         {"allow":false,"type":"c","major":1,"access":"w"}])"),
              ElementsAre("devices.deny a", "devices.allow c 1:3 rw", "devices.deny c 1:3 w"));
}

TEST(PlanDeviceWritesTest, RefusesWhatTheKernelWouldPassOverInSilence) {
  const auto writes = PlanDeviceWrites(Rules(R"([{"allow":true,"type":"c","major":1},
      {"allow":false,"type":"c","major":1,"minor":3}])"));

  ASSERT_FALSE(writes.ok());
  EXPECT_THAT(std::string(writes.status().message()), HasSubstr("\"c 1:3 rwm\" out of \"c 1:*"));
  EXPECT_EQ(base::ErrorWord(writes.status()), "E_UNSUPPORTED");
}

TEST(PlanDeviceProgramTest, EmptyListDeniesEverything) {
  const auto program = PlanDeviceProgram({}).value();

  EXPECT_FALSE(Allows(program, 'c', 1, 3, kRead));
}

TEST(PlanDeviceProgramTest, AccessMayComeFromTwoRules) {
  const auto program = PlanDeviceProgram(Rules(
                                             R"([{"allow":true,"type":"c","major":1,"access":"r"},
          {"allow":true,"type":"c","major":1,"minor":3,"access":"w"}])"))
                           .value();

  EXPECT_TRUE(Allows(program, 'c', 1, 3, kRead | kWrite));
  EXPECT_TRUE(Allows(program, 'c', 1, 5, kRead));
  EXPECT_FALSE(Allows(program, 'c', 1, 5, kRead | kWrite));
  EXPECT_FALSE(Allows(program, 'b', 1, 3, kRead));
}

TEST(PlanDeviceProgramTest, LastRuleDecides) {
  const auto program =
      PlanDeviceProgram(Rules(
                            R"([{"allow":true},{"allow":false,"type":"b","major":8,"access":"rw"},
          {"allow":true,"type":"b","major":8,"minor":1,"access":"r"}])"))
          .value();

  EXPECT_TRUE(Allows(program, 'c', 10, 200, kRead | kWrite | kMknod));
  EXPECT_TRUE(Allows(program, 'b', 8, 0, kMknod));
  EXPECT_FALSE(Allows(program, 'b', 8, 0, kRead));
  EXPECT_TRUE(Allows(program, 'b', 8, 1, kRead));
  EXPECT_FALSE(Allows(program, 'b', 8, 1, kRead | kWrite));
}

TEST(PlanDeviceProgramTest, DefaultDevicesOpenNoDisk) {
  const auto program =
      PlanDeviceProgram(ParseDevices(json::Value::Array(DefaultDevices())).value()).value();

  EXPECT_TRUE(Allows(program, 'c', 1, 3, kRead | kWrite));
  EXPECT_TRUE(Allows(program, 'c', 136, 7, kRead | kWrite));
  EXPECT_TRUE(Allows(program, 'b', 8, 0, kMknod));
  EXPECT_FALSE(Allows(program, 'b', 8, 0, kRead));
  EXPECT_FALSE(Allows(program, 'c', 1, 11, kRead));
}

TEST(PlanDeviceProgramTest, TooManyRules) {
  const auto program = PlanDeviceProgram(std::vector<DeviceRule>(501));

  ASSERT_FALSE(program.ok());
  EXPECT_EQ(base::ErrorWord(program.status()), "E_LIMIT");
}

std::vector<std::string> Change(absl::string_view devices, absl::string_view list) {
  std::vector<std::string> lines;
  const auto writes = PlanDeviceChange(*ParseDevices(*json::Parse(devices)), list);
  if (!writes.ok()) return {std::string(writes.status().message())};
  for (const DeviceWrite& write : *writes)
    lines.push_back(absl::StrCat(write.file, " ", write.value));
  return lines;
}

TEST(PlanDeviceChangeTest, WritesTheDifferenceAndAllowsFirst) {
  constexpr char kDevices[] = R"([{"allow":false},
      {"allow":true,"type":"c","major":1,"minor":3},
      {"allow":true,"type":"c","major":1,"minor":5,"access":"r"},
      {"allow":true,"type":"b","major":8,"minor":0}])";

  EXPECT_THAT(
      Change(kDevices, "c 1:3 rwm\nc 1:5 rw\nc 9:* m\n"),
      ElementsAre("devices.allow b 8:0 rwm", "devices.deny c 1:5 w", "devices.deny c 9:* m"));
  EXPECT_THAT(Change(kDevices, "c 1:3 rwm\nc 1:5 r\nb 8:0 rwm\n"), IsEmpty());
}

TEST(PlanDeviceChangeTest, WritesAllWhereEverythingIsOrWasAllowed) {
  EXPECT_THAT(Change(R"([{"allow":true}])", "c 1:3 rwm\n"),
              ElementsAre("devices.deny a", "devices.allow a"));
  EXPECT_THAT(Change(R"([{"allow":true,"type":"c","major":1}])", "a *:* rwm\n"),
              ElementsAre("devices.deny a", "devices.allow c 1:* rwm"));
}

// What a config of docker says before and after the default devices: nothing that v1 lacks.
TEST(PlanDeviceWritesTest, TheDefaultDevicesFollowAList) {
  json::Value devices = *json::Parse(
      R"([{"allow":false,"access":"rwm"},
          {"allow":true,"type":"c","major":1,"minor":5,"access":"rwm"},
          {"allow":true,"type":"c","major":1,"minor":3,"access":"rwm"},
          {"allow":true,"type":"c","major":5,"minor":1,"access":"rwm"},
          {"allow":false,"type":"c","major":10,"minor":229,"access":"rwm"}])");
  for (json::Value& each : DefaultDevices()) devices.elements().push_back(each);

  const auto writes = PlanDeviceWrites(*ParseDevices(devices));

  ASSERT_TRUE(writes.ok()) << writes.status();
  EXPECT_EQ(writes->size(), 1 + 3 + 10);
}

}  // namespace
}  // namespace stave::cgroup
