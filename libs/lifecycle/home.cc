// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/home.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"
#include "libs/oci/user.h"
#include "libs/rootpath/rootpath.h"

namespace stave::lifecycle {
namespace {

std::string ReadPasswd(const std::string& path) {
  const base::UniqueFd root(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return "";
  const auto file =
      rootpath::OpenInRoot(root.get(), "etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat st;
  if (!file.ok() || ::fstat(file->get(), &st) < 0 || !S_ISREG(st.st_mode)) return "";
  return base::ReadAll(file->get(), oci::kMaxUserFile, "passwd").value_or("");
}

}  // namespace

void AddHome(const std::string& root, runtime::Process* process) {
  if (process->args.empty()) return;
  std::vector<std::string> env;
  for (const std::string& variable : process->env) {
    if (variable == "HOME=") continue;
    if (absl::StartsWith(variable, "HOME=")) return;
    env.push_back(variable);
  }
  const absl::StatusOr<oci::User> user =
      oci::ResolveUser(absl::StrCat(process->uid), ReadPasswd(root), "");
  env.push_back(absl::StrCat("HOME=", user.ok() ? user->home : "/"));
  process->env = std::move(env);
}

}  // namespace stave::lifecycle
