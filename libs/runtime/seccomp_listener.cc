// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/seccomp_listener.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "libs/base/error.h"
#include "libs/base/passing.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unix_socket.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"

namespace stave::runtime {
namespace {

// config-linux.md "containerProcessState".
absl::StatusOr<std::string> ProcessState(const Launched& launched, const SeccompListener& listener,
                                         const StateText& state) {
  json::Value message = json::Value::Object();
  STAVE_ASSIGN_OR_RETURN(const json::Value container,
                         json::Parse(state ? state("creating", launched.pid) : "{}"));
  const json::Value* version = container.Find("ociVersion");
  message.Set("ociVersion", version != nullptr ? *version : json::Value::String("1.0.2"));
  message.Set("fds", json::Value::Strings({"seccompFd"}));
  message.Set("pid", json::Value::Number(launched.pid));
  if (!listener.metadata.empty()) message.Set("metadata", json::Value::String(listener.metadata));
  message.Set("state", container);
  return json::Print(message);
}

}  // namespace

bool Listens(const seccomp::Program* filter) {
  return filter != nullptr && (filter->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0;
}

absl::StatusOr<int> LoadFilter(const seccomp::Program* filter) {
  if (filter == nullptr) return -1;
  const sock_fprog program{static_cast<unsigned short>(filter->filter.size()),
                           const_cast<sock_filter*>(filter->filter.data())};
  const long loaded = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter->flags, &program);
  if (loaded < 0) return base::PosixError(errno, "/linux/seccomp", "load");
  return Listens(filter) ? static_cast<int>(loaded) : -1;
}

absl::Status PassListener(const Launched& launched, const std::string& number,
                          const SeccompListener& listener, const StateText& state) {
  int theirs = -1;
  if (!absl::SimpleAtoi(number, &theirs)) return absl::InternalError("seccomp: no listener");
  const base::UniqueFd fd(
      static_cast<int>(::syscall(SYS_pidfd_getfd, launched.pidfd.get(), theirs, 0)));
  if (!fd.valid()) return base::PosixError(errno, "/linux/seccomp", "take the listener");
  STAVE_ASSIGN_OR_RETURN(const std::string text, ProcessState(launched, listener, state));
  auto socket = base::ConnectUnix(listener.path);
  if (!socket.ok()) return base::WithContext(socket.status(), "/linux/seccomp/listenerPath");
  return base::WithContext(base::SendMessage(socket->get(), text, fd.get()),
                           "/linux/seccomp/listenerPath");
}

}  // namespace stave::runtime
