// SPDX-License-Identifier: Apache-2.0
#include "libs/store/image_document.h"

#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/oci/default_config.h"
#include "libs/oci/stave_member.h"
#include "libs/oci/user.h"
#include "libs/store/image_user.h"

namespace stave::store {

absl::StatusOr<json::Value> MakeImageDocument(const Store& store, const ResolvedImage& image) {
  const auto user = ResolveImageUser(store, image.layers, image.config.user);
  if (!user.ok()) return base::WithContext(user.status(), image.reference.String());
  json::Value document = oci::DefaultConfigFor(image.config, *user);
  if (json::Value* process = document.Find("process")) {
    const json::Value* args = process->Find("args");
    if (args != nullptr && args->elements().empty()) process->Remove("args");
  }
  oci::SetStore(store.state_path(), &document);
  oci::SetImage(oci::MakeImageMember(image.reference.String(), image.manifest_digest,
                                     image.manifest.config.digest, image.layers, image.config),
                &document);
  oci::SetLabels(image.config.labels, &document);
  return document;
}

}  // namespace stave::store
