// SPDX-License-Identifier: Apache-2.0
//
// Templates: whatever the text, parsing and executing end within their bounds; and --format lays
// out what comes of it.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"
#include "libs/cli/columns.h"
#include "libs/json/parse.h"
#include "libs/template/from_json.h"
#include "libs/template/template.h"
#include "libs/template/value.h"

namespace {

using stave::templates::FromJson;
using stave::templates::MissingKey;
using stave::templates::Template;
using stave::templates::Value;

void Require(bool condition) {
  if (!condition) std::abort();
}

Value Data(bool typed) {
  const stave::json::Value document =
      stave::json::Parse(R"({"a": "text \u00e9", "b": [1, 2.5, null, [3]], "c": {"d": {"e": true}},
          "f": ["x", "y"], "g": null, "h": -7})")
          .value();
  return typed ? FromJson(document, {"x.Data"}) : FromJson(document);
}

void Execute(const Template& parsed, const Value& data, MissingKey missing_key) {
  std::string out;
  const absl::Status status = parsed.Execute(data, &out, missing_key);
  const std::string word = stave::base::ErrorWord(status);
  Require(status.ok() || word == "E_TEMPLATE" || word == "E_LIMIT");
  Require(out.size() < (size_t{100} << 20));
  if (out.size() < 4096) Require(stave::cli::LayOutColumns(out).size() >= out.size() / 2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = Template::Parse("", text);
  if (!parsed.ok()) {
    const std::string word = stave::base::ErrorWord(parsed.status());
    Require(word == "E_TEMPLATE" || word == "E_LIMIT");
    return 0;
  }
  Execute(*parsed, Data(false), MissingKey::kNoValue);
  Execute(*parsed, Data(true), MissingKey::kError);
  return 0;
}
