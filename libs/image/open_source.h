// SPDX-License-Identifier: Apache-2.0
//
// From the name of an image to the source that has it: a registry, an OCI layout or an archive.

#ifndef STAVE_LIBS_IMAGE_OPEN_SOURCE_H_
#define STAVE_LIBS_IMAGE_OPEN_SOURCE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "libs/image/registry.h"
#include "libs/image/source.h"
#include "libs/image/source_name.h"

namespace stave::image {

// Opens the source of `name`: reads a layout's index.json, an archive's table; connects nowhere.
// `options` is for registries. Errors: those of layout_source.h and archive_source.h.
absl::StatusOr<std::unique_ptr<Source>> OpenSource(const SourceName& name, RegistryOptions options);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_OPEN_SOURCE_H_
