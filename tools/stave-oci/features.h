// SPDX-License-Identifier: Apache-2.0
//
// What this runtime was made to do, whatever the host can: runtime-spec features.md and
// features-linux.md 1.3.

#ifndef STAVE_TOOLS_STAVE_OCI_FEATURES_H_
#define STAVE_TOOLS_STAVE_OCI_FEATURES_H_

#include "libs/json/value.h"

namespace stave::stave_oci {

inline constexpr char kOldestSpec[] = "1.0.0";
inline constexpr char kNewestSpec[] = "1.3.0";

// Touches nothing.
json::Value Features();

}  // namespace stave::stave_oci

#endif  // STAVE_TOOLS_STAVE_OCI_FEATURES_H_
