// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-monitor/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/deadline.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/base/unique_fd.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/monitor/channel.h"
#include "libs/monitor/restart_policy.h"
#include "libs/runtime/ending.h"
#include "libs/runtime/foreground.h"
#include "libs/runtime/pause.h"
#include "libs/runtime/sent_signals.h"
#include "libs/store/containers.h"
#include "libs/store/events.h"
#include "libs/store/pending.h"
#include "libs/store/record.h"
#include "libs/store/store.h"
#include "tools/stave-monitor/clients.h"
#include "tools/stave-monitor/container.h"
#include "tools/stave-monitor/health.h"
#include "tools/stave-monitor/idle_memory.h"
#include "tools/stave-monitor/make.h"
#include "tools/stave-monitor/streams.h"

namespace stave::tools {
namespace {

constexpr absl::Duration kRest = absl::Seconds(1);  // of silence, and memory is given back

class Monitor {
 public:
  explicit Monitor(const Orders& orders) : orders_(orders) {}

  absl::Status Open();
  int Run();

 private:
  enum class Phase { kRunning, kRestarting };

  void TakeFirstClient();
  void AddTo(std::vector<pollfd>* polls);
  base::Deadline NextDeadline() const;
  bool RunOnce();

  void Answer(Client* client);
  void Attach(Client* client, const monitor::AttachWish& wish);
  using Asker = std::optional<runtime::Asker>;
  void BeginStop(absl::Duration timeout, int signal, const char* why, const Asker& asker);
  void SendSignal(int signal, const char* why, const Asker& asker);
  void KillAll(const char* why, const Asker& asker);
  void TakeSignal();
  void Rest();

  void TellEnd(std::optional<int> code);
  bool AwaitRestart(const store::Exit& exit, absl::Duration wait);
  [[nodiscard]] int Finish(const store::Exit& exit);
  void FlushClients();

  Orders orders_;
  WatchedContainer container_;
  PayloadStreams streams_;
  std::optional<HealthWatch> health_;
  base::UniqueFd signals_, payload_;
  std::list<Client> clients_;
  Entrance entrance_;
  size_t payload_slot_ = 0, signals_slot_ = 0;
  Phase phase_ = Phase::kRunning;
  base::Deadline kill_at_ = base::Deadline::Never();
  base::Deadline rest_at_ = base::Deadline::After(absl::ZeroDuration());
  base::Deadline restart_at_ = base::Deadline::Never();
  std::vector<store::SentSignal> sent_;
  bool stopped_ = false;    // somebody wanted its end
  bool goes_down_ = false;  // the machine does
};

absl::Status Monitor::Open() {
  STAVE_RETURN_IF_ERROR(container_.Open(orders_));
  STAVE_RETURN_IF_ERROR(streams_.Open(orders_, container_));
  entrance_.Open(Own(orders_.listener));
  payload_ = Own(orders_.pidfd);
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGHUP, SIGINT, SIGTERM}) ::sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // of a log, with the caller's limit
  signals_ = base::UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  base::NullStreams();
  [[maybe_unused]] const int changed = ::chdir("/");
  return absl::OkStatus();
}

// Who has it started sees all that the payload writes: it is attached before anything is read.
void Monitor::TakeFirstClient() {
  base::UniqueFd socket = Own(orders_.client);
  if (!socket.valid()) return;
  clients_.emplace_back(std::move(socket));
  Client* client = &clients_.back();
  const auto request = monitor::ReceiveRequest(client->socket(), MSG_DONTWAIT);
  if (request.ok() && std::holds_alternative<monitor::AttachWish>(*request)) {
    Attach(client, std::get<monitor::AttachWish>(*request));
  } else {
    client->Tell(monitor::Answer(monitor::Done{container_.has_terminal()}));
  }
}

void Monitor::AddTo(std::vector<pollfd>* polls) {
  payload_slot_ = polls->size();
  polls->push_back({phase_ == Phase::kRunning ? payload_.get() : -1, POLLIN, 0});
  signals_slot_ = polls->size();
  polls->push_back({signals_.get(), POLLIN, 0});
  entrance_.AddTo(clients_.size(), polls);
  if (health_) health_->AddTo(polls);
  const bool full = std::any_of(clients_.begin(), clients_.end(),
                                [](const Client& client) { return client.IsFull(); });
  streams_.AddTo(full, &clients_, polls);
}

