// SPDX-License-Identifier: Apache-2.0
#include "libs/store/refs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/lock.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/oci/media_type.h"
#include "libs/store/folder.h"

namespace stave::store {
namespace {

constexpr size_t kMaxReference = 512;  // a domain and path have at most 255 bytes
constexpr size_t kMaxRefBytes = 4096;
constexpr char kNameAnnotation[] = "org.opencontainers.image.ref.name";

std::string FolderOf(const oci::Reference& reference) {
  return absl::StrCat("refs/", reference.domain(), "/", reference.path());
}

absl::StatusOr<oci::Descriptor> ParseRef(const oci::Reference& reference, absl::string_view text) {
  const auto parsed = json::Parse(text);
  auto descriptor = parsed.ok() ? oci::ParseDescriptor(*parsed, "", "E_CORRUPT") : parsed.status();
  if (descriptor.ok()) return descriptor;
  return base::WithHint(base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT",
                                    absl::StrCat("the reference file of ", reference.String(),
                                                 " is damaged: ", descriptor.status().message())),
                        "fetch the image again, with --policy always");
}

void Walk(const Store& store, const std::string& below, std::vector<NamedImage>* found) {
  const auto names =
      ListFolder(store.state(), below.empty() ? "refs" : absl::StrCat("refs/", below));
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (name[0] != ':' && name[0] != '@') {
      const std::string deeper = below.empty() ? name : absl::StrCat(below, "/", name);
      if (deeper.size() <= kMaxReference) Walk(store, deeper, found);
      continue;
    }
    const auto reference = oci::Reference::Parse(absl::StrCat(below, name));
    if (!reference.ok()) continue;
    auto descriptor = GetRef(store, *reference);
    if (descriptor.ok()) found->push_back({*reference, *std::move(descriptor)});
  }
}

// Not durable by itself: refs/ is the truth. Written before refs/ is changed, under the lock: who
// is killed between the two and begins again, as one does, makes them agree.
absl::Status WriteIndex(const Store& store, const std::vector<NamedImage>& refs) {
  json::Value manifests = json::Value::Array();
  for (const NamedImage& image : refs) {
    json::Value descriptor = oci::ToJson(image.descriptor);
    descriptor.Make({"annotations"})
        .Set(kNameAnnotation, json::Value::String(image.reference.String()));
    manifests.elements().push_back(std::move(descriptor));
  }
  json::Value index;
  index.Set("schemaVersion", json::Value::Number(2));
  index.Set("mediaType", json::Value::String(oci::kOciIndex));
  index.Set("manifests", std::move(manifests));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd images, base::OpenDirAt(store.state(), "images"));
  base::RemoveStraysAt(images.get(), "index.json");
  return base::ReplaceFileAt(images.get(), "index.json", json::Print(index) + "\n", 0600,
                             base::Durability::kVolatile);
}

// Where the file of a reference lies; two references of one file are the same name.
std::string PathOf(const oci::Reference& reference) {
  return absl::StrCat(FolderOf(reference), "/", reference.Leaf());
}

// All names but `reference`.
absl::StatusOr<std::vector<NamedImage>> RefsWithout(const Store& store,
                                                    const oci::Reference& reference) {
  STAVE_ASSIGN_OR_RETURN(std::vector<NamedImage> refs, ListRefs(store));
  const std::string path = PathOf(reference);
  refs.erase(
      std::remove_if(refs.begin(), refs.end(),
                     [&](const NamedImage& image) { return PathOf(image.reference) == path; }),
      refs.end());
  return refs;
}

void Sort(std::vector<NamedImage>* refs) {
  std::sort(refs->begin(), refs->end(), [](const NamedImage& a, const NamedImage& b) {
    return a.reference.String() < b.reference.String();
  });
}

absl::Status MakeFolders(const Store& store, const oci::Reference& reference) {
  std::string folder = "refs";
  for (const absl::string_view component :
       absl::StrSplit(FolderOf(reference).substr(folder.size() + 1), '/')) {
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd parent, base::OpenDirAt(store.state(), folder));
    if (::mkdirat(parent.get(), std::string(component).c_str(), 0700) == 0) {
      if (::fsync(parent.get()) < 0) return base::PosixError(errno, folder, "fsync");
    } else if (errno != EEXIST) {
      return base::PosixError(errno, absl::StrCat(folder, "/", component), "mkdir");
    }
    absl::StrAppend(&folder, "/", component);
  }
  return absl::OkStatus();
}

