// SPDX-License-Identifier: Apache-2.0
#include "tools/image-remove/removal.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/oci/image_config.h"
#include "libs/oci/reference.h"
#include "libs/store/blobs.h"
#include "libs/store/collect.h"
#include "libs/store/containers.h"
#include "libs/store/folder.h"
#include "libs/store/images.h"
#include "libs/store/ingest.h"
#include "libs/store/lease.h"
#include "libs/store/mark.h"
#include "libs/store/refs.h"

namespace stave::tools {
namespace {

using store::ContainerImage;
using store::NamedImage;
using Ids = std::vector<oci::Digest>;
using Names = std::vector<NamedImage>;

bool Contains(const Ids& ids, const oci::Digest& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

std::string Short(absl::string_view id) { return std::string(id.substr(0, base::kShortIdLength)); }

bool SameRepository(const oci::Reference& a, const oci::Reference& b) {
  return a.domain() == b.domain() && a.path() == b.path();
}

// At most one tag, and digests only of its repository: one name to people.
bool IsSingle(const Names& names) {
  size_t tags = 0;
  for (const NamedImage& name : names) {
    if (!SameRepository(name.reference, names[0].reference)) return false;
    if (!name.reference.digest()) ++tags;
  }
  return tags <= 1;
}

void Show(const std::string& name, std::vector<std::string>* shown) {
  if (std::find(shown->begin(), shown->end(), name) == shown->end()) shown->push_back(name);
}

absl::Status NoSuchImage(absl::string_view text) {
  return base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND",
                     absl::StrCat("No such image: ", base::Printable(text)));
}

absl::Status InUse(absl::string_view text, absl::string_view hint) {
  return base::WithHint(base::Error(absl::StatusCode::kFailedPrecondition, "E_IN_USE",
                                    absl::StrCat("conflict: ", text)),
                        hint);
}

absl::Status CannotDelete(const oci::Digest& id, absl::string_view why, absl::string_view hint) {
  return InUse(absl::StrCat("unable to delete ", Short(id.hex()), " ", why), hint);
}

// What of `unneeded` people know: each image of `ids`, followed by its layers; then other layers.
Ids Objects(const store::Store& store, const store::Collected& unneeded, const Ids& ids) {
  Ids objects;
  const auto add = [&objects](const oci::Digest& digest) {
    if (!Contains(objects, digest)) objects.push_back(digest);
  };
  for (const oci::Digest& id : ids) {
    if (!Contains(unneeded.blobs, id)) continue;
    add(id);
    const Ids keys = store::LayerKeys(store, id);
    for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
      if (Contains(unneeded.layers, *key)) add(*key);
    }
  }
  for (const oci::Digest& key : unneeded.layers) add(key);
  return objects;
}

}  // namespace

// One act under the lock: what is found at its beginning stays true.
class ImageRemover::Act {
 public:
  Act(ImageRemover* remover, base::UniqueFd lock, store::Origins origins, Removed* removed)
      : remover_(*remover),
        store_(remover->store_),
        lock_(std::move(lock)),
        origins_(std::move(origins)),
        removed_(*removed) {}

  absl::Status Remove(const std::string& text, bool force);
  absl::Status Prune(bool unused, const std::optional<cli::PruneFilter>& filter);
  bool IsTaken(const Ids& ids, const std::optional<cli::PruneFilter>& filter) const;

 private:
  absl::Status RemoveName(NamedImage named, const std::string& text, bool force);
  absl::Status RemoveDamagedName(const oci::Reference& reference);
  absl::Status RemoveImage(const store::Image& image, bool force);
  absl::Status CheckUnused(const store::Image& image, bool force) const;
  Names OtherNames(const NamedImage& named, const Ids& ids) const;
  std::string NameOf(const std::string& container) const;
  bool Runs(const std::string& container) const;

  enum class Who { kOne, kMany };
  absl::Status Go(const Names& names, const Ids& ids, const store::Marked* among, Who who);
  absl::Status Untag(const Names& names);
  void WarnOfWhatStays(const store::Marked& needed, const Ids& ids);

