// SPDX-License-Identifier: Apache-2.0
//
// Which of a document's mounts somebody asked for: binds, and tmpfs beyond those that every
// container has. Not /proc, /dev and the like, nor the /etc/hostname, hosts and resolv.conf that
// ns-run adds from the folder of a container.

#ifndef STAVE_LIBS_OCI_GIVEN_MOUNTS_H_
#define STAVE_LIBS_OCI_GIVEN_MOUNTS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "libs/json/value.h"

namespace stave::oci {

struct GivenMount {
  std::string type;         // "bind" or "tmpfs"
  std::string source;       // of a bind
  std::string destination;  // in the container
  std::vector<std::string> options;
};

// In the order of the document. What has not the shape of a mount is passed over.
std::vector<GivenMount> GivenMounts(const json::Value& document);

// The source of the bind on `destination` that ns-run has added ("/etc/hosts"); "" if there is
// none.
std::string HostFileOf(const json::Value& document, absl::string_view destination);

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_GIVEN_MOUNTS_H_
