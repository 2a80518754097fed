// SPDX-License-Identifier: Apache-2.0
//
// What a container uses, as ps-stat shows it: a row of Docker's table, or a line of JSON.
//
//   CONTAINER ID   NAME   CPU %    MEM USAGE / LIMIT   MEM %    NET I/O        BLOCK I/O   PIDS
//   4f2a6c3b9d01   web    12.50%   1.5MiB / 64MiB      2.34%    1.1kB / 126B   0B / 0B     3
//
//   {"id":"4f..","name":"web","cpuPercent":12.50,"cpuSeconds":1.234567,"memory":1572864,
//    "memoryLimit":67108864,"memoryPercent":2.34,"received":1100,"sent":126,"read":0,"written":0,
//    "pids":3,"pidsLimit":4096}
//
// The members are a stable interface, the table is not. What is not known is null, in the table
// "--"; of a container that does not run it is null, too, and in the table 0 as in Docker's.
// Without a limit of its own, per cent are those of the machine's memory.

#ifndef STAVE_TOOLS_PS_STAT_ROWS_H_
#define STAVE_TOOLS_PS_STAT_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "libs/cli/format.h"
#include "libs/cli/table.h"
#include "libs/json/value.h"
#include "libs/store/record.h"
#include "tools/ps-stat/sample.h"

namespace stave::tools {

// Two samples of a container, one after the other; absent: it does not run.
struct Use {
  store::Record record;
  std::optional<Sample> before;
  std::optional<Sample> now;
};

enum class Width { kShort, kWhole };  // kWhole: no truncation of ids

// Per cent of one CPU between the samples; nullopt without both.
std::optional<double> CpuPercent(const Use& use);

// Docker's fields, for cli::Format.
const cli::Listing& StatListing();

cli::TableRow Header();
cli::TableRow Row(const Use& use, int64_t machine_memory, Width width);
// The row for --format; `called` is what the user called the container.
cli::Row FormatRow(const Use& use, const std::string& called, int64_t machine_memory, Width width);
json::Value JsonLine(const Use& use, int64_t machine_memory);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_STAT_ROWS_H_
