// SPDX-License-Identifier: Apache-2.0
//
// ps-signal: stops, kills, signals, pauses and unpauses containers.
#include <signal.h>
#include <unistd.h>

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gflags/gflags.h"
#include "libs/base/deadline.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/side_by_side.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"
#include "libs/runtime/await_end.h"
#include "libs/runtime/pause.h"
#include "libs/runtime/recover.h"
#include "libs/runtime/stop.h"
#include "libs/store/containers.h"
#include "libs/store/store.h"

DEFINE_bool(stop, false, "");
DEFINE_bool(pause, false, "");
DEFINE_bool(unpause, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"stop", 0, cli::Takes::kNothing, "",
     "send the container's stop signal, and SIGKILL if it has not ended in time"},
    {"timeout", 't', cli::Takes::kValue, "SECONDS",
     "with --stop: how long it has; -1 for ever, 0 kills at once; 10, if the container does not "
     "say"},
    {"signal", 's', cli::Takes::kValue, "SIGNAL",
     "the signal, by name or number; SIGKILL, or with --stop the container's stop signal"},
    {"pause", 0, cli::Takes::kNothing, "", "stop all processes of the container where they are"},
    {"unpause", 0, cli::Takes::kNothing, "", "let them go on"},
};

constexpr cli::Program kProgram = {
    .name = "ps-signal",
    .purpose = "stop, kill, signal, pause or unpause containers",
    .synopsis =
        "[-s SIGNAL] CONTAINER...\n"
        "--stop [-t SECONDS] [-s SIGNAL] CONTAINER...\n"
        "--pause|--unpause CONTAINER...",
    .options = kOptions,
};

constexpr absl::Duration kMakingHas = absl::Seconds(10);
constexpr size_t kAtATime = 64;
constexpr int64_t kMostSeconds = int64_t{1} << 31;

// What is to be done to each.
struct Wishes {
  std::optional<int> signal;
  std::optional<absl::Duration> grace;
};

absl::StatusOr<Wishes> ReadWishes(const cli::Invocation& given) {
  Wishes wishes;
  if ((FLAGS_stop ? 1 : 0) + (FLAGS_pause ? 1 : 0) + (FLAGS_unpause ? 1 : 0) > 1) {
    return cli::UsageError("--stop, --pause and --unpause: only one of them");
  }
  if (given.Has("timeout")) {
    if (!FLAGS_stop) return cli::UsageError("--timeout: needs --stop");
    const auto seconds = base::ParseInt(given.Get("timeout"), -1, kMostSeconds);
    if (!seconds.ok()) return cli::BadValue("timeout", seconds.status());
    wishes.grace = *seconds < 0 ? absl::InfiniteDuration() : absl::Seconds(*seconds);
  }
  if (given.Has("signal")) {
    if (FLAGS_pause || FLAGS_unpause) {
      return cli::UsageError("--signal: not with --pause or --unpause");
    }
    const auto signal = base::ParseSignal(given.Get("signal"));
    if (!signal.ok()) return cli::BadValue("signal", signal.status());
    wishes.signal = *signal;
  }
  return wishes;
}

absl::Status Act(const store::Store& store, const std::string& name, const std::string& id,
                 const Wishes& wishes) {
  STAVE_RETURN_IF_ERROR(runtime::AwaitMade(store, id, base::Deadline::After(kMakingHas)));
  if (FLAGS_pause) return runtime::Pause(store, id);
  if (FLAGS_unpause) return runtime::Unpause(store, id);
  if (FLAGS_stop) return runtime::Stop(store, id, {wishes.signal, wishes.grace});
  const absl::Status sent = runtime::SendSignal(store, id, wishes.signal.value_or(SIGKILL));
  if (sent.ok() || absl::IsNotFound(sent)) return sent;
  return base::WithContext(sent, absl::StrCat("cannot kill container: ", base::Printable(name)));
}

// Tells what became of each in the order of the operands, as soon as that is known.
class Teller {
 public:
  explicit Teller(const std::vector<std::string>& names) : names_(names), done_(names.size()) {}

  void Tell(size_t i, absl::Status status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    done_[i] = std::move(status);
    for (; next_ < done_.size() && done_[next_].has_value(); ++next_) Print(next_);
  }
  int code() const { return code_; }
  const absl::Status& written() const { return written_; }

 private:
  void Print(size_t i) {
    if (done_[i]->ok()) {
      written_.Update(base::WriteAll(STDOUT_FILENO, names_[i] + "\n", "stdout"));
    } else {
      cli::PrintError(kProgram, *done_[i]);
      code_ = 1;
    }
  }

  const std::vector<std::string>& names_;
  std::mutex mutex_;
  std::vector<std::optional<absl::Status>> done_;
  size_t next_ = 0;
  int code_ = 0;
  absl::Status written_;
};

absl::StatusOr<int> Run(const cli::Invocation& given) {
  STAVE_ASSIGN_OR_RETURN(const Wishes wishes, ReadWishes(given));
  const std::vector<std::string>& names = given.operands();
  if (names.empty()) return cli::UsageError("at least one CONTAINER is wanted");
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  // What cannot be recovered now says so when it is met below, and must not stop the others.
  const absl::Status swept = runtime::Sweep(store);
  if (!swept.ok()) cli::PrintWarning(kProgram, swept.message());
  std::vector<absl::StatusOr<std::string>> ids;
  store::ContainerFinder finder(store);
  for (const std::string& name : names) ids.push_back(finder.Find(name));
  Teller teller(names);
  base::SideBySide(names.size(), kAtATime, [&](size_t i) {
    teller.Tell(i, ids[i].ok() ? Act(store, names[i], *ids[i], wishes) : ids[i].status());
  });
  STAVE_RETURN_IF_ERROR(teller.written());
  return teller.code();
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}
