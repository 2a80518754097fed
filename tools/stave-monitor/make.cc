// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-monitor/make.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/base/unique_fd.h"
#include "libs/json/value.h"
#include "libs/log/driver.h"
#include "libs/log/writer.h"
#include "libs/monitor/channel.h"
#include "libs/oci/life_member.h"
#include "libs/runtime/creation.h"
#include "libs/runtime/ending.h"
#include "libs/runtime/plan.h"
#include "libs/runtime/report.h"
#include "libs/runtime/sealed_self.h"
#include "libs/runtime/shared_namespaces.h"
#include "libs/runtime/start.h"
#include "libs/runtime/start_failure.h"
#include "libs/store/container.h"
#include "libs/store/events.h"
#include "libs/store/pending.h"
#include "libs/store/record.h"
#include "libs/store/store.h"

namespace stave::tools {
namespace {

// The payload's ends of its streams, and ours.
struct Streams {
  base::UniqueFd in, out, err;
  base::UniqueFd our_in, our_out, our_err;
};

absl::StatusOr<Streams> MakeStreams(bool terminal, bool interactive) {
  Streams streams;
  if (interactive && !terminal) {
    STAVE_ASSIGN_OR_RETURN(base::Pipe pipe, base::MakePipe("streams"));
    streams.in = std::move(pipe.reader);
    streams.our_in = std::move(pipe.writer);
  } else {
    streams.in = base::UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!streams.in.valid()) return base::PosixError(errno, "/dev/null", "open");
  }
  if (terminal) {  // the payload gets the pty's other side
    STAVE_ASSIGN_OR_RETURN(streams.out, base::Duplicate(streams.in.get()));
    STAVE_ASSIGN_OR_RETURN(streams.err, base::Duplicate(streams.in.get()));
    return streams;
  }
  STAVE_ASSIGN_OR_RETURN(base::Pipe out, base::MakePipe("streams"));
  STAVE_ASSIGN_OR_RETURN(base::Pipe err, base::MakePipe("streams"));
  streams.our_out = std::move(out.reader);
  streams.out = std::move(out.writer);
  streams.our_err = std::move(err.reader);
  streams.err = std::move(err.writer);
  return streams;
}

// Survives execve(2) from here on.
int64_t Keep(base::UniqueFd* fd) {
  if (!fd->valid()) return -1;
  ::fcntl(fd->get(), F_SETFD, 0);
  return fd->Release();
}

class Maker {
 public:
  explicit Maker(Orders orders) : orders_(std::move(orders)) {}

  absl::Status Run();
  // After a failure.
  void TakeBack(const absl::Status& why);
  int client() const { return static_cast<int>(orders_.client); }

 private:
  bool is_restart() const { return orders_.restarts > 0; }
  absl::StatusOr<json::Value> ReadAndSeal();
  absl::Status Open();
  absl::Status StartIt();
  absl::Status MarkStarted();

  Orders orders_;
  std::optional<store::Store> store_;
  std::optional<store::Pending> entry_;
  json::Value document_;
  std::optional<store::Exit> last_;  // of a restart: how the run before ended
  std::optional<runtime::Start> start_;
};

// Before the entry is taken, which execve(2) would lose.
absl::StatusOr<json::Value> Maker::ReadAndSeal() {
  STAVE_ASSIGN_OR_RETURN(const store::Container container,
                         store::Container::Open(*store_, orders_.id));
  STAVE_ASSIGN_OR_RETURN(json::Value document, container.ReadDocument());
  if (runtime::SharesProcesses(document)) STAVE_RETURN_IF_ERROR(runtime::SealSelf());
  return document;
}

absl::Status Maker::Open() {
  STAVE_ASSIGN_OR_RETURN(store::Store store, store::Store::OpenRoots({orders_.state, orders_.run},
                                                                     store::Access::kWrite));
  store_.emplace(std::move(store));
  auto document = ReadAndSeal();
  base::UniqueFd lock(static_cast<int>(orders_.entry));
  const auto phase = is_restart() ? store::Phase::kForeground : store::Phase::kPending;
  STAVE_ASSIGN_OR_RETURN(store::Pending entry,
                         store::Pending::Inherit(*store_, orders_.id, phase, std::move(lock)));
  entry_.emplace(std::move(entry));
  if (is_restart()) last_ = entry_->container().ReadState().value_or(store::State()).last;
  if (!document.ok()) return document.status();
  document_ = *std::move(document);
  STAVE_ASSIGN_OR_RETURN(runtime::Plan plan, runtime::MakePlan(document_));
  STAVE_RETURN_IF_ERROR(runtime::CheckRunnable(plan));
  start_.emplace(*store_, &*entry_, std::move(plan), document_, nullptr);
  return absl::OkStatus();
}

absl::Status Maker::MarkStarted() {
  // Who renames it does so at the same time, perhaps.
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd lock,
                         store::LockRecord(*store_, entry_->container()));
  STAVE_ASSIGN_OR_RETURN(store::Record record, entry_->container().ReadRecord());
  if (!record.started) {
    record.started = true;
    STAVE_RETURN_IF_ERROR(entry_->container().WriteRecord(record));
  }
  store::AppendEvent(*store_, "start", record.id, record.name);
  return absl::OkStatus();
}

