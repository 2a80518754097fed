// SPDX-License-Identifier: Apache-2.0
//
// log-read: prints what a container has written, and with --follow what it writes.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/cli/moment.h"
#include "libs/cli/program.h"
#include "libs/json/parse.h"
#include "libs/log/driver.h"
#include "libs/log/reader.h"
#include "libs/oci/life_member.h"
#include "libs/store/containers.h"
#include "libs/store/record.h"
#include "libs/store/store.h"
#include "tools/log-read/container_end.h"
#include "tools/log-read/printer.h"

DEFINE_bool(details, false, "");
DEFINE_bool(follow, false, "");
DEFINE_string(since, "", "");
DEFINE_string(tail, "all", "");
DEFINE_bool(timestamps, false, "");
DEFINE_string(until, "", "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"details", 0, cli::Takes::kNothing, "", "print the attributes of each line before it"},
    {"follow", 'f', cli::Takes::kNothing, "", "go on with what comes, until the container ends"},
    {"since", 0, cli::Takes::kValue, "TIME", "leave out what is earlier; see TIMES"},
    {"tail", 'n', cli::Takes::kValue, "N", "only the last N lines; \"all\" is the default"},
    {"timestamps", 't', cli::Takes::kNothing, "", "print the time of each line before it"},
    {"until", 0, cli::Takes::kValue, "TIME", "leave out what is later; see TIMES"},
};

constexpr cli::Program kProgram = {
    .name = "log-read",
    .purpose = "print what a container has written",
    .synopsis = "[OPTION...] CONTAINER",
    .options = kOptions,
};

constexpr size_t kMaxConfig = size_t{16} << 20;

// As Docker has it: what is no number, and one below 0, is all.
std::optional<uint64_t> Tail(absl::string_view text) {
  absl::ConsumePrefix(&text, "+");
  const auto number = base::ParseInt(text, 0, std::numeric_limits<int64_t>::max());
  if (!number.ok()) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

absl::StatusOr<absl::Time> Moment(const char* option, const std::string& text, absl::Time none) {
  if (text.empty()) return none;
  auto moment = cli::ParseMoment(text, absl::Now(), absl::LocalTimeZone());
  if (!moment.ok()) return cli::BadValue(option, moment.status());
  return moment;
}

absl::StatusOr<log::Query> ReadQuery() {
  log::Query query;
  query.tail = Tail(FLAGS_tail);
  STAVE_ASSIGN_OR_RETURN(query.since, Moment("since", FLAGS_since, absl::InfinitePast()));
  // "0" is no limit, in Docker.
  const std::string until = FLAGS_until == "0" ? "" : FLAGS_until;
  STAVE_ASSIGN_OR_RETURN(query.until, Moment("until", until, absl::InfiniteFuture()));
  return query;
}

// A folder or file of the container: in STATE, or in RUN for one without a record.
template <typename Open>
auto InHome(const store::Store& store, const std::string& id, const char* name, Open open)
    -> decltype(open(0, std::string())) {
  const std::string path = absl::StrCat("containers/", id, "/", name);
  for (const int root : {store.state(), store.run()}) {
    if (root < 0) continue;
    auto opened = open(root, path);
    if (!absl::IsNotFound(opened.status())) return opened;
  }
  return absl::NotFoundError(path);
}

absl::Status NotReadable(absl::string_view hint) {
  return base::WithHint(base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                                    "configured logging driver does not support reading"),
                        hint);
}

// Whether its output is kept where it can be read. A config that is damaged does not keep the log
// from being read.
absl::Status CheckDriver(const store::Store& store, const std::string& id) {
  const auto text = InHome(store, id, "config.json", [](int root, const std::string& path) {
    return base::ReadFileAt(root, path, kMaxConfig);
  });
  const auto config = text.ok() ? json::Parse(*text, {.bytes = kMaxConfig})
                                : absl::StatusOr<json::Value>(text.status());
  const auto life = config.ok() ? oci::GetLife(*config) : config.status();
  const auto driver = life.ok() ? log::ParseDriver(life->log.driver) : std::nullopt;
  if (driver == log::Driver::kNone) {
    return NotReadable("its output is kept nowhere: --log-driver none");
  }
  if (driver == log::Driver::kJournald) {
    return NotReadable(absl::StrCat("journalctl CONTAINER_ID_FULL=", id));
  }
  return absl::OkStatus();
}

