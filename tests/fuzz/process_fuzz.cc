// SPDX-License-Identifier: Apache-2.0
//
// A `process` object, as exec reads it: what is accepted is what the kernel takes, and is read the
// same as a part of a config.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/runtime/plan.h"

namespace {

namespace json = stave::json;
namespace runtime = stave::runtime;

void Require(bool condition) {
  if (!condition) std::abort();
}

void Check(const runtime::Process& process) {
  Require(!process.args.empty() && !process.args[0].empty());
  Require(!process.cwd.empty() && process.cwd[0] == '/');
  for (const std::string& one : process.env) {
    Require(one.find('=') != one.npos && one[0] != '=' && one.find('\0') == one.npos);
  }
  Require(process.uid != UINT32_MAX && process.gid != UINT32_MAX);
  for (const uint32_t group : process.groups) Require(group != UINT32_MAX);
  Require(!process.umask || *process.umask <= 0777);
  for (const auto& limit : process.rlimits) Require(limit.soft <= limit.hard);
  Require(process.terminal || (process.rows == 0 && process.columns == 0));
  if (process.oom_score_adj)
    Require(-1000 <= *process.oom_score_adj && *process.oom_score_adj <= 1000);
  if (process.scheduler) {
    Require(-20 <= process.scheduler->nice && process.scheduler->nice <= 19);
    Require(process.scheduler->priority <= 99 && process.scheduler->policy <= 6);
  }
  if (process.io_priority) Require((*process.io_priority & 0x1fff) <= 7);
  for (const std::string& list : {process.affinity_before, process.affinity_after}) {
    Require(list.find_first_not_of("0123456789,-") == list.npos);
  }
  if (process.capabilities) {
    Require((process.capabilities->effective & ~process.capabilities->permitted) == 0);
    Require((process.capabilities->ambient & ~process.capabilities->inheritable) == 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = json::Parse(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!text.ok()) return 0;
  std::vector<std::string> warnings;
  const auto process = runtime::MakeProcess(*text, &warnings);
  if (process.ok()) Check(*process);
  const json::Value config =
      json::Value::Object({{"ociVersion", json::Value::String("1.0.0")},
                           {"process", *text},
                           {"linux", *json::Parse(R"({"namespaces":[{"type":"mount"}]})")}});
  const auto plan = runtime::MakePlan(config);
  Require(plan.ok() == process.ok());
  if (!plan.ok()) Require(plan.status() == process.status());
  return 0;
}