base::Deadline Monitor::NextDeadline() const {
  const base::Deadline check = health_ ? health_->deadline() : base::Deadline::Never();
  const base::Deadline slow = FirstDeadline(clients_);
  const base::Deadline entry = entrance_.deadline();
  const base::Deadline* next = &kill_at_;
  for (const base::Deadline* one : {&rest_at_, &restart_at_, &check, &slow, &entry}) {
    if (one->Left() < next->Left()) next = one;
  }
  return *next;
}

// False: the payload has ended.
bool Monitor::RunOnce() {
  std::vector<pollfd> polls;
  AddTo(&polls);
  if (::poll(polls.data(), polls.size(), NextDeadline().PollTimeout()) < 0) return true;
  if (polls[signals_slot_].revents != 0) TakeSignal();
  std::vector<Client*> asking;
  for (Client& client : clients_) {
    if (client.Serve(polls)) asking.push_back(&client);
  }
  for (Client* client : asking) Answer(client);
  if (streams_.Serve(polls, &clients_)) rest_at_ = base::Deadline::After(kRest);
  for (Client& client : clients_) client.LeaveIfSlow();
  clients_.remove_if([](const Client& client) { return client.gone(); });
  entrance_.Serve(polls, &clients_);
  if (health_) {
    if (const auto now = health_->Serve(polls)) {
      container_.TellHealth(*now);
    }
  }
  if (kill_at_.Passed()) KillAll("timeout", std::nullopt);
  if (rest_at_.Passed()) Rest();
  return phase_ != Phase::kRunning || polls[payload_slot_].revents == 0;
}

void Monitor::Attach(Client* client, const monitor::AttachWish& wish) {
  streams_.SetSize(wish.size);
  const absl::Status attached = client->Attach(wish, container_.has_terminal());
  if (!attached.ok()) {
    client->Tell(monitor::Answer(attached));
    return client->Leave();
  }
  store::AppendEvent(container_.store(), "attach", orders_.id, container_.name());
}

void Monitor::Answer(Client* client) {
  const auto request = monitor::ReceiveRequest(client->socket(), MSG_DONTWAIT);
  if (!request.ok()) {
    if (absl::IsUnavailable(request.status())) return;
    if (!absl::IsAborted(request.status())) client->Tell(monitor::Answer(request.status()));
    return client->Leave();
  }
  const monitor::Answer done{monitor::Done{container_.has_terminal()}};
  if (const auto* size = std::get_if<monitor::TerminalSize>(&*request))
    return streams_.SetSize(*size);
  if (const auto* wish = std::get_if<monitor::AttachWish>(&*request)) {
    if (phase_ == Phase::kRunning) return Attach(client, *wish);
    return client->Tell(monitor::Answer(
        base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE",
                    absl::StrCat("Container ", orders_.id,
                                 " is restarting, wait until the container is running"))));
  }
  if (const auto* wish = std::get_if<monitor::StopWish>(&*request)) {
    client->waits_for_end = true;
    client->Tell(done);
    stopped_ = true;
    return BeginStop(wish->timeout, wish->signal, "stop", runtime::AskerBehind(client->socket()));
  }
  if (const auto* wish = std::get_if<monitor::SignalWish>(&*request)) {
    const bool stops = wish->signal == SIGKILL || wish->signal == container_.stop_signal();
    stopped_ = stopped_ || stops;
    const Asker asker = runtime::AskerBehind(client->socket());
    if (wish->signal == SIGKILL) {
      KillAll("signal", asker);
    } else {
      SendSignal(wish->signal, "signal", asker);
    }
    return client->Tell(done);
  }
  const absl::Status updated =
      container_.SetRestart(std::get<monitor::UpdateWish>(*request).restart);
  client->Tell(updated.ok() ? done : monitor::Answer(updated));
}

void Monitor::BeginStop(absl::Duration timeout, int signal, const char* why, const Asker& asker) {
  if (phase_ == Phase::kRestarting) {
    restart_at_ = base::Deadline::After(absl::ZeroDuration());
    return;
  }
  SendSignal(signal != 0 ? signal : container_.stop_signal(), why, asker);
  const auto view = store::GetContainer(container_.store(), orders_.id);
  if (view.ok()) runtime::ThawIfPaused(container_.store(), *view);
  const base::Deadline deadline = base::Deadline::After(timeout);
  if (deadline.Left() < kill_at_.Left()) kill_at_ = deadline;
}

void Monitor::SendSignal(int signal, const char* why, const Asker& asker) {
  if (phase_ != Phase::kRunning) return;
  runtime::NoteSignal(signal, why, asker, &sent_);
  base::SignalProcess(payload_.get(), signal).IgnoreError();
}

