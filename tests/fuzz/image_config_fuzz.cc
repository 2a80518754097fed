// SPDX-License-Identifier: Apache-2.0
//
// Image configs of strangers: what is accepted could be given to a runtime as it is.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/oci/digest.h"
#include "libs/oci/image_config.h"
#include "libs/oci/platform.h"
#include "libs/oci/user.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

bool HoldsNul(absl::string_view text) { return text.find('\0') != text.npos; }

void CheckPath(const std::string& path) {
  Require(absl::StartsWith(path, "/") && path.size() < 4096 && !HoldsNul(path));
  Require(!absl::StrContains(absl::StrCat(path, "/"), "/../"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace oci = stave::oci;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = oci::ParseImageConfig(text);
  if (!config.ok()) return 0;
  Require(!config->platform.os.empty() && !config->platform.architecture.empty());
  Require(oci::Normalize(config->platform) == config->platform);
  Require(oci::CheckUserSpec(config->user).ok());
  for (const std::string& variable : config->env) {
    Require(variable.find('=') != 0 && absl::StrContains(variable, "=") && !HoldsNul(variable));
  }
  for (const auto& words : {config->entrypoint, config->cmd}) {
    for (const std::string& word : words.value_or(std::vector<std::string>())) {
      Require(!HoldsNul(word));
    }
  }
  if (!config->working_dir.empty()) CheckPath(config->working_dir);
  for (const std::string& volume : config->volumes) CheckPath(volume);
  for (const oci::Digest& diff_id : config->diff_ids) {
    const auto again = oci::Digest::Parse(diff_id.ToString());
    Require(again.ok() && *again == diff_id);
  }
  return 0;
}