absl::StatusOr<base::UniqueFd> Lock(const Store& store) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd refs, base::OpenDirAt(store.state(), "refs"));
  return base::LockFileAt(refs.get(), ".lock", base::LockMode::kExclusive);
}

// A name never points at what is not durable: the renames of blobs and layers come first.
absl::Status SyncObjects(const Store& store) {
  for (const char* folder : {"images/blobs/sha256", "layers"}) {
    STAVE_ASSIGN_OR_RETURN(const base::UniqueFd fd, base::OpenDirAt(store.state(), folder));
    if (::fsync(fd.get()) < 0) return base::PosixError(errno, folder, "fsync");
  }
  return absl::OkStatus();
}

absl::Status NoSuchImage(const oci::Reference& reference) {
  return absl::NotFoundError(absl::StrCat(reference.String(), ": no such image here"));
}

}  // namespace

absl::StatusOr<oci::Descriptor> GetRef(const Store& store, const oci::Reference& reference) {
  if (store.state() < 0) return NoSuchImage(reference);
  const auto text = base::ReadFileAt(store.state(), PathOf(reference), kMaxRefBytes);
  if (absl::IsNotFound(text.status())) return NoSuchImage(reference);
  if (!text.ok()) {
    return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT", text.status().message());
  }
  return ParseRef(reference, *text);
}

absl::Status SetRef(const Store& store, const oci::Reference& reference,
                    const oci::Descriptor& descriptor) {
  STAVE_RETURN_IF_ERROR(SyncObjects(store));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock, Lock(store));
  STAVE_RETURN_IF_ERROR(MakeFolders(store, reference));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd folder,
                         base::OpenDirAt(store.state(), FolderOf(reference)));
  base::RemoveStraysAt(folder.get(), reference.Leaf());
  const oci::Descriptor plain{
      descriptor.media_type, descriptor.digest, descriptor.size, {}, {}, {}};
  STAVE_ASSIGN_OR_RETURN(std::vector<NamedImage> others, RefsWithout(store, reference));
  STAVE_ASSIGN_OR_RETURN(const oci::Reference name,
                         oci::Reference::Parse(absl::StrCat(reference.domain(), "/",
                                                            reference.path(), reference.Leaf())));
  std::vector<NamedImage> all = others;
  all.push_back({name, plain});
  Sort(&all);
  STAVE_RETURN_IF_ERROR(WriteIndex(store, all));
  absl::Status written =
      base::ReplaceFileAt(folder.get(), reference.Leaf(), json::Print(oci::ToJson(plain)) + "\n",
                          0600, base::Durability::kDurable);
  if (!written.ok()) WriteIndex(store, others).IgnoreError();
  return written;
}

absl::Status RemoveRef(const Store& store, const oci::Reference& reference) {
  if (store.state() < 0) return NoSuchImage(reference);
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock, Lock(store));
  std::string path = FolderOf(reference);
  auto folder = base::OpenDirAt(store.state(), path);
  if (absl::IsNotFound(folder.status())) return NoSuchImage(reference);
  if (!folder.ok()) return folder.status();
  struct stat st;
  if (::fstatat(folder->get(), reference.Leaf().c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
    return NoSuchImage(reference);
  }
  STAVE_ASSIGN_OR_RETURN(const std::vector<NamedImage> others, RefsWithout(store, reference));
  STAVE_RETURN_IF_ERROR(WriteIndex(store, others));
  if (::unlinkat(folder->get(), reference.Leaf().c_str(), 0) < 0) {
    return base::PosixError(errno, PathOf(reference), "unlink");
  }
  if (::fsync(folder->get()) < 0) return base::PosixError(errno, path, "fsync");
  // Folders that are empty now go, up to refs/ itself.
  while (path != "refs" && ::unlinkat(store.state(), path.c_str(), AT_REMOVEDIR) == 0) {
    path.resize(path.rfind('/'));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<NamedImage>> ListRefs(const Store& store) {
  std::vector<NamedImage> found;
  Walk(store, "", &found);
  Sort(&found);
  return found;
}

}  // namespace stave::store
