// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/session.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/listing.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/base/unique_fd.h"
#include "libs/runtime/creation.h"
#include "libs/runtime/ending.h"
#include "libs/runtime/recover.h"
#include "libs/runtime/start.h"
#include "libs/store/events.h"
#include "libs/store/record.h"

namespace stave::runtime {
namespace {

// What the caller had open beside its streams. Ours are all close-on-exec.
void CloseInherited() {
  base::UniqueFd all(::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!all.valid()) return;
  const auto names = base::ListNames(std::move(all), "/proc/self/fd");
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    int fd = -1;
    if (!absl::SimpleAtoi(name, &fd) || fd < 3) continue;
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) ::close(fd);
  }
}

// What a session has made, in the order of making, and takes back in the opposite one.
class Session {
 public:
  Session(const store::Store& store, const SessionWishes& wishes)
      : store_(store), wishes_(wishes) {}

  absl::StatusOr<int> Run(json::Value document);

 private:
  absl::StatusOr<Launched> Begin(const Foreground& foreground);
  void TellEvent(absl::string_view action) const;
  absl::Status Tell(const store::Exit& exit);
  void CleanUpDetached(Foreground foreground);
  Ending ending() { return {&store_, &created_->entry, &start_->group(), &start_->state()}; }

  const store::Store& store_;
  const SessionWishes& wishes_;
  json::Value document_;
  std::optional<Created> created_;
  std::optional<Start> start_;
};

absl::StatusOr<Launched> Session::Begin(const Foreground& foreground) {
  STAVE_RETURN_IF_ERROR(start_->Prepare());
  StartStreams streams{foreground.in(), foreground.out(), foreground.err(), foreground.size()};
  STAVE_ASSIGN_OR_RETURN(Launched launched, start_->Launch(streams));
  STAVE_RETURN_IF_ERROR(start_->WriteRunning(launched));
  TellCreated(store_, created_->entry, document_);
  TellEvent("start");
  return launched;
}

void Session::TellEvent(absl::string_view action) const {
  store::AppendEvent(store_, action, created_->entry.id(), created_->entry.intent().name);
}

absl::Status Session::Tell(const store::Exit& exit) {
  TellDied(exit, ending());
  STAVE_RETURN_IF_ERROR(WriteEnd(exit, ending()));
  if (created_->entry.intent().rm) TellEvent("destroy");
  return absl::OkStatus();
}

// After the end has been told: the rest takes time that nobody should wait for. The child holds the
// entry's lock until all is gone; killed, it leaves the entry to the next sweep.
// Nothing of the caller's stays open in it: a reader of the caller's pipes would wait for it.
void Session::CleanUpDetached(Foreground foreground) {
  const pid_t child = ::fork();
  if (child > 0) {
    if (start_->group()) start_->group()->Release();
    return;
  }
  if (child == 0) {
    ::setsid();
    base::NullStreams();
    CloseInherited();
    { const Foreground gone = std::move(foreground); }
    [[maybe_unused]] const int changed = ::chdir("/");
  }
  start_->ReleaseRoot();
  const absl::Status done = CleanUp(ending());
  if (child == 0) ::_exit(done.ok() ? 0 : 1);
}

absl::StatusOr<int> Session::Run(json::Value document) {
  STAVE_ASSIGN_OR_RETURN(Foreground foreground, Foreground::Prepare(wishes_.streams));
  document_ = std::move(document);
  const CreationWishes creation{wishes_.keep == Keep::kNothing, wishes_.record, true};
  STAVE_ASSIGN_OR_RETURN(Created created, Create(store_, creation, &document_));
  created_.emplace(std::move(created));
  start_.emplace(store_, &created_->entry, std::move(created_->plan), document_, wishes_.warn);
  absl::StatusOr<Launched> launched = Begin(foreground);
  if (!launched.ok()) {
    start_->TakeBack();
    return launched.status();
  }
  const bool has_poststop = !start_->plan().hooks.poststop.empty();
  const absl::StatusOr<Ended> ended = foreground.Watch(&*launched);
  if (!start_->plan().Creates(CLONE_NEWPID)) KillRest(ending());
  const absl::Status told = ended.ok() ? Tell(ExitOf(*ended, ending())) : ended.status();
  if (!told.ok()) {
    start_->EndGroup();
    start_->hooks().TellGone();
    return told;
  }
  if (has_poststop) start_->ReleaseRoot();
  TellGone(start_->hooks(), has_poststop, ending());
  CleanUpDetached(std::move(foreground));
  STAVE_RETURN_IF_ERROR(ended->shown);
  return ended->code;
}

}  // namespace

absl::StatusOr<int> RunInForeground(const store::Store& store, json::Value document,
                                    const SessionWishes& wishes) {
  // What somebody else left must not keep this one from running.
  if (const absl::Status swept = Sweep(store); !swept.ok() && wishes.warn != nullptr) {
    wishes.warn(absl::StrCat("cleaning up after an earlier command: ", swept.message()));
  }
  return Session(store, wishes).Run(std::move(document));
}

}  // namespace stave::runtime
