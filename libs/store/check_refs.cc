// SPDX-License-Identifier: Apache-2.0
#include "libs/store/check_refs.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/oci/descriptor.h"
#include "libs/oci/manifest.h"
#include "libs/oci/reference.h"
#include "libs/store/blobs.h"
#include "libs/store/foreign.h"
#include "libs/store/refs.h"

namespace stave::store {
namespace {

constexpr size_t kMaxIndex = size_t{64} << 20;

// The reference that `path`, "refs/docker.io/library/alpine/:3", is the file of.
std::optional<oci::Reference> ReferenceOf(absl::string_view path) {
  absl::string_view rest = path;
  const size_t slash = rest.rfind('/');
  if (!absl::ConsumePrefix(&rest, "refs/") || slash <= 5) return std::nullopt;
  std::string text(rest);
  text.erase(slash - 5, 1);
  auto reference = oci::Reference::Parse(text);
  if (!reference.ok() || RefPath(*reference) != path) return std::nullopt;
  return *std::move(reference);
}

absl::StatusOr<std::string> ReadIndex(const Store& store) {
  return base::ReadFileAt(store.state(), "images/index.json", kMaxIndex);
}

// What index.json says that `reference` means, if all of that document is here.
std::optional<oci::Descriptor> FromIndex(const Store& store, const oci::Reference& reference) {
  const auto text = ReadIndex(store);
  const auto index = text.ok() ? json::Parse(*text) : text.status();
  const json::Value* entries = index.ok() ? index->Find("manifests") : nullptr;
  if (entries == nullptr) return std::nullopt;
  for (const json::Value& entry : entries->elements()) {
    auto descriptor = oci::ParseDescriptor(entry, "", "E_CORRUPT");
    if (!descriptor.ok()) continue;
    const std::string* name = descriptor->FindAnnotation(kRefNameAnnotation);
    if (name == nullptr || *name != reference.String()) continue;
    const auto bytes = ReadBlob(store, descriptor->digest, descriptor->size, oci::kMaxManifestSize);
    if (!bytes.ok() || oci::DigestOf(*bytes) != descriptor->digest) return std::nullopt;
    return *std::move(descriptor);
  }
  return std::nullopt;
}

absl::Status TellOf(const Store& store, const DamagedRef& damaged, Mend mend, Findings* findings) {
  const std::optional<oci::Reference> reference = ReferenceOf(damaged.path);
  const bool mends = mend == Mend::kYes;
  if (!reference.has_value()) {
    TellForeign(store, damaged.path, "is the file of no reference", mend, findings);
    return absl::OkStatus();
  }
  Finding finding{"image",     reference->String(),
                  "",          "its reference file is damaged",
                  "E_CORRUPT", true,
                  false,       FetchCommand(reference->String())};
  const auto text = base::ReadFileAt(store.state(), damaged.path, 1);
  if (text.ok() && text->empty()) finding.problem = "its reference file is empty";
  if (const auto known = FromIndex(store, *reference)) {
    finding.remedy = kRepairCommand;
    if (mends) STAVE_RETURN_IF_ERROR(SetRef(store, *reference, *known));
    finding.mended = mends;
  }
  findings->Add(finding);
  return absl::OkStatus();
}

absl::StatusOr<bool> IndexAgrees(const Store& store) {
  const auto text = ReadIndex(store);
  // It may be the only one that knows of a reference whose file is damaged.
  STAVE_ASSIGN_OR_RETURN(const RefScan scan, ScanRefs(store));
  if (!scan.damaged.empty()) return text.ok() && json::Parse(*text).ok();
  STAVE_ASSIGN_OR_RETURN(const std::string wanted, IndexText(store));
  if (!text.ok() && absl::IsNotFound(text.status())) {
    // It comes with the first reference.
    STAVE_ASSIGN_OR_RETURN(const std::vector<NamedImage> refs, ListRefs(store));
    return refs.empty();
  }
  return text.ok() && *text == wanted;
}

}  // namespace

absl::Status CheckRefs(const Store& store, Mend mend, Findings* findings) {
  STAVE_ASSIGN_OR_RETURN(const RefScan scan, ScanRefs(store));
  for (const DamagedRef& damaged : scan.damaged) {
    const absl::Status told = TellOf(store, damaged, mend, findings);
    if (!told.ok()) findings->AddFailure(base::WithContext(told, damaged.path));
  }
  return absl::OkStatus();
}

absl::Status CheckIndex(const Store& store, Mend mend, Findings* findings) {
  STAVE_ASSIGN_OR_RETURN(bool agrees, IndexAgrees(store));
  if (agrees) return absl::OkStatus();
  {
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock, LockRefs(store));
    STAVE_ASSIGN_OR_RETURN(agrees, IndexAgrees(store));
    if (agrees) return absl::OkStatus();
  }
  const auto text = ReadIndex(store);
  const bool missing = absl::IsNotFound(text.status());
  // Who writes a name writes here first: cut short in between, it is ahead, and nothing is broken.
  const bool stale = text.ok() && json::Parse(*text).ok();
  const char* problem = missing                      ? "is missing"
                        : text.ok() && text->empty() ? "is empty"
                        : !stale                     ? "is damaged"
                                                     : "does not say what refs/ says";
  const char* word = missing ? "E_MISSING" : stale ? "E_STALE" : "E_CORRUPT";
  if (mend == Mend::kYes) STAVE_RETURN_IF_ERROR(RemakeIndex(store));
  findings->Add({"store", "images/index.json", "", problem, word, !stale, mend == Mend::kYes,
                 kRepairCommand});
  return absl::OkStatus();
}

}  // namespace stave::store
