// SPDX-License-Identifier: Apache-2.0
#include "libs/store/check_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/store/folder.h"
#include "libs/store/foreign.h"
#include "libs/store/layers.h"

namespace stave::store {
namespace {

Finding Of(const oci::Digest& key, absl::string_view path, absl::string_view problem,
           const char* word) {
  return {"layer", key.ToString(), std::string(path), std::string(problem), word,
          true,    false,          kRepairCommand};
}

// What meta.json says that cannot be; "" if nothing.
std::string WrongInMeta(const oci::Digest& key, const LayerMeta& meta,
                        const std::optional<oci::Digest>& diff_id) {
  const oci::Digest& own = meta.chain_id.has_value() ? *meta.chain_id : meta.diff_id;
  if (own != key) return absl::StrCat("says that the layer is ", own.ToString());
  if (diff_id.has_value() && meta.diff_id != *diff_id) {
    return absl::StrCat("says the diffID ", meta.diff_id.ToString(), ", the image ",
                        diff_id->ToString());
  }
  return "";
}

void CheckMeta(const Store& store, const oci::Digest& key,
               const std::optional<oci::Digest>& diff_id, bool fs_is_empty,
               std::vector<Finding>* found) {
  const auto meta = ReadLayerMeta(store, key);
  if (absl::IsNotFound(meta.status())) {
    return found->push_back(Of(key, "meta.json", "is missing", "E_MISSING"));
  }
  if (!meta.ok()) return found->push_back(Of(key, "meta.json", "is damaged", "E_CORRUPT"));
  const std::string wrong = WrongInMeta(key, *meta, diff_id);
  if (!wrong.empty()) return found->push_back(Of(key, "meta.json", wrong, "E_CORRUPT"));
  if (fs_is_empty && meta->size > 0) {
    found->push_back(Of(key, "fs",
                        absl::StrCat("is empty, and should hold files of ", meta->size, " bytes"),
                        "E_MISSING"));
  }
}

}  // namespace

absl::StatusOr<std::vector<Finding>> CheckLayerFolder(const Store& store, const oci::Digest& key,
                                                      const std::optional<oci::Digest>& diff_id) {
  std::vector<Finding> found;
  const std::string folder = absl::StrCat("layers/", key.hex());
  struct stat st;
  if (::fstatat(store.state(), folder.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
    if (errno == ENOENT) return found;
    return base::PosixError(errno, folder, "stat");
  }
  if (!S_ISDIR(st.st_mode)) {
    found.push_back(Of(key, "", "is no directory", "E_CORRUPT"));
    return found;
  }
  STAVE_ASSIGN_OR_RETURN(std::vector<std::string> names, ListFolder(store.state(), folder));
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (name != "fs" && name != "meta.json") {
      found.push_back(Of(key, name, "does not belong here", "E_EXTRA"));
    }
  }
  const std::string fs = folder + "/fs";
  bool is_empty = false;
  if (::fstatat(store.state(), fs.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
    found.push_back(Of(key, "fs", "is missing", "E_MISSING"));
  } else if (!S_ISDIR(st.st_mode)) {
    found.push_back(Of(key, "fs", "is no directory", "E_CORRUPT"));
  } else {
    STAVE_ASSIGN_OR_RETURN(is_empty, IsEmptyFolder(store.state(), fs));
  }
  CheckMeta(store, key, diff_id, is_empty, &found);
  return found;
}

absl::Status CheckLayersFolder(const Store& store, Mend mend, Findings* findings) {
  STAVE_ASSIGN_OR_RETURN(std::vector<std::string> names, ListFolder(store.state(), "layers"));
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (oci::Digest::Parse(absl::StrCat("sha256:", name)).ok()) continue;
    TellForeign(store, absl::StrCat("layers/", name), "is no layer", mend, findings);
  }
  return absl::OkStatus();
}

}  // namespace stave::store
