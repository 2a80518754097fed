// SPDX-License-Identifier: Apache-2.0
//
// What ns-run's options change in a document. Docker's meanings: docker-behaviour of `docker run`.
//
//   operands      process.args: they replace the image's cmd (--entrypoint replaces both)
//   -e -u -w      process.env, .user (resolved with the image's own files), .cwd
//   -h --name     hostname, stave.name          --read-only   stave.rootfs.readonly
//   --cap-add ..  process.capabilities, and linux.seccomp where it is stave's default
//   --security-opt, --network, -v, --tmpfs      linux.*, stave.network.mode, mounts

#ifndef STAVE_LIBS_RUNTIME_COMPOSE_H_
#define STAVE_LIBS_RUNTIME_COMPOSE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/json/value.h"
#include "libs/store/store.h"

namespace stave::runtime {

// An option that was not given is absent, "" or empty.
struct RunOptions {
  std::vector<std::string> operands;
  std::optional<std::string> name, entrypoint, user, workdir, hostname, network;
  std::vector<std::string> env, cap_add, cap_drop, security, volumes, tmpfs;
  bool read_only = false;
  bool terminal = false;
};

// Checks the forms of all values, without a document and without touching anything.
// Errors: InvalidArgument [E_USAGE] (or E_NAME, E_USER ..) beginning with the option's name.
absl::Status CheckOptions(const RunOptions& options);

// Whether what stave reads of `document` has the types that the OCI config gives it, so that no
// option is applied to something else. Members may be absent.
// Errors: InvalidArgument [E_DOCUMENT] with a JSON pointer; also for `stave.id`: a document is a
// template, and an id is drawn for each run.
absl::Status CheckShape(const json::Value& document);

// Changes `document`; only members that an option is about. Reads the store for --user, the
// caller's environment for `-e NAME`, files for --security-opt seccomp=FILE, and looks at the
// sources of -v. Errors: those of CheckOptions; InvalidArgument [E_NO_COMMAND] if nothing is left
// to run.
absl::Status Compose(const RunOptions& options, const store::Store& store, json::Value* document);

// The document of a bare root filesystem: stave's defaults, `root.path`, no image.
absl::StatusOr<json::Value> RootfsDocument(const std::string& path);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_COMPOSE_H_
