// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-oci/user_name.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace stave::stave_oci {

std::string UserName(absl::string_view passwd, uid_t uid) {
  const std::string number = absl::StrCat(uid);
  for (const absl::string_view line : absl::StrSplit(passwd, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ':');
    if (fields.size() >= 3 && fields[2] == number && !fields[0].empty()) {
      return std::string(fields[0]);
    }
  }
  return absl::StrCat("#", number);
}

}  // namespace stave::stave_oci
