// SPDX-License-Identifier: Apache-2.0
//
// A container as ps-lister shows it: a row of Docker's table, a row for --format, or a line of
// JSON:
//
//   {"id":"4f..","name":"web","image":"docker.io/library/alpine:latest","imageDigest":"sha256:..",
//    "command":["sh"],"created":"2026-01-02T03:04:05.6Z","state":"running",
//    "status":"Up 5 minutes","exitCode":null,"oom":false,"pid":4711,"started":"..","finished":null,
//    "restarts":0,"rm":false,"labels":{},"damage":null,"imageId":"sha256:..","imageName":"alpine",
//    "error":null,"health":null,"network":"none","exposed":["80/tcp"],"mounts":[{"source":"/srv",
//    "destination":"/data"}],"size":null,"virtualSize":null}
//
// `state` is created, running, paused, restarting, exited or dead (a record that cannot be read);
// the members are a stable interface, the table is not. Sizes are null unless they are asked for.

#ifndef STAVE_TOOLS_PS_LISTER_ROWS_H_
#define STAVE_TOOLS_PS_LISTER_ROWS_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "libs/cli/format.h"
#include "libs/cli/table.h"
#include "libs/json/value.h"
#include "libs/store/containers.h"
#include "tools/ps-lister/cells.h"
#include "tools/ps-lister/images.h"

namespace stave::tools {

// What all rows of a list have in common. What costs something is asked for only where it is shown.
struct Look {
  absl::Time now;  // what ages are counted from
  absl::TimeZone zone;
  Width width = Width::kShort;
  Images* images = nullptr;
  // Absent: sizes are not wanted.
  std::function<Sizes(const store::Record& record)> sizes;
};

// Docker's fields and table, for cli::Format; with_size: the table's last column is SIZE.
const cli::Listing& PsListing(bool with_size);

// The header of the table, and a row of it; text that an image or a user chose is escaped.
cli::TableRow Header(const Look& look);
cli::TableRow Row(const store::ContainerView& container, const Look& look);

// The row for `format`, which was parsed from `text`, with the fields that occur in it. What they
// hold is as it came, unless it is a table.
cli::Row FormatRow(const store::ContainerView& container, const Look& look,
                   const cli::Format& format, absl::string_view text);

// The line of JSON, as a value.
json::Value JsonLine(const store::ContainerView& container, const Look& look);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_LISTER_ROWS_H_
