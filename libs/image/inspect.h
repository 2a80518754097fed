// SPDX-License-Identifier: Apache-2.0
//
// A stored image as `docker image inspect` tells it, with Docker's members and order:
//
//   {"Id":"sha256:..","RepoTags":["alpine:latest"],"RepoDigests":["alpine@sha256:.."],"Parent":"",
//    "Comment":"","Created":"2026-01-02T03:04:05Z","DockerVersion":"","Author":"",
//    "Config":{"Cmd":["sh"],"Entrypoint":null,"Env":[..],..},"Architecture":"amd64","Os":"linux",
//    "Size":7797760,"GraphDriver":{"Data":{"LowerDir":"..","UpperDir":".."},"Name":"overlay2"},
//    "RootFS":{"Type":"layers","Layers":["sha256:.."]},"Metadata":{"LastTagTime":".."}}
//
// Variant is there where the image has one. Members of Config that an image does not use are
// absent, but for Cmd, Entrypoint, Env, Labels, OnBuild, User, Volumes and WorkingDir.
// Source: Docker Engine API 1.51, GET /images/{name}/json.

#ifndef STAVE_LIBS_IMAGE_INSPECT_H_
#define STAVE_LIBS_IMAGE_INSPECT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/image/stored_image.h"
#include "libs/json/value.h"
#include "libs/store/store.h"

namespace stave::image {

// Pure, but for the paths of layers, which are `store`'s.
json::Value InspectJson(const store::Store& store, const StoredImage& image);

// The same of the image that `text` means. Errors: those of FindStoredImage.
absl::StatusOr<json::Value> InspectImage(const store::Store& store, absl::string_view text);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_INSPECT_H_
