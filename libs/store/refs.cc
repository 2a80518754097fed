// SPDX-License-Identifier: Apache-2.0
#include "libs/store/refs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
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
constexpr time_t kSurelySynced = 10;  // seconds from a rename to the end of the fsync after it

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

DamagedRef NoReference(const std::string& path, absl::string_view why) {
  return {path, base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT",
                            absl::StrCat(base::Printable(path), ": ", why))};
}

// The leaf `name` of refs/`below`.
void Look(const Store& store, const std::string& below, const std::string& name, RefScan* scan) {
  const std::string path = absl::StrCat("refs/", below, "/", name);
  const auto reference = oci::Reference::Parse(absl::StrCat(below, name));
  if (!reference.ok() || RefPath(*reference) != path) {
    scan->damaged.push_back(NoReference(path, "is the file of no reference"));
    return;
  }
  auto descriptor = GetRef(store, *reference);
  if (descriptor.ok()) {
    scan->refs.push_back({*reference, *std::move(descriptor)});
  } else if (!absl::IsNotFound(descriptor.status())) {  // removed meanwhile
    scan->damaged.push_back({path, descriptor.status()});
  }
}

absl::Status Walk(const Store& store, const std::string& below, RefScan* scan) {
  const std::string folder = below.empty() ? "refs" : absl::StrCat("refs/", below);
  const auto names = ListFolder(store.state(), folder);
  if (absl::IsFailedPrecondition(names.status()) || base::ErrorWord(names.status()) == "E_LOOP" ||
      below.size() > kMaxReference) {
    scan->damaged.push_back(NoReference(folder, "is no folder of references"));
    return absl::OkStatus();
  }
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (name[0] == ':' || name[0] == '@') {
      Look(store, below, name, scan);
    } else {
      STAVE_RETURN_IF_ERROR(
          Walk(store, below.empty() ? name : absl::StrCat(below, "/", name), scan));
    }
  }
  return absl::OkStatus();
}

std::string FormatIndex(const std::vector<NamedImage>& refs) {
  json::Value manifests = json::Value::Array();
  for (const NamedImage& image : refs) {
    json::Value descriptor = oci::ToJson(image.descriptor);
    descriptor.Make({"annotations"})
        .Set(kRefNameAnnotation, json::Value::String(image.reference.String()));
    manifests.elements().push_back(std::move(descriptor));
  }
  json::Value index;
  index.Set("schemaVersion", json::Value::Number(2));
  index.Set("mediaType", json::Value::String(oci::kOciIndex));
  index.Set("manifests", std::move(manifests));
  return json::Print(index) + "\n";
}

// Not durable by itself: refs/ is the truth, and the fsync of what is changed there comes next. But
// never half of it, whenever the power goes: others read it. Written before refs/ is changed, under
// the lock: who is killed between the two and begins again, as one does, makes them agree.
absl::Status WriteIndex(const Store& store, const std::vector<NamedImage>& refs) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd images, base::OpenDirAt(store.state(), "images"));
  base::RemoveStraysAt(images.get(), "index.json");
  return base::ReplaceFileAt(images.get(), "index.json", FormatIndex(refs), 0600,
                             base::Durability::kWhole);
}

// All names but `reference`.
absl::StatusOr<std::vector<NamedImage>> RefsWithout(const Store& store,
                                                    const oci::Reference& reference) {
  STAVE_ASSIGN_OR_RETURN(std::vector<NamedImage> refs, ListRefs(store));
  const std::string path = RefPath(reference);
  refs.erase(
      std::remove_if(refs.begin(), refs.end(),
                     [&](const NamedImage& image) { return RefPath(image.reference) == path; }),
      refs.end());
  return refs;
}

void Sort(std::vector<NamedImage>* refs) {
  std::sort(refs->begin(), refs->end(), [](const NamedImage& a, const NamedImage& b) {
    return a.reference.String() < b.reference.String();
  });
}

// Those that got an entry are synced at the end: the first sync mostly does it for all.
absl::Status MakeFolders(const Store& store, const oci::Reference& reference) {
  std::string folder = "refs";
  std::vector<base::UniqueFd> changed;
  for (const absl::string_view component :
       absl::StrSplit(FolderOf(reference).substr(folder.size() + 1), '/')) {
    STAVE_ASSIGN_OR_RETURN(base::UniqueFd parent, base::OpenDirAt(store.state(), folder));
    if (::mkdirat(parent.get(), std::string(component).c_str(), 0700) == 0) {
      changed.push_back(std::move(parent));
    } else if (errno != EEXIST) {
      return base::PosixError(errno, absl::StrCat(folder, "/", component), "mkdir");
    }
    absl::StrAppend(&folder, "/", component);
  }
  for (const base::UniqueFd& parent : changed) {
    if (::fsync(parent.get()) < 0) return base::PosixError(errno, folder, "fsync");
  }
  return absl::OkStatus();
}

constexpr const char* kObjectFolders[] = {"images/blobs/sha256", "layers"};

absl::Status SyncFolder(const Store& store, const char* folder) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd fd, base::OpenDirAt(store.state(), folder));
  return ::fsync(fd.get()) < 0 ? base::PosixError(errno, folder, "fsync") : absl::OkStatus();
}

// A name never points at what is not durable: the renames of blobs and layers come first.
absl::Status SyncObjects(const Store& store) {
  for (const char* folder : kObjectFolders) STAVE_RETURN_IF_ERROR(SyncFolder(store, folder));
  return absl::OkStatus();
}

