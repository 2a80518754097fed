// SPDX-License-Identifier: Apache-2.0
#include "libs/store/foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "absl/strings/str_cat.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"

namespace stave::store {
namespace {

constexpr char kFolder[] = "lost+found";
constexpr int kMostOfOneName = 1000;

}  // namespace

absl::Status MoveToLostFound(const Store& store, const std::string& path) {
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(store.state(), kFolder, 0700));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lost, base::OpenDirAt(store.state(), kFolder));
  const size_t slash = path.rfind('/');
  const std::string name = path.substr(slash + 1);  // npos + 1 is 0
  STAVE_ASSIGN_OR_RETURN(
      const base::UniqueFd folder,
      base::OpenDirAt(store.state(), slash == std::string::npos ? "." : path.substr(0, slash)));
  std::string there = name;
  for (int i = 2;
       ::renameat2(folder.get(), name.c_str(), lost.get(), there.c_str(), RENAME_NOREPLACE) < 0;
       ++i) {
    if (errno != EEXIST || i > kMostOfOneName) return base::PosixError(errno, path, "rename");
    there = absl::StrCat(name, "-", i);
  }
  return absl::OkStatus();
}

void TellForeign(const Store& store, const std::string& path, absl::string_view problem, Mend mend,
                 Findings* findings) {
  Finding finding{"store", path, "", std::string(problem), "E_EXTRA", true, false, kRepairCommand};
  if (mend == Mend::kYes) {
    const absl::Status moved = MoveToLostFound(store, path);
    if (!moved.ok()) findings->AddFailure(moved);
    finding.mended = moved.ok();
  }
  findings->Add(finding);
}

}  // namespace stave::store
