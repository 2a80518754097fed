// SPDX-License-Identifier: Apache-2.0
//
// The user that an image's processes run as, looked up in the image's own /etc/passwd and
// /etc/group without mounting it.
//
// The two files are searched for through the layers, topmost first, as the overlay mount would show
// them: whiteouts and opaque directories hide what is below, directories of several layers are one,
// symlinks lead within the image. A file that is not there, or no regular file, is an empty one.

#ifndef STAVE_LIBS_STORE_IMAGE_USER_H_
#define STAVE_LIBS_STORE_IMAGE_USER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/oci/digest.h"
#include "libs/oci/user.h"
#include "libs/store/store.h"

namespace stave::store {

// `layers` are keys, base first; `spec` as in oci/user.h.
// Errors: those of oci::ResolveUser; NotFound for a layer that is not here; ResourceExhausted
// [E_LIMIT] for a file above oci::kMaxUserFile; FailedPrecondition for symlinks that loop.
absl::StatusOr<oci::User> ResolveImageUser(const Store& store,
                                           const std::vector<oci::Digest>& layers,
                                           absl::string_view spec);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_IMAGE_USER_H_