// The same where a rename may still wait for its sync.
absl::Status SyncRecentObjects(const Store& store) {
  for (const char* folder : kObjectFolders) {
    struct stat st;
    if (::fstatat(store.state(), folder, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        ::time(nullptr) - st.st_ctime > kSurelySynced) {
      continue;
    }
    STAVE_RETURN_IF_ERROR(SyncFolder(store, folder));
  }
  return absl::OkStatus();
}

absl::Status NoSuchImage(const oci::Reference& reference) {
  return absl::NotFoundError(absl::StrCat(reference.String(), ": no such image here"));
}

}  // namespace

absl::StatusOr<oci::Descriptor> GetRef(const Store& store, const oci::Reference& reference) {
  if (store.state() < 0) return NoSuchImage(reference);
  const auto text = base::ReadFileAt(store.state(), RefPath(reference), kMaxRefBytes);
  if (absl::IsNotFound(text.status())) return NoSuchImage(reference);
  if (!text.ok()) {
    return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT", text.status().message());
  }
  return ParseRef(reference, *text);
}

absl::Status SetRef(const Store& store, const oci::Reference& reference,
                    const oci::Descriptor& descriptor) {
  STAVE_RETURN_IF_ERROR(SyncObjects(store));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock, LockRefs(store));
  STAVE_RETURN_IF_ERROR(MakeFolders(store, reference));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd folder,
                         base::OpenDirAt(store.state(), FolderOf(reference)));
  base::RemoveStraysAt(folder.get(), reference.Leaf());
  oci::Descriptor plain{descriptor.media_type, descriptor.digest, descriptor.size, {}, {}, {}};
  if (IsTaggedHere(descriptor)) plain.annotations = {{kTaggedHereAnnotation, "true"}};
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

absl::Status EnsureDurable(const Store& store, const oci::Reference& reference) {
  struct stat st;
  if (store.state() < 0 ||
      ::fstatat(store.state(), RefPath(reference).c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
    return absl::OkStatus();
  }
  // What it leads to may be here only since another pull has renamed it.
  STAVE_RETURN_IF_ERROR(SyncRecentObjects(store));
  if (::time(nullptr) - st.st_ctime > kSurelySynced) return absl::OkStatus();
  const std::string path = FolderOf(reference);
  const auto folder = base::OpenDirAt(store.state(), path);
  if (absl::IsNotFound(folder.status())) return absl::OkStatus();
  if (!folder.ok()) return folder.status();
  if (::fsync(folder->get()) < 0) return base::PosixError(errno, path, "fsync");
  return absl::OkStatus();
}

absl::Status RemoveRef(const Store& store, const oci::Reference& reference) {
  if (store.state() < 0) return NoSuchImage(reference);
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock, LockRefs(store));
  std::string path = FolderOf(reference);
  auto folder = base::OpenDirAt(store.state(), path);
  if (absl::IsNotFound(folder.status())) return NoSuchImage(reference);
  if (!folder.ok()) return folder.status();
  struct stat st;
  if (::fstatat(folder->get(), reference.Leaf().c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
    return NoSuchImage(reference);
  }
  STAVE_ASSIGN_OR_RETURN(const std::vector<NamedImage> others, RefsWithout(store, reference));
  const absl::Status indexed = WriteIndex(store, others);
  const bool full = base::ErrorWord(indexed) == "E_NO_SPACE";
  if (!indexed.ok() && !full) return indexed;
  if (::unlinkat(folder->get(), reference.Leaf().c_str(), 0) < 0) {
    return base::PosixError(errno, RefPath(reference), "unlink");
  }
  if (::fsync(folder->get()) < 0) return base::PosixError(errno, path, "fsync");
  // Folders that are empty now go, up to refs/ itself.
  while (path != "refs" && ::unlinkat(store.state(), path.c_str(), AT_REMOVEDIR) == 0) {
    path.resize(path.rfind('/'));
  }
  if (full) WriteIndex(store, others).IgnoreError();  // there is the room of the file now
  return absl::OkStatus();
}

absl::StatusOr<std::vector<NamedImage>> ListRefs(const Store& store) {
  STAVE_ASSIGN_OR_RETURN(RefScan scan, ScanRefs(store));
  return std::move(scan.refs);
}

absl::StatusOr<RefScan> ScanRefs(const Store& store) {
  RefScan scan;
  STAVE_RETURN_IF_ERROR(Walk(store, "", &scan));
  Sort(&scan.refs);
  return scan;
}

bool IsTaggedHere(const oci::Descriptor& descriptor) {
  return descriptor.FindAnnotation(kTaggedHereAnnotation) != nullptr;
}

std::string RefPath(const oci::Reference& reference) {
  return absl::StrCat(FolderOf(reference), "/", reference.Leaf());
}

absl::StatusOr<std::string> IndexText(const Store& store) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<NamedImage> refs, ListRefs(store));
  return FormatIndex(refs);
}

absl::StatusOr<base::UniqueFd> LockRefs(const Store& store) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd refs, base::OpenDirAt(store.state(), "refs"));
  return base::LockFileAt(refs.get(), ".lock", base::LockMode::kExclusive);
}

absl::Status RemakeIndex(const Store& store) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock, LockRefs(store));
  STAVE_ASSIGN_OR_RETURN(const std::vector<NamedImage> refs, ListRefs(store));
  return WriteIndex(store, refs);
}

}  // namespace stave::store
