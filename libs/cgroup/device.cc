// SPDX-License-Identifier: Apache-2.0
#include "libs/cgroup/device.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"

namespace stave::cgroup {
namespace {

constexpr size_t kMaxRules = 500;  // eight instructions each, of 4096

absl::Status Wrong(size_t index, absl::string_view rest) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
                     absl::StrCat("/linux/resources/devices/", index, rest));
}

// A device number: nothing if it is absent or negative.
absl::StatusOr<std::optional<uint32_t>> ParseNumber(const json::Value& rule, size_t index,
                                                    absl::string_view key) {
  const json::Value* value = rule.Find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  const absl::StatusOr<int64_t> number = value->AsInt64();
  if (!number.ok() || *number > UINT32_MAX) {
    return Wrong(index, absl::StrCat("/", key, ": is not a device number"));
  }
  if (*number < 0) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

absl::StatusOr<std::string> ParseText(const json::Value& rule, size_t index, absl::string_view key,
                                      absl::string_view absent) {
  const json::Value* value = rule.Find(key);
  if (value == nullptr || value->is_null()) return std::string(absent);
  if (!value->is_string()) {
    return Wrong(index, absl::StrCat("/", key, ": is a ", json::TypeName(value->type()),
                                     ", must be a string"));
  }
  return value->text();
}

absl::StatusOr<DeviceRule> ParseRule(const json::Value& value, size_t index) {
  if (!value.is_object()) return Wrong(index, ": must be an object");
  const json::Value* allow = value.Find("allow");
  if (allow == nullptr || !allow->is_bool()) return Wrong(index, "/allow: must be true or false");
  DeviceRule rule;
  rule.verdict = allow->boolean() ? Verdict::kAllow : Verdict::kDeny;
  const absl::StatusOr<std::string> type = ParseText(value, index, "type", "a");
  if (!type.ok()) return type.status();
  if (type->size() != 1 || absl::string_view("abcu").find((*type)[0]) == absl::string_view::npos) {
    return Wrong(index,
                 absl::StrCat("/type: \"", base::Printable(*type), "\" is none of a, b, c, u"));
  }
  rule.type = (*type)[0] == 'u' ? 'c' : (*type)[0];
  STAVE_ASSIGN_OR_RETURN(rule.access, ParseText(value, index, "access", "rwm"));
  if (rule.access.empty() || rule.access.find_first_not_of("rwm") != std::string::npos) {
    return Wrong(index, absl::StrCat("/access: \"", base::Printable(rule.access),
                                     "\" is not made of r, w, m"));
  }
  STAVE_ASSIGN_OR_RETURN(rule.major, ParseNumber(value, index, "major"));
  STAVE_ASSIGN_OR_RETURN(rule.minor, ParseNumber(value, index, "minor"));
  return rule;
}

bool HasAll(absl::string_view access, absl::string_view wanted) {
  for (const char c : wanted) {
    if (access.find(c) == absl::string_view::npos) return false;
  }
  return true;
}

bool SharesAccess(const DeviceRule& a, const DeviceRule& b) {
  return a.access.find_first_of(b.access) != std::string::npos;
}

bool Covers(const std::optional<uint32_t>& wide, const std::optional<uint32_t>& narrow) {
  return !wide.has_value() || wide == narrow;
}

std::string Number(const std::optional<uint32_t>& number) {
  return number.has_value() ? absl::StrCat(*number) : "*";
}

DeviceWrite Write(Verdict verdict, const DeviceRule& rule, absl::string_view access) {
  return {verdict == Verdict::kAllow ? "devices.allow" : "devices.deny",
          absl::StrCat(std::string(1, rule.type), " ", Number(rule.major), ":", Number(rule.minor),
                       " ", access)};
}

// What a v1 cgroup allows where it denies by default: "c 1:3" -> "rwm".
using Allowed = std::map<std::string, std::string>;

std::string Without(absl::string_view access, absl::string_view taken) {
  std::string left;
  for (const char c : access) {
    if (taken.find(c) == absl::string_view::npos) left.push_back(c);
  }
  return left;
}

std::string Accesses(const Allowed& allowed, const std::string& device) {
  const auto found = allowed.find(device);
  return found == allowed.end() ? "" : found->second;
}

// What `write` does to `allowed`, as in the kernel.
void Note(const DeviceWrite& write, Allowed* allowed) {
  const size_t space = write.value.rfind(' ');
  if (space == std::string::npos) return allowed->clear();  // "a"
  const std::string device = write.value.substr(0, space);
  const std::string access = write.value.substr(space + 1);
  std::string& known = (*allowed)[device];
  known = Without(known, access);
  if (write.file == "devices.allow") known += access;
  if (known.empty()) allowed->erase(device);
}

uint32_t AccessBits(absl::string_view access) {
  uint32_t bits = 0;
  for (const char c : access) {
    bits |= c == 'm' ? BPF_DEVCG_ACC_MKNOD : c == 'r' ? BPF_DEVCG_ACC_READ : BPF_DEVCG_ACC_WRITE;
  }
  return bits;
}

bpf_insn Instruction(int code, int to, int from, int offset, uint32_t immediate) {
  bpf_insn insn = {};
  insn.code = static_cast<__u8>(code);
  insn.dst_reg = static_cast<__u8>(to) & 0xf;
  insn.src_reg = static_cast<__u8>(from) & 0xf;
  insn.off = static_cast<__s16>(offset);
  insn.imm = static_cast<__s32>(immediate);
  return insn;
}

// The registers of the program: 2 type, 3 the accesses that no rule has decided yet, 4 major,
// 5 minor, 6 scratch.
std::vector<bpf_insn> CompileRule(const DeviceRule& rule) {
  std::vector<bpf_insn> test;
  constexpr int kUnlessEqual = BPF_JMP32 | BPF_JNE | BPF_K;
  if (rule.type != 'a') {
    const uint32_t type = rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
    test.push_back(Instruction(kUnlessEqual, 2, 0, 0, type));
  }
  if (rule.major.has_value()) test.push_back(Instruction(kUnlessEqual, 4, 0, 0, *rule.major));
  if (rule.minor.has_value()) test.push_back(Instruction(kUnlessEqual, 5, 0, 0, *rule.minor));

  const uint32_t bits = AccessBits(rule.access);
  std::vector<bpf_insn> act;
  if (rule.verdict == Verdict::kAllow) {
    act.push_back(Instruction(BPF_ALU | BPF_AND | BPF_K, 3, 0, 0, ~bits));
    act.push_back(Instruction(kUnlessEqual, 3, 0, 2, 0));
    act.push_back(Instruction(BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, 1));
  } else {
    act.push_back(Instruction(BPF_ALU | BPF_MOV | BPF_X, 6, 3, 0, 0));
    act.push_back(Instruction(BPF_ALU | BPF_AND | BPF_K, 6, 0, 0, bits));
    act.push_back(Instruction(BPF_JMP32 | BPF_JEQ | BPF_K, 6, 0, 2, 0));
    act.push_back(Instruction(BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, 0));
  }
  act.push_back(Instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  for (size_t i = 0; i < test.size(); ++i) {
    test[i].off = static_cast<__s16>(test.size() - i - 1 + act.size());
  }
  test.insert(test.end(), act.begin(), act.end());
  return test;
}

long Bpf(int command, bpf_attr* attributes) {
  return syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

absl::StatusOr<base::UniqueFd> LoadProgram(const std::vector<bpf_insn>& program) {
  std::vector<char> log(65536);
  for (const bool with_log : {false, true}) {
    bpf_attr attributes = {};
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = reinterpret_cast<uintptr_t>(program.data());
    attributes.insn_cnt = static_cast<__u32>(program.size());
    attributes.license = reinterpret_cast<uintptr_t>("Apache-2.0");
    if (with_log) {
      attributes.log_buf = reinterpret_cast<uintptr_t>(log.data());
      attributes.log_size = static_cast<__u32>(log.size());
      attributes.log_level = 1;
    }
    const long fd = Bpf(BPF_PROG_LOAD, &attributes);
    if (fd >= 0) return base::UniqueFd(static_cast<int>(fd));
    if (errno != EINVAL && errno != EACCES) break;  // not the verifier's word: a log says nothing
  }
  const int error = errno;
  log.back() = '\0';
  const absl::string_view said = absl::string_view(log.data(), std::strlen(log.data()));
  return base::PosixError(error, "device program",
                          said.empty()
                              ? "bpf(BPF_PROG_LOAD)"
                              : absl::StrCat("bpf(BPF_PROG_LOAD): ", base::Printable(said, 400)));
}

// The device programs that are attached to the cgroup itself.
absl::StatusOr<std::vector<base::UniqueFd>> AttachedPrograms(int dirfd) {
  uint32_t ids[64] = {};
  bpf_attr query = {};
  query.query.target_fd = static_cast<__u32>(dirfd);
  query.query.attach_type = BPF_CGROUP_DEVICE;
  query.query.prog_ids = reinterpret_cast<uintptr_t>(ids);
  query.query.prog_cnt = 64;
  if (Bpf(BPF_PROG_QUERY, &query) != 0) {
    return base::PosixError(errno, "device program", "bpf(BPF_PROG_QUERY)");
  }
  std::vector<base::UniqueFd> programs;
  for (uint32_t i = 0; i < query.query.prog_cnt; ++i) {
    bpf_attr by_id = {};
    by_id.prog_id = ids[i];
    base::UniqueFd program(static_cast<int>(Bpf(BPF_PROG_GET_FD_BY_ID, &by_id)));
    if (program.get() < 0) {
      return base::PosixError(errno, "device program", "bpf(BPF_PROG_GET_FD_BY_ID)");
    }
    programs.push_back(std::move(program));
  }
  return programs;
}

}  // namespace

absl::StatusOr<std::vector<DeviceRule>> ParseDevices(const json::Value& devices) {
  std::vector<DeviceRule> rules;
  if (devices.is_null()) return rules;
  if (!devices.is_array()) {
    return base::Error(absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
                       "/linux/resources/devices: must be an array");
  }
  for (size_t i = 0; i < devices.elements().size(); ++i) {
    STAVE_ASSIGN_OR_RETURN(DeviceRule rule, ParseRule(devices.elements()[i], i));
    const bool everything = !rule.major && !rule.minor && HasAll(rule.access, "rwm");
    if (rule.type != 'a' || everything) {
      rules.push_back(rule);
      continue;
    }
    // v1 takes "a" for everything, whatever follows it: a narrower rule is one for either type.
    for (const char type : {'b', 'c'}) {
      rule.type = type;
      rules.push_back(rule);
    }
  }
  return rules;
}

std::vector<json::Value> DefaultDevices() {
  static constexpr struct {
    char type;
    int major, minor;
    const char* access;
  } kRules[] = {
      {'c', -1, -1, "m"}, {'b', -1, -1, "m"},    {'c', 1, 3, "rwm"}, {'c', 1, 5, "rwm"},
      {'c', 1, 7, "rwm"}, {'c', 1, 8, "rwm"},    {'c', 1, 9, "rwm"}, {'c', 5, 0, "rwm"},
      {'c', 5, 2, "rwm"}, {'c', 136, -1, "rwm"},
  };
  std::vector<json::Value> devices;
  for (const auto& rule : kRules) {
    json::Value value = json::Value::Object();
    value.Set("allow", json::Value::Bool(true));
    value.Set("type", json::Value::String(absl::string_view(&rule.type, 1)));
    if (rule.major >= 0) value.Set("major", json::Value::Number(rule.major));
    if (rule.minor >= 0) value.Set("minor", json::Value::Number(rule.minor));
    value.Set("access", json::Value::String(rule.access));
    devices.push_back(std::move(value));
  }
  return devices;
}

absl::StatusOr<std::vector<DeviceWrite>> PlanDeviceWrites(const std::vector<DeviceRule>& rules) {
  // As in the kernel: a verdict for everything, and exceptions from it. A rule with that verdict
  // takes exceptions away, but the kernel does so only where the numbers are exactly the same.
  std::vector<DeviceWrite> writes = {{"devices.deny", "a"}};
  Verdict verdict = Verdict::kDeny;
  std::vector<DeviceRule> exceptions;
  for (const DeviceRule& rule : rules) {
    if (rule.type == 'a') {
      if (verdict == rule.verdict && exceptions.empty()) continue;
      verdict = rule.verdict;
      exceptions.clear();
      writes.push_back({verdict == Verdict::kAllow ? "devices.allow" : "devices.deny", "a"});
      continue;
    }
    if (rule.verdict != verdict) {
      exceptions.push_back(rule);
      writes.push_back(Write(rule.verdict, rule, rule.access));
      continue;
    }
    for (const DeviceRule& exception : exceptions) {
      if (exception.type != rule.type || !SharesAccess(exception, rule)) continue;
      if (Covers(rule.major, exception.major) && Covers(rule.minor, exception.minor)) {
        writes.push_back(Write(rule.verdict, exception, rule.access));
      } else if ((Covers(exception.major, rule.major) || Covers(rule.major, exception.major)) &&
                 (Covers(exception.minor, rule.minor) || Covers(rule.minor, exception.minor))) {
        return base::Error(
            absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
            absl::StrCat("/linux/resources/devices: cgroup v1 cannot take \"",
                         Write(rule.verdict, rule, rule.access).value, "\" out of \"",
                         Write(rule.verdict, exception, exception.access).value, "\""));
      }
    }
  }
  return writes;
}

absl::StatusOr<std::vector<DeviceWrite>> PlanDeviceChange(const std::vector<DeviceRule>& rules,
                                                          absl::string_view list) {
  STAVE_ASSIGN_OR_RETURN(std::vector<DeviceWrite> whole, PlanDeviceWrites(rules));
  const bool open = std::any_of(whole.begin(), whole.end(), [](const DeviceWrite& write) {
    return write.file == "devices.allow" && write.value == "a";
  });
  if (open || absl::StartsWith(list, "a ")) return whole;
  Allowed now;
  for (absl::string_view line : absl::StrSplit(list, '\n', absl::SkipEmpty())) {
    Note({"devices.allow", std::string(line)}, &now);
  }
  Allowed wanted;
  for (const DeviceWrite& write : whole) Note(write, &wanted);
  std::vector<DeviceWrite> writes;
  for (const auto& [device, access] : wanted) {
    if (HasAll(Accesses(now, device), access)) continue;
    writes.push_back({"devices.allow", absl::StrCat(device, " ", access)});
  }
  for (const auto& [device, access] : now) {
    const std::string gone = Without(access, Accesses(wanted, device));
    if (!gone.empty()) writes.push_back({"devices.deny", absl::StrCat(device, " ", gone)});
  }
  return writes;
}

absl::StatusOr<std::vector<bpf_insn>> PlanDeviceProgram(const std::vector<DeviceRule>& rules) {
  if (rules.size() > kMaxRules) {
    return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                       absl::StrCat("/linux/resources/devices: ", rules.size(),
                                    " rules are more than ", kMaxRules));
  }
  constexpr int kLoad = BPF_LDX | BPF_MEM | BPF_W;
  std::vector<bpf_insn> program = {
      Instruction(kLoad, 2, 1, 0, 0),
      Instruction(BPF_ALU | BPF_MOV | BPF_X, 3, 2, 0, 0),
      Instruction(BPF_ALU | BPF_AND | BPF_K, 2, 0, 0, 0xffff),
      Instruction(BPF_ALU | BPF_RSH | BPF_K, 3, 0, 0, 16),
      Instruction(kLoad, 4, 1, 4, 0),
      Instruction(kLoad, 5, 1, 8, 0),
  };
  // The last rule decides, so it is asked first. What follows a rule for everything is never
  // reached, and the verifier refuses dead code.
  bool open = true;
  for (auto rule = rules.rbegin(); open && rule != rules.rend(); ++rule) {
    if (rule->type == 'a') {
      program.push_back(Instruction(BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0,
                                    rule->verdict == Verdict::kAllow ? 1 : 0));
      open = false;
      continue;
    }
    const std::vector<bpf_insn> part = CompileRule(*rule);
    program.insert(program.end(), part.begin(), part.end());
  }
  if (open) program.push_back(Instruction(BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, 0));
  program.push_back(Instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  return program;
}

absl::Status AttachDeviceProgram(int dirfd, const std::vector<bpf_insn>& program) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd loaded, LoadProgram(program));
  STAVE_ASSIGN_OR_RETURN(const std::vector<base::UniqueFd> old, AttachedPrograms(dirfd));
  bpf_attr attributes = {};
  attributes.target_fd = static_cast<__u32>(dirfd);
  attributes.attach_bpf_fd = static_cast<__u32>(loaded.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (Bpf(BPF_PROG_ATTACH, &attributes) != 0) {
    return base::PosixError(errno, "device program", "bpf(BPF_PROG_ATTACH)");
  }
  // In between all have to agree.
  for (const base::UniqueFd& each : old) {
    bpf_attr detached = {};
    detached.target_fd = static_cast<__u32>(dirfd);
    detached.attach_bpf_fd = static_cast<__u32>(each.get());
    detached.attach_type = BPF_CGROUP_DEVICE;
    if (Bpf(BPF_PROG_DETACH, &detached) != 0) {
      return base::PosixError(errno, "device program", "bpf(BPF_PROG_DETACH)");
    }
  }
  return absl::OkStatus();
}

}  // namespace stave::cgroup