void Monitor::KillAll(const char* why, const Asker& asker) {
  kill_at_ = base::Deadline::Never();
  SendSignal(SIGKILL, why, asker);
  if (container_.group()) container_.group()->Kill().IgnoreError();
}

// SIGTERM: the machine goes down, and the payload gets its time to end.
void Monitor::TakeSignal() {
  signalfd_siginfo info;
  if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
  if (info.ssi_signo != SIGTERM) return;
  goes_down_ = true;
  const runtime::Asker asker{static_cast<pid_t>(info.ssi_pid), info.ssi_uid};
  BeginStop(container_.stop_timeout(), 0, "shutdown", asker);
}

void Monitor::Rest() {
  rest_at_ = base::Deadline::Never();
  streams_.ReleaseMemory();
  ReleaseIdleMemory();
}

void Monitor::TellEnd(std::optional<int> code) {
  for (Client& client : clients_) {
    if (client.waits_for_end) client.Tell(monitor::Answer(monitor::Ended{code}));
  }
}

// Whoever is attached reads the rest, and then sees the end of the streams.
void Monitor::FlushClients() {
  for (;;) {
    for (Client& client : clients_) {
      if (client.IsFlushed()) client.Leave();
    }
    clients_.remove_if([](const Client& client) { return client.gone(); });
    if (clients_.empty()) return;
    std::vector<pollfd> polls;
    for (Client& client : clients_) client.AddTo(false, &polls);
    if (::poll(polls.data(), polls.size(), FirstDeadline(clients_).PollTimeout()) < 0) continue;
    for (Client& client : clients_) {
      if (client.Serve(polls) && !monitor::ReceiveRequest(client.socket(), MSG_DONTWAIT).ok()) {
        client.Leave();
      }
      client.LeaveIfSlow();
    }
  }
}

// True if the time has come; false if somebody wanted it stopped meanwhile.
bool Monitor::AwaitRestart(const store::Exit& exit, absl::Duration wait) {
  phase_ = Phase::kRestarting;
  container_.WriteRestarting(exit, orders_, absl::Now() + wait);
  TellEnd(exit.code);
  const base::Deadline due = base::Deadline::After(wait);
  restart_at_ = due;
  while (!stopped_ && !goes_down_) {
    clients_.remove_if([](const Client& client) { return client.IsDone(); });
    if (due.Passed()) {
      if (AreFlushed(clients_)) return true;
      restart_at_ = base::Deadline::Never();
    }
    RunOnce();
  }
  return false;
}

int Monitor::Finish(const store::Exit& exit) {
  container_.End(exit, [this, &exit] { TellEnd(exit.code); });
  entrance_.Close();  // who waits there is not kept waiting
  FlushClients();
  return 0;
}

int Monitor::Run() {
  if (container_.health().enabled()) {
    health_.emplace(container_.health(),
                    HealthPlace{orders_.state, orders_.run, orders_.id, container_.run()},
                    container_.started());
  }
  TakeFirstClient();  // who is told that it runs sees its health
  while (RunOnce()) {
  }
  health_.reset();
  const auto reaped = runtime::Reap(static_cast<pid_t>(orders_.pid));
  runtime::Ended ended = reaped.value_or(runtime::Ended());
  container_.KillRest();  // they write no more
  streams_.Drain(&clients_);
  ended.sent = std::move(sent_);
  store::Exit exit = container_.ExitOf(ended);
  if (!reaped.ok()) exit.code.reset();
  exit.requested = stopped_;
  exit.restarts = orders_.restarts;
  monitor::RestartHistory history{orders_.restarts, orders_.failures,
                                  absl::Milliseconds(orders_.waited)};
  const monitor::RunThatEnded run{ended.code, container_.Ran(exit), stopped_ || goes_down_};
  const auto wait =
      container_.rm() ? std::nullopt : monitor::NextStart(container_.restart(), run, &history);
  container_.TellDied(exit);
  if (!wait) return Finish(exit);
  orders_.restarts = history.restarts;
  orders_.failures = history.failures;
  orders_.waited = absl::ToInt64Milliseconds(history.waited);
  orders_.last_code = ended.code;
  if (AwaitRestart(exit, *wait)) {
    container_.BecomeMaker(orders_, entrance_.listener());  // returns only on failure
  }
  exit.requested = stopped_;
  return Finish(exit);
}

}  // namespace

int Watch(const Orders& orders) {
  Monitor monitor(orders);
  if (!monitor.Open().ok()) return 1;
  return monitor.Run();
}

}  // namespace stave::tools
