// SPDX-License-Identifier: Apache-2.0
//
// A container as ps-lister shows it: a row of Docker's table, or a line of JSON.
//
//   CONTAINER ID   IMAGE    COMMAND   CREATED         STATUS         PORTS     NAMES
//   4f2a6c3b9d01   alpine   "sh"      5 minutes ago   Up 5 minutes             web
//
//   {"id":"4f..","name":"web","image":"docker.io/library/alpine:latest","imageDigest":"sha256:..",
//    "command":["sh"],"created":"2026-01-02T03:04:05.6Z","state":"running",
//    "status":"Up 5 minutes","exitCode":null,"oom":false,"pid":4711,"started":"..","finished":null,
//    "restarts":0,"rm":false,"labels":{},"damage":null}
//
// `state` is created, running, paused, restarting, exited or dead (a record that cannot be read);
// the members are a stable interface, the table is not. One that is marked as paused is shown so:
// the caller has asked its freezer.

#ifndef STAVE_TOOLS_PS_LISTER_ROWS_H_
#define STAVE_TOOLS_PS_LISTER_ROWS_H_

#include <string>

#include "absl/time/time.h"
#include "libs/cli/table.h"
#include "libs/json/value.h"
#include "libs/store/containers.h"

namespace stave::tools {

enum class Width { kShort, kWhole };  // kWhole: no truncation

// The header of the table.
cli::TableRow Header();

// A row of it; text that an image or a user chose is escaped. `now` is what ages are counted from.
cli::TableRow Row(const store::ContainerView& container, absl::Time now, Width width);

// The line of JSON, as a value.
json::Value JsonLine(const store::ContainerView& container, absl::Time now);

// "Up 5 minutes", "Created", "Exited (137) 3 seconds ago", "Exited (unknown)", "Dead",
// "Up 5 minutes (Paused)", "Restarting (1) 3 seconds ago".
std::string StatusText(const store::ContainerView& container, absl::Time now);

// The id, of 12 or all 64 digits.
std::string IdText(const store::ContainerView& container, Width width);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_LISTER_ROWS_H_