  ImageRemover& remover_;
  const store::Store& store_;
  base::UniqueFd lock_;
  store::Origins origins_;
  Removed& removed_;
};

std::string ImageRemover::Act::NameOf(const std::string& container) const {
  const auto view = store::GetContainer(store_, container);
  return view.ok() && !view->record.name.empty() ? view->record.name : Short(container);
}

bool ImageRemover::Act::Runs(const std::string& container) const {
  const auto view = store::GetContainer(store_, container);
  return view.ok() && store::IsLive(view->status);
}

// The other names of what `named` leads to.
Names ImageRemover::Act::OtherNames(const NamedImage& named, const Ids& ids) const {
  Names others;
  for (const NamedImage& other : origins_.refs) {
    if (other.reference == named.reference) continue;
    const Ids its = store::MarkNames(store_, {other}, {}).configs;
    const bool shares = std::any_of(its.begin(), its.end(),
                                    [&](const oci::Digest& id) { return Contains(ids, id); });
    if (shares || other.descriptor.digest == named.descriptor.digest) others.push_back(other);
  }
  return others;
}

absl::Status ImageRemover::Act::Remove(const std::string& text, bool force) {
  const auto reference = oci::Reference::Parse(text);
  if (reference.ok()) {
    const std::string path = store::RefPath(*reference);
    for (const NamedImage& named : origins_.refs) {
      if (store::RefPath(named.reference) == path) return RemoveName(named, text, force);
    }
    for (const store::Damage& damage : origins_.damage) {
      if (damage.path == absl::StrCat(store_.state_path(), "/", path)) {
        return RemoveDamagedName(*reference);
      }
    }
  }
  auto image = store::FindImageById(store_, origins_, text);
  if (image.ok()) return RemoveImage(*image, force);
  if (absl::IsNotFound(image.status()) && reference.ok()) return NoSuchImage(reference->Familiar());
  return image.status();
}

absl::Status ImageRemover::Act::RemoveName(NamedImage named, const std::string& text, bool force) {
  const Ids ids = store::MarkNames(store_, {named}, {}).configs;
  Names others = OtherNames(named, ids);
  Names all = others;
  all.push_back(named);
  const std::vector<ContainerImage> users = store::ContainersOf(origins_, ids);
  if (!force && IsSingle(all) && !users.empty()) {
    return InUse(absl::StrCat("unable to remove repository reference \"", base::Printable(text),
                              "\" (must force) - container ", Short(users[0].id),
                              " is using its referenced image ", Short(users[0].config.hex())),
                 absl::StrCat("remove container ", NameOf(users[0].id),
                              " first; --force takes the name away all the same"));
  }
  // With the last tag of a repository go the digests that it is known by there.
  const bool last_tag =
      !named.reference.digest() &&
      std::none_of(others.begin(), others.end(), [&](const NamedImage& other) {
        return !other.reference.digest() && SameRepository(other.reference, named.reference);
      });
  Names gone = {named};
  if (last_tag) {
    for (const NamedImage& other : others) {
      if (SameRepository(other.reference, named.reference)) gone.push_back(other);
    }
  }
  const store::Marked among = store::MarkNames(store_, gone, {});
  return Go(gone, ids, &among, Who::kOne);
}

// What it named is not known: that stays, for Prune.
absl::Status ImageRemover::Act::RemoveDamagedName(const oci::Reference& reference) {
  STAVE_RETURN_IF_ERROR(store::RemoveRef(store_, reference));
  removed_.names.push_back(reference.Familiar());
  removed_.warnings.push_back(absl::StrCat(
      reference.Familiar(), ": its file was damaged; --prune frees what nothing names any more"));
  return absl::OkStatus();
}

