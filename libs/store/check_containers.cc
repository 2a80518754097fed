// SPDX-License-Identifier: Apache-2.0
#include "libs/store/check_containers.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/store/container.h"
#include "libs/store/containers.h"
#include "libs/store/folder.h"
#include "libs/store/layers.h"
#include "libs/store/mark.h"
#include "libs/store/name_link.h"

namespace stave::store {
namespace {

Finding Of(const std::string& id, absl::string_view path, absl::string_view problem,
           const char* word, const std::string& remedy) {
  return {"container", id, std::string(path), std::string(problem), word, true, false, remedy};
}

// "6c1fbd7ae3cb: record.json: unexpected end": the file and why.
void TellDamage(const ContainerView& view, Findings* findings) {
  absl::string_view text = view.damage.message();
  absl::ConsumePrefix(&text, absl::StrCat(view.record.id.substr(0, base::kShortIdLength), ": "));
  const size_t colon = text.find(": ");
  const bool named = colon != absl::string_view::npos;
  findings->Add(Of(view.record.id, named ? text.substr(0, colon) : "",
                   named ? text.substr(colon + 2) : text, "E_CORRUPT",
                   absl::StrCat("ps-remove -f ", view.record.id)));
}

void CheckRecords(const std::vector<ContainerView>& views, Findings* findings) {
  for (const ContainerView& view : views) {
    if (!view.damage.ok()) TellDamage(view, findings);
  }
}

// The configs: those that cannot be read, and those whose layers are not here.
absl::Status CheckConfigs(const Store& store, const std::vector<ContainerView>& views,
                          Findings* findings) {
  STAVE_ASSIGN_OR_RETURN(const Origins origins, FindOrigins(store));
  for (const Damage& damage : origins.damage) {
    absl::string_view rest = damage.path;
    if (!absl::ConsumePrefix(&rest, store.state_path()) &&
        !absl::ConsumePrefix(&rest, store.run_path())) {
      continue;
    }
    if (!absl::ConsumePrefix(&rest, "/containers/")) continue;
    const std::string id(rest.substr(0, rest.find('/')));
    const std::string file(rest.substr(std::min(rest.size(), id.size() + 1)));
    findings->Add(
        Of(id, file,
           absl::EndsWith(damage.why.message(), ": is missing") ? "is missing" : "is damaged",
           "E_CORRUPT", absl::StrCat("ps-remove -f ", id)));
  }
  for (const ContainerImage& container : origins.containers) {
    const auto view = std::find_if(views.begin(), views.end(), [&](const ContainerView& one) {
      return one.record.id == container.id;
    });
    for (const oci::Digest& layer : container.layers) {
      struct stat st;
      const std::string folder = absl::StrCat("layers/", layer.hex());
      if (::fstatat(store.state(), folder.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) continue;
      const std::string image = view == views.end() ? "" : view->record.image;
      findings->Add(Of(container.id, "",
                       absl::StrCat("layer ", layer.ToString(), " of its image is missing"),
                       "E_MISSING", image.empty() ? "" : FetchCommand(image)));
    }
  }
  return absl::OkStatus();
}

// What the container is called instead, by its record; "": so, or nobody knows. A rename that was
// killed leaves two names.
std::string OtherName(const Store& store, const std::string& id, const std::string& name) {
  const auto container = Container::Open(store, id);
  if (!container.ok()) return "";
  const auto record = container->ReadRecord();
  return record.ok() && record->name != name ? record->name : "";
}

// With the lock of who renames: one that is under way is no finding then.
absl::Status MendOtherName(const Store& store, const std::string& id, const std::string& name,
                           Finding* finding) {
  const auto container = Container::Open(store, id);
  if (!container.ok()) return absl::OkStatus();
  const auto lock = LockRecord(store, *container);
  if (!lock.ok() || OtherName(store, id, name).empty()) return absl::OkStatus();
  STAVE_RETURN_IF_ERROR(ReleaseName(store, name, id));
  finding->mended = true;
  return absl::OkStatus();
}

absl::Status CheckOtherName(const Store& store, const std::string& id, const std::string& name,
                            Mend mend, Findings* findings) {
  const std::string other = OtherName(store, id, name);
  if (other.empty()) return absl::OkStatus();
  Finding finding{"name",    name,  "",    absl::StrCat("its container is called ", other),
                  "E_STALE", false, false, kRepairCommand};
  if (mend == Mend::kYes) STAVE_RETURN_IF_ERROR(MendOtherName(store, id, name, &finding));
  findings->Add(finding);
  return absl::OkStatus();
}

absl::Status CheckName(const Store& store, const std::string& name, Mend mend, Findings* findings) {
  struct stat st;
  const std::string path = absl::StrCat("names/", name);
  if (::fstatat(store.state(), path.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) return absl::OkStatus();
  const std::optional<std::string> id = IdOfName(store, name);
  if (id.has_value() && IsAnythingOf(store, *id)) {
    return CheckOtherName(store, *id, name, mend, findings);
  }
  Finding finding{
      "name",    name,
      "",        id.has_value() ? "its container is not there" : "is no link to a container",
      "E_STALE", false,
      false,     kRepairCommand};
  if (mend == Mend::kYes) {
    if (id.has_value()) {
      STAVE_RETURN_IF_ERROR(ReleaseName(store, name, *id));
    } else {
      STAVE_RETURN_IF_ERROR(base::RemoveTreeAt(store.state(), path));
    }
    finding.mended = true;
  }
  findings->Add(finding);
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckContainers(const Store& store, Mend mend, Findings* findings) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<ContainerView> views,
                         ListContainers(store, Which::kAll));
  CheckRecords(views, findings);
  STAVE_RETURN_IF_ERROR(CheckConfigs(store, views, findings));
  STAVE_ASSIGN_OR_RETURN(std::vector<std::string> names, ListFolder(store.state(), "names"));
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    STAVE_RETURN_IF_ERROR(CheckName(store, name, mend, findings));
  }
  return absl::OkStatus();
}

}  // namespace stave::store
