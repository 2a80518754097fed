// SPDX-License-Identifier: Apache-2.0
//
// /etc/hostname, /etc/hosts and /etc/resolv.conf of a container: small files in its run folder that
// are bound into it, so that an image's own stay untouched.

#ifndef STAVE_LIBS_RUNTIME_HOST_FILES_H_
#define STAVE_LIBS_RUNTIME_HOST_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "libs/json/value.h"
#include "libs/store/store.h"

namespace stave::runtime {

// Adds their binds, from the folder `run_path`, to `mounts`, but for those that the document
// already mounts something on. With another container's network, that container's are bound.
// Errors: NotFound [E_NO_CONTAINER] if there is no such container.
absl::Status AddHostFiles(const store::Store& store, const std::string& run_path,
                          json::Value* document);

// Writes those that `document` binds from `run_path` into that folder, `run`: before each start, as
// RUN does not outlive the machine. With the host's network the host's files are copied, and
// without a uts namespace the name is the host's. The lines of stave.network.hosts follow in hosts;
// its dns, dnsSearch and dnsOptions replace those lines of the host's resolv.conf. Errors: those of
// writing.
absl::Status WriteHostFiles(int run, const std::string& run_path, const json::Value& document);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_HOST_FILES_H_