absl::Status ImageRemover::Act::CheckUnused(const store::Image& image, bool force) const {
  const std::vector<ContainerImage> users = store::ContainersOf(origins_, {image.id});
  for (const ContainerImage& user : users) {
    if (!Runs(user.id)) continue;
    return CannotDelete(
        image.id,
        absl::StrCat("(cannot be forced) - image is being used by running container ",
                     Short(user.id)),
        absl::StrCat("ps-remove -f ", NameOf(user.id)));
  }
  if (force) return absl::OkStatus();
  if (!IsSingle(image.names)) {
    return CannotDelete(image.id, "(must be forced) - image is referenced in multiple repositories",
                        "give a name to take only that away, or --force");
  }
  if (users.empty()) return absl::OkStatus();
  return CannotDelete(image.id,
                      absl::StrCat("(must be forced) - image is being used by stopped container ",
                                   Short(users[0].id)),
                      absl::StrCat("ps-remove ", NameOf(users[0].id)));
}

absl::Status ImageRemover::Act::RemoveImage(const store::Image& image, bool force) {
  STAVE_RETURN_IF_ERROR(CheckUnused(image, force));
  const store::Marked among = store::MarkNames(store_, image.names, image.manifests);
  return Go(image.names, {image.id}, &among, Who::kOne);
}

// Whether the filter takes all those images. One that cannot be read has no age and no labels.
bool ImageRemover::Act::IsTaken(const Ids& ids,
                                const std::optional<cli::PruneFilter>& filter) const {
  return !filter.has_value() || std::all_of(ids.begin(), ids.end(), [&](const oci::Digest& id) {
    const auto bytes = store::ReadBlob(store_, id, -1, oci::kMaxImageConfigSize);
    const auto config = bytes.ok() ? oci::ParseImageConfig(*bytes) : bytes.status();
    absl::Time created = absl::InfinitePast();
    std::string why;
    if (!config.ok()) return filter->Takes(created, {});
    absl::ParseTime(absl::RFC3339_full, config->created, &created, &why);
    return filter->Takes(created, {config->labels.begin(), config->labels.end()});
  });
}

absl::Status ImageRemover::Act::Prune(bool unused, const std::optional<cli::PruneFilter>& filter) {
  Ids ids;
  Names gone;
  for (const NamedImage& named : origins_.refs) {
    const Ids its = store::MarkNames(store_, {named}, {}).configs;
    if (!unused || !store::ContainersOf(origins_, its).empty() || !IsTaken(its, filter)) continue;
    gone.push_back(named);
    ids.insert(ids.end(), its.begin(), its.end());
  }
  STAVE_ASSIGN_OR_RETURN(const std::vector<store::Image> unnamed,
                         store::UnnamedImages(store_, origins_));
  Ids manifests;
  for (const store::Image& image : unnamed) {
    // What stays keeps its layers, which one that goes may share.
    const bool goes = IsTaken({image.id}, filter);
    if (goes) ids.push_back(image.id);
    Ids& its = goes ? manifests : origins_.documents;
    its.insert(its.end(), image.manifests.begin(), image.manifests.end());
  }
  const store::Marked taken = store::MarkNames(store_, gone, manifests);
  STAVE_RETURN_IF_ERROR(Go(gone, ids, filter.has_value() ? &taken : nullptr, Who::kMany));
  const absl::Status indexed = store::RemakeIndex(store_);
  if (base::ErrorWord(indexed) != "E_NO_SPACE") return indexed;
  removed_.warnings.push_back(absl::StrCat(indexed.message(), "; the next change makes it anew"));
  return absl::OkStatus();
}

