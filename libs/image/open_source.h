// SPDX-License-Identifier: Apache-2.0
//
// From the name of an image to the source that has it: a registry, an OCI layout or an archive.

#ifndef STAVE_LIBS_IMAGE_OPEN_SOURCE_H_
#define STAVE_LIBS_IMAGE_OPEN_SOURCE_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/image/source.h"
#include "libs/image/source_name.h"
#include "libs/registry/client.h"
#include "libs/registry/endpoints.h"
#include "libs/registry/repository.h"

namespace stave::image {

// How registries are reached.
struct RegistryAccess {
  registry::ClientOptions client;
  std::vector<registry::Endpoint> endpoints;  // none: the reference's own registry
  registry::CredentialFor credential_for;     // see registry::Repository
};

// Opens the source of `name`: reads a layout's index.json, an archive's table; connects nowhere.
// Errors: those of layout_source.h and archive_source.h.
absl::StatusOr<std::unique_ptr<Source>> OpenSource(const SourceName& name,
                                                   const RegistryAccess& access);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_OPEN_SOURCE_H_
