// SPDX-License-Identifier: Apache-2.0
//
// One run of a container in the foreground, from a document to an exit code: what ns-run is.
//
// The order of effects is fixed: entry in pending/, name, folders, config.json, cgroup, root
// filesystem, process. Killed before the process runs, it is undone by the next command; after, its
// payload dies with it and the next command writes that down. When the payload ends: exit.json (or,
// with --rm, the record goes), the name is free, then the exit code; the cgroup and the writable
// layer go in a detached child.
//
// Hooks are about an OCI container, which ends with the run (session_hooks.h). Those before the
// payload: one that fails ends the start, and nothing is left. poststop: after the end, or a start
// that failed, has been written down and the cgroup is gone, before the exit code. If ns-run itself
// is killed nobody runs them.

#ifndef STAVE_LIBS_RUNTIME_SESSION_H_
#define STAVE_LIBS_RUNTIME_SESSION_H_

#include <string>

#include "absl/status/statusor.h"
#include "libs/json/value.h"
#include "libs/runtime/foreground.h"
#include "libs/store/store.h"

namespace stave::runtime {

enum class Keep {
  kRecord,   // the record and the writable layer stay, as with Docker
  kNothing,  // --rm
};

struct SessionWishes {
  StreamWishes streams;
  Keep keep = Keep::kRecord;
  bool record = true;  // false (--rootfs): only RUN knows of it, and nothing stays
  void (*warn)(const std::string& message) = nullptr;
};

// Runs `document` and returns the payload's exit code.
// Errors: with an exit code (report.h); nothing is left behind, but with kNotShown what a payload
// leaves that has ended.
absl::StatusOr<int> RunInForeground(const store::Store& store, json::Value document,
                                    const SessionWishes& wishes);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_SESSION_H_