// Takes `names` away and then what nothing needs any more, of `among` only. All that may keep it
// from being done is found first.
absl::Status ImageRemover::Act::Go(const Names& names, const Ids& ids, const store::Marked* among,
                                   Who who) {
  auto& refs = origins_.refs;
  refs.erase(std::remove_if(refs.begin(), refs.end(),
                            [&](const NamedImage& ref) {
                              return std::any_of(names.begin(), names.end(),
                                                 [&](const NamedImage& gone) {
                                                   return gone.reference == ref.reference;
                                                 });
                            }),
             refs.end());
  const store::Marked needed = store::Mark(store_, origins_);
  STAVE_RETURN_IF_ERROR(store::CheckUndamaged(needed.damage));
  STAVE_ASSIGN_OR_RETURN(const store::Collected unneeded,
                         store::FindUnneeded(store_, needed, among));
  const Ids objects = Objects(store_, unneeded, ids);
  STAVE_RETURN_IF_ERROR(Untag(names));
  if (who == Who::kOne) WarnOfWhatStays(needed, ids);
  if (unneeded.blobs.empty() && unneeded.layers.empty()) return absl::OkStatus();
  if (!remover_.trash_) {
    STAVE_ASSIGN_OR_RETURN(store::TrashFolder trash, store::TrashFolder::Make(store_));
    remover_.trash_.emplace(std::move(trash));
  }
  STAVE_RETURN_IF_ERROR(store::MoveToTrash(store_, unneeded, &*remover_.trash_));
  removed_.objects.insert(removed_.objects.end(), objects.begin(), objects.end());
  removed_.bytes += unneeded.bytes;
  return absl::OkStatus();
}

// An image without a name that is still needed: by whom.
void ImageRemover::Act::WarnOfWhatStays(const store::Marked& needed, const Ids& ids) {
  const Ids named = store::MarkNames(store_, origins_.refs, {}).configs;
  for (const oci::Digest& id : ids) {
    if (Contains(named, id) || needed.blobs.count(id) == 0) continue;
    const std::vector<ContainerImage> users = store::ContainersOf(origins_, {id});
    removed_.warnings.push_back(absl::StrCat(
        Short(id.hex()), ": its files stay ",
        users.empty() ? "while somebody pulls or has mounted it"
                      : absl::StrCat("until container ", NameOf(users[0].id), " is removed"),
        "; --prune frees them then"));
  }
}

// With the last tag of an image in a repository goes the digest that it came by, as people see it.
absl::Status ImageRemover::Act::Untag(const Names& names) {
  std::vector<std::string>& shown = removed_.names;
  for (auto name = names.begin(); name != names.end(); ++name) {
    STAVE_RETURN_IF_ERROR(store::RemoveRef(store_, name->reference));
    Show(name->reference.Familiar(), &shown);
    const auto is_twin = [&](const NamedImage& other) {
      return !other.reference.digest() && other.descriptor.digest == name->descriptor.digest &&
             SameRepository(other.reference, name->reference);
    };
    if (name->reference.digest() || store::IsTaggedHere(name->descriptor) ||
        std::any_of(name + 1, names.end(), is_twin) ||
        std::any_of(origins_.refs.begin(), origins_.refs.end(), is_twin)) {
      continue;
    }
    Show(absl::StrCat(name->reference.FamiliarName(), "@", name->descriptor.digest.ToString()),
         &shown);
  }
  return absl::OkStatus();
}

ImageRemover::~ImageRemover() {
  if (store_.state() < 0) return;
  if (!trash_) {
    const auto left = store::ListFolder(store_.state(), "trash");
    if (!left.ok() || left->empty()) return;
    auto trash = store::TrashFolder::Make(store_);
    if (!trash.ok()) return;
    trash_.emplace(*std::move(trash));
  }
  std::move(*trash_).RemoveDetached(store_);
}

absl::Status ImageRemover::Remove(const std::string& text, bool force, Removed* removed) {
  if (store_.state() < 0) {
    const auto reference = oci::Reference::Parse(text);
    return NoSuchImage(reference.ok() ? reference->Familiar() : text);
  }
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd lock, store::LockToCollect(store_));
  STAVE_ASSIGN_OR_RETURN(store::Origins origins, store::FindOrigins(store_));
  return Act(this, std::move(lock), std::move(origins), removed).Remove(text, force);
}

absl::Status ImageRemover::Prune(bool unused, const std::optional<cli::PruneFilter>& filter,
                                 Removed* removed) {
  if (store_.state() < 0) return absl::OkStatus();
  STAVE_RETURN_IF_ERROR(store::SweepIngest(store_));
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd lock, store::LockToCollect(store_));
  STAVE_ASSIGN_OR_RETURN(store::Origins origins, store::FindOrigins(store_));
  return Act(this, std::move(lock), std::move(origins), removed).Prune(unused, filter);
}

}  // namespace stave::tools
