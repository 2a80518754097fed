// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/sent_signals.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"

namespace stave::runtime {
namespace {

constexpr size_t kMaxName = 64;  // TASK_COMM_LEN is 16

std::string NameOf(pid_t pid) {
  const auto name = base::ReadFileAt(AT_FDCWD, absl::StrCat("/proc/", pid, "/comm"), kMaxName);
  return name.ok() ? base::Printable(absl::StripSuffix(*name, "\n")) : "";
}

}  // namespace

std::optional<Asker> AskerBehind(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return std::nullopt;
  return Asker{peer.pid, peer.uid};
}

void NoteSignal(int signal, const char* why, const std::optional<Asker>& asker,
                std::vector<store::SentSignal>* sent) {
  for (const int idle : {SIGCHLD, SIGCONT, SIGURG, SIGWINCH}) {
    if (signal == idle) return;
  }
  if (sent->size() >= store::kMaxSentSignals) sent->erase(sent->begin());
  store::SentSignal one;
  one.signal = signal;
  one.time = absl::Now();
  one.why = why;
  if (asker) {
    one.pid = asker->pid;
    one.uid = asker->uid;
    if (asker->pid > 0) one.name = NameOf(asker->pid);
  }
  sent->push_back(std::move(one));
}

}  // namespace stave::runtime