// The folder of its log; invalid if it has not been started yet.
absl::StatusOr<base::UniqueFd> OpenLog(const store::Store& store, const std::string& id) {
  STAVE_RETURN_IF_ERROR(CheckDriver(store, id));
  auto folder = InHome(store, id, "log", [](int root, const std::string& path) {
    return base::OpenDirAt(root, path);
  });
  if (!absl::IsNotFound(folder.status())) return folder;
  STAVE_ASSIGN_OR_RETURN(const auto container, store::GetContainer(store, id));
  if (!container.record.started) return base::UniqueFd();
  return NotReadable("a container that ns-run runs in the foreground has no log: use -d");
}

absl::Status Follow(const store::Store& store, const std::string& id, log::Reader* reader,
                    tools::Printer* printer) {
  STAVE_ASSIGN_OR_RETURN(auto end, tools::ContainerEnd::Watch(store, id));
  log::Waiting waiting;
  waiting.wake = end.Events();
  waiting.wake.push_back({STDOUT_FILENO, 0, 0});  // its reader may go while nothing is printed
  waiting.ended = [&end]() -> absl::StatusOr<bool> {
    pollfd out = {STDOUT_FILENO, 0, 0};
    if (::poll(&out, 1, 0) > 0) return base::PosixError(EPIPE, "stdout", "write");
    return end.Reached();
  };
  waiting.idle = [printer] { return printer->Flush(); };
  return reader->Follow([printer](const log::Record& record) { return printer->Print(record); },
                        waiting);
}

bool Runs(const store::Store& store, const std::string& id) {
  const auto container = store::GetContainer(store, id);
  return container.ok() && store::IsLive(container->status);
}

void WarnOfDamage(const log::Reader& reader, bool is_still_written) {
  const uint64_t damaged = reader.damaged() + (reader.torn() && !is_still_written ? 1 : 0);
  if (damaged > 0) {
    cli::PrintWarning(kProgram, absl::StrCat(damaged, damaged == 1 ? " line" : " lines",
                                             " of the log cannot be read and ",
                                             damaged == 1 ? "was" : "were", " left out"));
  }
  if (reader.gap()) {
    cli::PrintWarning(kProgram,
                      "the log was rotated faster than it was read: lines may be missing");
  }
}

absl::Status ReadLog(const store::Store& store, const std::string& id, const log::Query& query) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd folder, OpenLog(store, id));
  if (!folder.valid()) return absl::OkStatus();
  const bool is_still_written = Runs(store, id);
  STAVE_ASSIGN_OR_RETURN(log::Reader reader, log::Reader::Open(folder.get(), query));
  tools::Printer printer({.timestamps = FLAGS_timestamps, .details = FLAGS_details}, STDOUT_FILENO,
                         STDERR_FILENO);
  if (FLAGS_follow) {
    STAVE_RETURN_IF_ERROR(Follow(store, id, &reader, &printer));
  } else {
    STAVE_RETURN_IF_ERROR(
        reader.Read([&](const log::Record& record) { return printer.Print(record); }));
  }
  STAVE_RETURN_IF_ERROR(printer.Flush());
  WarnOfDamage(reader, is_still_written && !FLAGS_follow);
  return absl::OkStatus();
}

absl::StatusOr<int> Run(const cli::Invocation& invocation) {
  if (invocation.operands().size() != 1) return cli::UsageError("one CONTAINER is wanted");
  STAVE_ASSIGN_OR_RETURN(const log::Query query, ReadQuery());
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  STAVE_ASSIGN_OR_RETURN(const std::string id,
                         store::FindContainer(store, invocation.operands()[0]));
  STAVE_RETURN_IF_ERROR(ReadLog(store, id, query));
  return 0;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}
