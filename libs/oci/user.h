// SPDX-License-Identifier: Apache-2.0
//
// Who runs: "user[:group]", resolved with the image's own passwd and group files.
//
//   ""          uid 0                     "1000"     the number, never a name
//   "app"       by name; unknown: error   "app:web"  the group by name or number
//
// Digits are a number and are not looked up as a name, so a passwd line "1000:x:0:0" gives nobody
// root (CVE-2016-3697). A user without a group gets the primary group, the home and the
// supplementary groups of the first passwd line with that uid or name, as in Docker; a group that
// is given replaces all of them. Lines: `name:x:uid:gid:gecos:home:shell`, `name:x:gid:a,b,c`.
// Sources: passwd(5), group(5), image-spec conversion.md; threats 14-20.

#ifndef STAVE_LIBS_OCI_USER_H_
#define STAVE_LIBS_OCI_USER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::oci {

inline constexpr size_t kMaxUserFile = size_t{1} << 20;   // what a reader should allow
inline constexpr size_t kMaxUserLine = size_t{64} << 10;  // longer lines are skipped

struct User {
  uint32_t uid = 0;
  uint32_t gid = 0;
  // All groups, the primary one first, each once: what setgroups(2) gets.
  std::vector<uint32_t> additional_gids = {0};
  std::string home = "/";
};

// Whether `spec` has the form of a user, without any file.
// Errors: InvalidArgument [E_USER] for ":", "a:b:c", numbers above 4294967294, "0x1", "+1", spaces,
// names with other characters than letters, digits and "_.@$+-" or longer than 256.
absl::Status CheckUserSpec(absl::string_view spec);

// Resolves. An absent file is "". Bad lines in the files are skipped.
// Errors: those of CheckUserSpec; NotFound [E_USER] if a name is in no file; ResourceExhausted
// [E_LIMIT] if a text is above kMaxUserFile or there are more than 65536 groups.
absl::StatusOr<User> ResolveUser(absl::string_view spec, absl::string_view passwd,
                                 absl::string_view group);

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_USER_H_
