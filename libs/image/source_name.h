// SPDX-License-Identifier: Apache-2.0
//
// What people give image-fetch as an image, and the reference that it will have in the store.
//
//   alpine:3.18                  a registry reference           docker.io/library/alpine:3.18
//   oci:DIR[:TAG]                an OCI image layout            localhost/<DIR's last name>:<TAG>
//   docker-archive:FILE[:NAME]   what `docker save` writes      localhost/<FILE's last name>:<tag>
//
// The name of a local image comes from what the caller wrote, never from inside: an archive must
// not be able to call itself docker.io/library/alpine.

#ifndef STAVE_LIBS_IMAGE_SOURCE_NAME_H_
#define STAVE_LIBS_IMAGE_SOURCE_NAME_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/oci/reference.h"

namespace stave::image {

enum class SourceKind { kRegistry, kOciLayout, kDockerArchive };

struct SourceName {
  SourceKind kind = SourceKind::kRegistry;
  oci::Reference reference;  // what the image is called in the store
  std::string path;          // of the directory or file; "" for a registry
  std::string tag;  // which image in there: after the first ':' of the path; "" for the one
};

// Touches nothing. In the name of a local image, what a reference cannot hold becomes '-', the tag
// is "latest" where none was given ("NAME" of an archive gives what follows its last ':').
// Errors: those of Reference::Parse; InvalidArgument [E_REFERENCE] for an empty path or tag, and
// for what other programs take as a place ("docker://", "dir:", ..), with a hint.
absl::StatusOr<SourceName> ParseSourceName(absl::string_view text);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_SOURCE_NAME_H_
