// SPDX-License-Identifier: Apache-2.0
//
// What the tests of plan.h share: configs that differ from the default one in a member.

#ifndef STAVE_LIBS_RUNTIME_PLAN_TEST_CONFIG_H_
#define STAVE_LIBS_RUNTIME_PLAN_TEST_CONFIG_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/oci/default_config.h"
#include "libs/runtime/plan.h"

namespace stave::runtime {

inline json::Value DefaultConfig() {
  json::Value config = oci::DefaultConfig();
  config.Make({"process"}).Set("args", json::Value::Strings({"sh"}));
  return config;
}

// The default config, or another, with the member at `pointer` ("/linux/sysctl") set to the JSON
// `text`.
inline json::Value With(absl::string_view pointer, const std::string& text,
                        json::Value config = DefaultConfig()) {
  json::Value* at = &config;
  std::vector<std::string> keys = absl::StrSplit(pointer.substr(1), '/');
  for (size_t i = 0; i + 1 < keys.size(); ++i) {
    if (at->Find(keys[i]) == nullptr) at->Set(keys[i], json::Value::Object());
    at = at->Find(keys[i]);
  }
  at->Set(keys.back(), *json::Parse(text));
  return config;
}

// The error that MakePlan makes of it, with its word; "accepted" without one.
inline std::string Error(const json::Value& config) {
  const auto plan = MakePlan(config);
  if (plan.ok()) return "accepted";
  return absl::StrCat(plan.status().message(), " [", base::ErrorWord(plan.status()), "]");
}

inline std::string Error(absl::string_view pointer, const std::string& text) {
  return Error(With(pointer, text));
}

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_PLAN_TEST_CONFIG_H_
