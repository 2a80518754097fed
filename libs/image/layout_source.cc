// SPDX-License-Identifier: Apache-2.0
#include "libs/image/layout_source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <set>
#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/image/file_range.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/oci/manifest.h"
#include "libs/rootpath/rootpath.h"

namespace stave::image {
namespace {

constexpr char kRefName[] = "org.opencontainers.image.ref.name";
constexpr size_t kMaxTagsShown = 20;

absl::Status LayoutError(absl::string_view why) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_LAYOUT", why);
}

absl::StatusOr<base::UniqueFd> OpenFile(int dir, const std::string& path, int64_t* size) {
  auto file = rootpath::OpenBeneath(dir, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
  if (absl::IsFailedPrecondition(file.status())) return LayoutError(file.status().message());
  if (absl::IsNotFound(file.status())) {
    return base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND",
                       absl::StrCat(path, ": is not in the layout"));
  }
  STAVE_RETURN_IF_ERROR(file.status());
  struct stat st;
  if (::fstat(file->get(), &st) < 0) return base::PosixError(errno, path, "stat");
  if (!S_ISREG(st.st_mode)) return LayoutError(absl::StrCat(path, ": is not a regular file"));
  *size = st.st_size;
  return file;
}

absl::StatusOr<std::string> ReadSmall(int dir, const std::string& path, size_t max) {
  int64_t size = 0;
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd file, OpenFile(dir, path, &size));
  return base::ReadAll(file.get(), max, path);
}

absl::Status CheckVersion(int dir) {
  auto text = ReadSmall(dir, "oci-layout", 4096);
  if (absl::IsNotFound(text.status())) {
    return LayoutError("has no file oci-layout: it is not an OCI image layout");
  }
  STAVE_RETURN_IF_ERROR(text.status());
  const auto marker = json::Parse(*text);
  if (!marker.ok()) return base::WithContext(marker.status(), "oci-layout");
  const json::Value* version = marker->Find("imageLayoutVersion");
  if (version == nullptr || !version->is_string() || !absl::StartsWith(version->text(), "1.")) {
    return LayoutError("oci-layout: imageLayoutVersion is not 1.0.0");
  }
  return absl::OkStatus();
}

class LayoutSource : public Source {
 public:
  LayoutSource(base::UniqueFd dir, oci::Index index, absl::string_view tag)
      : dir_(std::move(dir)), index_(std::move(index)), tag_(tag) {}

  absl::StatusOr<Document> GetTop() override {
    STAVE_ASSIGN_OR_RETURN(const oci::Descriptor descriptor, Choose());
    return GetDocument(descriptor);
  }
  absl::StatusOr<Document> GetDocument(const oci::Descriptor& descriptor) override;
  absl::Status GetBlob(const oci::Digest& digest, int64_t size, int64_t offset,
                       const ByteSink& sink) override;

 private:
  absl::StatusOr<oci::Descriptor> Choose() const;

  base::UniqueFd dir_;
  oci::Index index_;
  std::string tag_;
};

absl::StatusOr<oci::Descriptor> LayoutSource::Choose() const {
  std::set<std::string> tags;
  for (const oci::Descriptor& entry : index_.manifests) {
    const std::string* name = entry.FindAnnotation(kRefName);
    if (name != nullptr && *name == tag_ && !tag_.empty()) return entry;
    if (name != nullptr && tags.size() < kMaxTagsShown) tags.insert(base::Printable(*name, 80));
  }
  if (tag_.empty() && index_.manifests.size() == 1) return index_.manifests[0];
  const std::string there =
      tags.empty() ? "there are no tags" : absl::StrCat("there are ", absl::StrJoin(tags, ", "));
  const std::string what =
      !tag_.empty()
          ? absl::StrCat("no image with the tag \"", base::Printable(tag_, 80), "\"; ", there)
      : index_.manifests.empty() ? "the layout holds no image"
                                 : absl::StrCat("several images; say which: ", there);
  return base::Error(absl::StatusCode::kNotFound, "E_TAG", what);
}

absl::StatusOr<Document> LayoutSource::GetDocument(const oci::Descriptor& descriptor) {
  if (descriptor.size > static_cast<int64_t>(oci::kMaxManifestSize)) {
    return base::Error(absl::StatusCode::kResourceExhausted, "E_LIMIT",
                       absl::StrCat("manifest ", descriptor.digest.ToString(), ": is too large"));
  }
  std::string bytes;
  STAVE_RETURN_IF_ERROR(GetBlob(descriptor.digest, descriptor.size, 0, [&](absl::string_view data) {
    absl::StrAppend(&bytes, data);
    return absl::OkStatus();
  }));
  STAVE_ASSIGN_OR_RETURN(Document document, MakeDocument(std::move(bytes), descriptor.media_type));
  if (document.digest != descriptor.digest) {
    return base::Error(absl::StatusCode::kDataLoss, "E_DIGEST",
                       absl::StrCat("manifest ", descriptor.digest.ToString(), ": the file is ",
                                    document.digest.ToString()));
  }
  return document;
}

absl::Status LayoutSource::GetBlob(const oci::Digest& digest, int64_t size, int64_t offset,
                                   const ByteSink& sink) {
  int64_t there = 0;
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd file,
                         OpenFile(dir_.get(), absl::StrCat("blobs/sha256/", digest.hex()), &there));
  if (there != size) {
    return base::Error(absl::StatusCode::kDataLoss, "E_SIZE",
                       absl::StrCat("blob ", digest.ToString(), ": the file has ", there,
                                    " bytes, its descriptor says ", size));
  }
  return ReadRange(file.get(), offset, size - offset, digest.ToString(), sink);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Source>> OpenLayout(const std::string& dir, absl::string_view tag) {
  STAVE_ASSIGN_OR_RETURN(base::UniqueFd fd, base::OpenDirAt(AT_FDCWD, dir));
  STAVE_RETURN_IF_ERROR(CheckVersion(fd.get()));
  STAVE_ASSIGN_OR_RETURN(const std::string text,
                         ReadSmall(fd.get(), "index.json", oci::kMaxManifestSize));
  auto parsed = oci::ParseManifestOrIndex(text, "");
  if (!parsed.ok()) return base::WithContext(parsed.status(), "index.json");
  auto* index = std::get_if<oci::Index>(&*parsed);
  if (index == nullptr) return LayoutError("index.json: is not an index");
  return std::unique_ptr<Source>(new LayoutSource(std::move(fd), std::move(*index), tag));
}

}  // namespace stave::image
