// SPDX-License-Identifier: Apache-2.0
//
// tty-attach - join the terminal or pipes to a container that runs
//
// Manual: tty-attach(1).

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/cli/program.h"
#include "libs/json/value.h"
#include "libs/monitor/channel.h"
#include "libs/oci/life_member.h"
#include "libs/oci/process.h"
#include "libs/pty/detach_keys.h"
#include "libs/runtime/attachment.h"
#include "libs/runtime/pause.h"
#include "libs/store/container.h"
#include "libs/store/containers.h"
#include "libs/store/events.h"
#include "libs/store/store.h"

DEFINE_string(detach_keys, "ctrl-p,ctrl-q", "");
DEFINE_string(sig_proxy, "true", "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"no-stdin", 0, cli::Takes::kNothing, "", "watch only: pass nothing on"},
    {"detach-keys", 0, cli::Takes::kValue, "KEYS",
     "keys that leave the container running; ctrl-p,ctrl-q otherwise"},
    {"sig-proxy", 0, cli::Takes::kValue, "BOOL",
     "pass signals on to a payload without a terminal; true otherwise"},
};

constexpr cli::Program kProgram = {
    .name = "tty-attach",
    .purpose = "join the terminal or pipes to a container that runs",
    .synopsis = "[OPTION...] CONTAINER",
    .options = kOptions,
};

absl::Status Refuse(absl::string_view word, absl::string_view message) {
  return base::Error(absl::StatusCode::kFailedPrecondition, word, message);
}

// Docker's texts.
absl::Status CheckStatus(const store::ContainerView& view) {
  if (view.status == store::Status::kRestarting) {
    return Refuse("E_STATE",
                  absl::StrCat("You cannot attach to a restarting container, wait until it is "
                               "running"));
  }
  if (view.status != store::Status::kRunning) {
    return Refuse("E_NOT_RUNNING", "You cannot attach to a stopped container, start it first");
  }
  if (runtime::IsPaused(view)) {
    return Refuse("E_STATE", "You cannot attach to a paused container, unpause it first");
  }
  return absl::OkStatus();
}

absl::StatusOr<runtime::AttachmentWishes> WishesFor(const store::Container& container,
                                                    const cli::Invocation& given,
                                                    const pty::DetachKeys& keys) {
  STAVE_ASSIGN_OR_RETURN(const json::Value document, container.ReadDocument());
  STAVE_ASSIGN_OR_RETURN(const oci::Life life, oci::GetLife(document));
  runtime::AttachmentWishes wishes;
  wishes.terminal = oci::HasTerminal(document);
  wishes.in = life.interactive && !given.Has("no-stdin");
  wishes.keys = keys;
  wishes.passes_signals = FLAGS_sig_proxy == "true" && !wishes.terminal;
  return wishes;
}

absl::StatusOr<int> Run(const cli::Invocation& given) {
  if (given.operands().size() != 1) return cli::UsageError("one CONTAINER is wanted");
  if (FLAGS_sig_proxy != "true" && FLAGS_sig_proxy != "false") {
    return cli::UsageError("--sig-proxy: is not true or false");
  }
  const auto keys = pty::DetachKeys::Parse(FLAGS_detach_keys);
  if (!keys.ok()) return cli::BadValue("detach-keys", keys.status());
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  STAVE_ASSIGN_OR_RETURN(const std::string id, store::FindContainer(store, given.operands()[0]));
  STAVE_ASSIGN_OR_RETURN(const store::ContainerView view, store::GetContainer(store, id));
  STAVE_RETURN_IF_ERROR(CheckStatus(view));
  STAVE_ASSIGN_OR_RETURN(const store::Container container, store::Container::Open(store, id));
  STAVE_ASSIGN_OR_RETURN(const runtime::AttachmentWishes wishes,
                         WishesFor(container, given, *keys));
  STAVE_ASSIGN_OR_RETURN(const monitor::AttachWish wish, runtime::WishOf(wishes));
  const auto socket = monitor::Connect(container.run());
  if (absl::IsNotFound(socket.status())) {
    return base::WithHint(
        Refuse("E_MONITOR",
               absl::StrCat("container ", given.operands()[0], ": nobody holds its streams")),
        "only what ns-run -d, --attachable or --start has started can be attached to");
  }
  STAVE_RETURN_IF_ERROR(socket.status());
  STAVE_RETURN_IF_ERROR(monitor::Send(socket->get(), monitor::Request(wish)));
  STAVE_ASSIGN_OR_RETURN(const runtime::Attached end, runtime::Attach(socket->get(), wishes));
  if (end.detached) {
    store::AppendEvent(store, "detach", id, view.record.name);
    return Refuse("E_DETACHED", "read escape sequence");
  }
  if (end.code) return *end.code;
  return Refuse("E_MONITOR", "the container has ended, and nobody saw how");
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}
