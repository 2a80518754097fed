// SPDX-License-Identifier: Apache-2.0
//
// What `docker ps` says of a container, text by text.
//
//   CONTAINER ID   IMAGE    COMMAND   CREATED         STATUS         PORTS     NAMES
//   4f2a6c3b9d01   alpine   "sh"      5 minutes ago   Up 5 minutes   80/tcp    web
//
// A container that is marked as paused is told to be so: the caller has asked its freezer.

#ifndef STAVE_TOOLS_PS_LISTER_CELLS_H_
#define STAVE_TOOLS_PS_LISTER_CELLS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "libs/store/containers.h"
#include "tools/ps-lister/images.h"

namespace stave::tools {

// The id, of 12 or all 64 digits.
std::string IdText(const store::ContainerView& container, Width width);

// `"sh -c 'echo hello; s…"`: words with a blank in them between quotes, cut to 20 characters
// unless whole, and quoted as Go does.
std::string CommandText(const store::Record& record, Width width);

// "5 minutes ago".
std::string AgeText(absl::Time then, absl::Time now);

// "2026-01-02 03:04:05 +0000 UTC".
std::string CreatedText(absl::Time created, absl::TimeZone zone);

// "Up 5 minutes", "Up 5 minutes (healthy)", "Created", "Exited (137) 3 seconds ago",
// "Exited (unknown)", "Dead", "Up 5 minutes (Paused)", "Restarting (1) 3 seconds ago".
std::string StatusText(const store::ContainerView& container, absl::Time now);

// "80/tcp, 443/tcp": of one that runs and was not given another network, not even --network none.
std::string PortsCell(const store::ContainerView& container);

// "starting", "healthy", "unhealthy"; "" of one without a check.
std::string HealthText(const store::ContainerView& container);

// "a=1,b=2".
std::string LabelsText(const store::Record& record);

// "/srv,/var/lib/lon…": sources, cut to 15 characters unless whole.
std::string MountsText(const store::Record& record, Width width);

// "none" where nobody has asked for another, "host", "container:ID".
std::string NetworkMode(const store::Record& record);
// "none", "host"; "" of one with another container's.
std::string NetworksText(const store::Record& record);

// What it has written, and what that and its image come to. Bytes.
struct Sizes {
  int64_t written = 0;
  int64_t whole = 0;
};
std::string SizeText(const Sizes& sizes);  // "0B (virtual 7.8MB)"

// When it began to run, and when it ended, as far as that is known.
std::optional<absl::Time> Started(const store::ContainerView& container);
std::optional<absl::Time> Finished(const store::ContainerView& container);

// How it ended, or the run before did; nullopt: it has not, or nobody knows.
std::optional<int> ExitCode(const store::ContainerView& container);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_LISTER_CELLS_H_