absl::Status Maker::StartIt() {
  STAVE_ASSIGN_OR_RETURN(const oci::Life life, oci::GetLife(document_));
  if (life.log.driver == log::DriverName(log::Driver::kJournald)) {
    log::WriterOptions options;  // a log that cannot be kept is no surprise for later
    options.driver = log::Driver::kJournald;
    STAVE_RETURN_IF_ERROR(log::Writer::Open(-1, options).status());
  }
  const bool terminal = start_->plan().process.terminal;
  STAVE_ASSIGN_OR_RETURN(Streams streams, MakeStreams(terminal, life.interactive));
  start_->SetRestarts(orders_.restarts,
                      orders_.last_code < 0
                          ? std::nullopt
                          : std::optional<int>(static_cast<int>(orders_.last_code)),
                      last_);
  STAVE_RETURN_IF_ERROR(start_->Prepare());
  runtime::StartStreams given;
  given.in = streams.in.get();
  given.out = streams.out.get();
  given.err = streams.err.get();
  given.size = {static_cast<uint16_t>(orders_.rows), static_cast<uint16_t>(orders_.columns)};
  given.lifetime = runtime::Lifetime::kOnItsOwn;
  STAVE_ASSIGN_OR_RETURN(runtime::Launched launched, start_->Launch(given));
  STAVE_RETURN_IF_ERROR(entry_->SetMonitored());
  STAVE_RETURN_IF_ERROR(start_->WriteRunning(launched));
  STAVE_RETURN_IF_ERROR(MarkStarted());
  if (orders_.listener < 0) {
    STAVE_ASSIGN_OR_RETURN(base::UniqueFd listener, monitor::Listen(entry_->container().run()));
    orders_.listener = Keep(&listener);
  }
  orders_.act = "watch";
  orders_.pid = launched.pid;
  orders_.pidfd = Keep(&launched.pidfd);
  orders_.terminal = Keep(&launched.terminal);
  orders_.in = Keep(&streams.our_in);
  orders_.out = Keep(&streams.our_out);
  orders_.err = Keep(&streams.our_err);
  return absl::OkStatus();
}

absl::Status Maker::Run() {
  STAVE_RETURN_IF_ERROR(Open());
  STAVE_RETURN_IF_ERROR(StartIt());
  // The lock goes along: the descriptor that the entry has is the one that was given.
  if (start_->group()) start_->group()->Release();
  ::fcntl(entry_->lock_fd(), F_SETFD, 0);
  orders_.entry = entry_->lock_fd();
  BecomeAnew(orders_);
  return base::PosixError(errno, "stave-monitor", "execute");
}

void Maker::TakeBack(const absl::Status& why) {
  if (!is_restart()) {
    if (entry_ && entry_->intent().existed) {
      runtime::WriteStartFailure(why, entry_->container()).IgnoreError();
    }
    if (start_) {
      start_->TakeBack();
    } else if (entry_) {
      entry_->Undo().IgnoreError();
    }
    if (entry_ && !entry_->intent().existed) {
      store::AppendEvent(*store_, "destroy", entry_->id(), entry_->intent().name);
    }
    return;
  }
  if (!start_) return;
  start_->EndGroup();
  const runtime::Ending ending{&*store_, &*entry_, &start_->group(), &start_->state()};
  runtime::Ended ended;
  ended.code = runtime::ExitCodeOf(why);
  store::Exit exit = runtime::ExitOf(ended, ending);
  exit.restarts = orders_.restarts;
  exit.error = runtime::StartErrorOf(why);
  if (runtime::WriteEnd(exit, ending).ok()) {
    runtime::CleanUp(ending).IgnoreError();
  }
}

}  // namespace

void BecomeAnew(const Orders& orders) {
  std::vector<std::string> words = FormatOrders(orders);
  words.insert(words.begin(), "stave-monitor");
  ::execv("/proc/self/exe", base::ExecPointers(words).data());
}

int Make(Orders orders) {
  Maker maker(std::move(orders));
  const absl::Status failed = maker.Run();
  maker.TakeBack(failed);
  if (maker.client() >= 0) monitor::Send(maker.client(), monitor::Answer(failed)).IgnoreError();
  return 1;
}

}  // namespace stave::tools
