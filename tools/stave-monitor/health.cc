// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-monitor/health.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"

namespace stave::tools {
namespace {

constexpr int kNotMade = -1;
constexpr int kPiecesAtOnce = 16;
constexpr int kUrges = 3;
constexpr absl::Duration kUrgeHas = absl::Milliseconds(50);

bool IsStarting(const oci::Health& wish, absl::Duration ran, const store::Health& health) {
  return health.status == store::Wellness::kStarting && ran < wish.start_period;
}

// What ns-exec is given after the container's name.
std::vector<std::string> WordsOf(const std::vector<std::string>& test) {
  if (test.size() == 2 && test[0] == "CMD-SHELL") return {"/bin/sh", "-c", test[1]};
  if (!test.empty() && test[0] == "CMD") return {test.begin() + 1, test.end()};
  return test;
}

// Beside libexec/stave.
std::string NsExec() { return absl::StrCat(base::LibexecDir().value_or(""), "/../../bin/ns-exec"); }

// A payload prints what it likes, and the file is JSON.
std::string Printed(std::string output) {
  if (json::Parse(json::Print(json::Value::String(output))).ok()) return output;
  for (char& c : output) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return output;
}

}  // namespace

void NoteCheck(const oci::Health& wish, absl::Duration ran, store::HealthCheck check,
               store::Health* health) {
  if (check.exit_code == 0) {
    health->status = store::Wellness::kHealthy;
    health->failing_streak = 0;
  } else if (!IsStarting(wish, ran, *health)) {
    ++health->failing_streak;
    if (health->failing_streak >= wish.retries) health->status = store::Wellness::kUnhealthy;
  }
  health->log.push_back(std::move(check));
  if (health->log.size() > store::kHealthLog) health->log.erase(health->log.begin());
}

absl::Duration NextCheck(const oci::Health& wish, absl::Duration ran, const store::Health& health) {
  return IsStarting(wish, ran, health) ? std::min(wish.start_interval, wish.interval)
                                       : wish.interval;
}

HealthWatch::HealthWatch(const oci::Health& wish, HealthPlace place, absl::Time started)
    : wish_(wish), place_(std::move(place)), started_(started) {
  if (!wish_.enabled()) return;
  store::WriteHealth(place_.run_fd, health_).IgnoreError();
  due_ = base::Deadline::After(NextCheck(wish_, absl::Now() - started_, health_));
}

HealthWatch::~HealthWatch() { Stop(); }

base::Deadline HealthWatch::deadline() const { return process_ ? too_late_ : due_; }

absl::Status HealthWatch::Start() {
  STAVE_ASSIGN_OR_RETURN(base::Pipe pipe, base::MakePipe("health check"));
  output_ = std::move(pipe.reader);
  ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  base::Command command;
  command.path = NsExec();
  command.args = {"ns-exec", "--", place_.id};
  for (std::string& word : WordsOf(wish_.test)) command.args.push_back(std::move(word));
  command.fds = {{pipe.writer.get(), 1}, {pipe.writer.get(), 2}};
  command.environment = {absl::StrCat("STAVE_STATE=", place_.state),
                         absl::StrCat("STAVE_RUN=", place_.run)};
  STAVE_ASSIGN_OR_RETURN(base::ChildProcess process, base::Start(command));
  ended_ = base::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid(), 0)));
  if (!ended_.valid()) return base::PosixError(errno, "health check", "pidfd_open");
  process_.emplace(std::move(process));
  too_late_ = base::Deadline::After(wish_.timeout);
  return absl::OkStatus();
}

std::optional<store::Wellness> HealthWatch::Begin() {
  due_ = base::Deadline::Never();
  check_ = store::HealthCheck();
  check_.start = absl::Now();
  const absl::Status started = Start();
  if (started.ok()) return std::nullopt;
  check_.output = std::string(started.message());
  return Finish(kNotMade);
}

// At most what a pipe holds: one that writes for ever has but its turn.
void HealthWatch::Read() {
  char buffer[4096];
  for (int i = 0; i < kPiecesAtOnce && output_.valid(); ++i) {
    const ssize_t n = ::read(output_.get(), buffer, sizeof buffer);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return output_.Reset();
    const size_t room = store::kHealthOutput - check_.output.size();
    check_.output.append(buffer, std::min(room, static_cast<size_t>(n)));
  }
}

// ns-exec passes a signal on; the third makes it kill. Two that come at once are one to it. It is
// not waited for further: a check in a frozen container does not end.
void HealthWatch::Urge() {
  output_.Reset();
  const bool last = ++urges_ > kUrges;
  ::kill(process_->pid(), last ? SIGKILL : SIGTERM);
  too_late_ = last ? base::Deadline::Never() : base::Deadline::After(kUrgeHas);
}

std::optional<store::Wellness> HealthWatch::End() {
  const auto code = process_->Wait();
  process_.reset();
  if (urges_ == 0) {
    Read();
    return Finish(code.value_or(kNotMade));
  }
  check_.output =
      absl::StrCat("Health check exceeded timeout (", absl::FormatDuration(wish_.timeout), ")");
  return Finish(kNotMade);
}

std::optional<store::Wellness> HealthWatch::Finish(int exit_code) {
  output_.Reset();
  ended_.Reset();
  urges_ = 0;
  check_.end = absl::Now();
  check_.exit_code = exit_code;
  check_.output = Printed(std::move(check_.output));
  const store::Wellness before = health_.status;
  const absl::Duration ran = absl::Now() - started_;
  NoteCheck(wish_, ran, std::move(check_), &health_);
  store::WriteHealth(place_.run_fd, health_).IgnoreError();
  due_ = base::Deadline::After(NextCheck(wish_, ran, health_));
  too_late_ = base::Deadline::Never();
  if (before == health_.status) return std::nullopt;
  return health_.status;
}

void HealthWatch::AddTo(std::vector<pollfd>* polls) {
  output_slot_ = polls->size();
  polls->push_back({output_.get(), POLLIN, 0});
  ended_slot_ = polls->size();
  polls->push_back({ended_.get(), POLLIN, 0});
}

std::optional<store::Wellness> HealthWatch::Serve(const std::vector<pollfd>& polls) {
  if (!process_) return due_.Passed() ? Begin() : std::nullopt;
  if (polls[ended_slot_].revents != 0) return End();
  if (polls[output_slot_].revents != 0) Read();
  if (too_late_.Passed()) Urge();
  return std::nullopt;
}

void HealthWatch::Stop() {
  due_ = base::Deadline::Never();
  if (!process_) return;
  pollfd ended{ended_.get(), POLLIN, 0};
  do {
    Urge();
  } while (urges_ <= kUrges && ::poll(&ended, 1, too_late_.PollTimeout()) <= 0);
  (void)process_->Wait();
  process_.reset();
  ended_.Reset();
  too_late_ = base::Deadline::Never();
}

}  // namespace stave::tools
