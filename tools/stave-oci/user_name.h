// SPDX-License-Identifier: Apache-2.0
//
// A uid's name, from the text of a passwd(5) file: NSS is not for static programs.

#ifndef STAVE_TOOLS_STAVE_OCI_USER_NAME_H_
#define STAVE_TOOLS_STAVE_OCI_USER_NAME_H_

#include <sys/types.h>

#include <string>

#include "absl/strings/string_view.h"

namespace stave::stave_oci {

// "root"; "#1000" for one that has no name, as in runc.
std::string UserName(absl::string_view passwd, uid_t uid);

}  // namespace stave::stave_oci

#endif  // STAVE_TOOLS_STAVE_OCI_USER_NAME_H_
