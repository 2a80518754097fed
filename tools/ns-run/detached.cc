// SPDX-License-Identifier: Apache-2.0
#include "tools/ns-run/detached.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/deadline.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/base/unique_fd.h"
#include "libs/monitor/channel.h"
#include "libs/monitor/restart_policy.h"
#include "libs/oci/life_member.h"
#include "libs/oci/process.h"
#include "libs/runtime/creation.h"
#include "libs/runtime/monitor_start.h"
#include "libs/runtime/recover.h"
#include "libs/runtime/report.h"
#include "libs/store/container.h"
#include "libs/store/containers.h"
#include "libs/store/pending.h"

namespace stave::tools {
namespace {

constexpr absl::Duration kTidyingHas = absl::Seconds(20);
constexpr absl::Duration kLooksAgain = absl::Milliseconds(5);

// --cidfile: made before the container, so that none is made where it cannot be written.
class IdFile {
 public:
  static absl::StatusOr<IdFile> Make(const std::string& path) {
    IdFile file;
    file.path_ = path;
    if (path.empty()) return file;
    file.fd_ = base::UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (file.fd_.valid()) return file;
    if (errno != EEXIST) return base::PosixError(errno, path, "create");
    return base::WithHint(
        base::Error(absl::StatusCode::kAlreadyExists, "E_EXISTS",
                    absl::StrCat("container ID file found, make sure the other container isn't "
                                 "running or delete ",
                                 base::Printable(path, 4096))),
        "--cidfile names it");
  }
  absl::Status Write(const std::string& id) {
    if (!fd_.valid()) return absl::OkStatus();
    written_ = true;
    return base::WriteAll(fd_.get(), id, path_);
  }
  // It does not outlive this object: there is no such container.
  void TakeBack() { written_ = false; }
  IdFile() = default;
  IdFile(IdFile&&) = default;
  ~IdFile() {
    if (fd_.valid() && !written_) ::unlink(path_.c_str());
  }

 private:
  std::string path_;
  base::UniqueFd fd_;
  bool written_ = false;
};

absl::Status PrintLine(const std::string& text) {
  return base::WriteAll(STDOUT_FILENO, text + "\n", "stdout");
}

// What somebody else left must not keep this one from running.
void SweepFirst(const store::Store& store, const DetachedWishes& wishes) {
  const absl::Status swept = runtime::Sweep(store);
  if (!swept.ok() && wishes.warn) {
    wishes.warn(absl::StrCat("cleaning up after an earlier command: ", swept.message()));
  }
}

absl::StatusOr<store::Pending> Make(const store::Store& store, json::Value* document,
                                    const DetachedWishes& wishes) {
  SweepFirst(store, wishes);
  STAVE_ASSIGN_OR_RETURN(runtime::Created created,
                         runtime::Create(store, {wishes.rm, true, false}, document));
  runtime::TellCreated(store, created.entry, *document);
  return std::move(created.entry);
}

// The same, to be started. From here on it exists, whatever becomes of its start, unless it is
// --rm.
absl::StatusOr<store::Pending> MakeToStart(const store::Store& store, json::Value* document,
                                           const DetachedWishes& wishes) {
  STAVE_ASSIGN_OR_RETURN(store::Pending entry, Make(store, document, wishes));
  if (wishes.rm) return entry;
  const std::string id = entry.id();
  STAVE_RETURN_IF_ERROR(entry.Done());
  return store::Pending::Adopt(store, id, true);
}

// What the monitor says first. Errors: what kept it from starting the payload.
absl::Status AwaitStart(int socket) {
  const auto received = monitor::ReceiveAnswer(socket);
  if (absl::IsAborted(received.status())) {
    return base::Error(absl::StatusCode::kAborted, "E_MONITOR",
                       "stave-monitor has ended without a word");
  }
  STAVE_RETURN_IF_ERROR(received.status());
  if (const auto* refused = std::get_if<absl::Status>(&received->answer)) return *refused;
  return absl::OkStatus();
}

absl::StatusOr<oci::Life> ReadLife(const store::Container& container) {
  STAVE_ASSIGN_OR_RETURN(const json::Value document, container.ReadDocument());
  return oci::GetLife(document);
}

// 0 after detaching, as docker run.
int CodeOf(const runtime::Attached& end) {
  return end.detached ? 0 : end.code.value_or(runtime::kOwnFailure);
}

// To start it; nullopt: it runs. Who has it in hand starts it, or tidies up after its end, which
// has been told already: so a stop and a start may follow each other.
absl::StatusOr<std::optional<store::Pending>> AdoptIfEnded(const store::Store& store,
                                                           const std::string& id) {
  const base::Deadline deadline = base::Deadline::After(kTidyingHas);
  for (;;) {
    STAVE_ASSIGN_OR_RETURN(const store::ContainerView view, store::GetContainer(store, id));
    // One without a first process is about to have ended.
    const bool ending = view.status == store::Status::kRunning &&
                        !(view.state.has_value() && view.state->init.has_value());
    if (store::IsLive(view.status) && !ending) return std::optional<store::Pending>();
    auto entry = store::Pending::Adopt(store, id, true);
    if (entry.ok()) return std::optional<store::Pending>(*std::move(entry));
    if (base::ErrorWord(entry.status()) != "E_RUNNING" || deadline.Passed()) return entry.status();
    absl::SleepFor(kLooksAgain);
  }
}

absl::Status StartOne(const store::Store& store, const std::string& id) {
  STAVE_ASSIGN_OR_RETURN(std::optional<store::Pending> entry, AdoptIfEnded(store, id));
  if (!entry) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd socket,
                         runtime::StartMonitor(store, *std::move(entry), std::nullopt));
  return AwaitStart(socket.get());
}

absl::StatusOr<base::UniqueFd> Join(const store::Container& container,
                                    const monitor::AttachWish& wish) {
  auto socket = monitor::Connect(container.run());
  if (absl::IsNotFound(socket.status())) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_MONITOR",
                       absl::StrCat("container ", container.id(), ": nobody holds its streams"));
  }
  STAVE_RETURN_IF_ERROR(socket.status());
  STAVE_RETURN_IF_ERROR(monitor::Send(socket->get(), monitor::Request(wish)));
  return socket;
}

// Whether the process is past its last instruction, or a zombie: PF_EXITING in proc_pid_stat(5).
bool IsEnding(absl::string_view pid) {
  constexpr uint64_t kExiting = 4;
  constexpr size_t kFlags = 6;  // of what follows the name
  const auto text = base::ReadFileAt(AT_FDCWD, absl::StrCat("/proc/", pid, "/stat"), 4096);
  if (!text.ok() || text->rfind(')') == text->npos) return false;
  const std::vector<std::string> fields =
      absl::StrSplit(text->substr(text->rfind(')') + 1), ' ', absl::SkipEmpty());
  const auto flags = fields.size() > kFlags ? base::ParseUint(fields[kFlags], 0, UINT64_MAX)
                                            : absl::StatusOr<uint64_t>(0);
  return flags.ok() && (*flags & kExiting) != 0;
}

// Where a process has become this one, as stave does, its children are this one's. The stages
// before have ended with the document, and would be zombies for as long as the container lives.
void ReapEarlierStages() {
  const auto children = base::ReadFileAt(AT_FDCWD, "/proc/thread-self/children", 4096);
  if (!children.ok()) return;
  for (const absl::string_view child : absl::StrSplit(*children, ' ', absl::SkipEmpty())) {
    const auto pid = base::ParseUint(child, 1, INT32_MAX);
    if (pid.ok() && IsEnding(child)) base::ReapChild(static_cast<pid_t>(*pid));
  }
}

}  // namespace

absl::StatusOr<int> CreateOnly(const store::Store& store, json::Value document,
                               const DetachedWishes& wishes) {
  STAVE_ASSIGN_OR_RETURN(IdFile file, IdFile::Make(wishes.cidfile));
  STAVE_ASSIGN_OR_RETURN(store::Pending entry, Make(store, &document, wishes));
  const std::string id = entry.id();
  STAVE_RETURN_IF_ERROR(entry.Done());
  STAVE_RETURN_IF_ERROR(file.Write(id));
  STAVE_RETURN_IF_ERROR(PrintLine(id));
  return 0;
}

absl::StatusOr<int> RunDetached(const store::Store& store, json::Value document,
                                const DetachedWishes& wishes) {
  STAVE_ASSIGN_OR_RETURN(IdFile file, IdFile::Make(wishes.cidfile));
  STAVE_ASSIGN_OR_RETURN(store::Pending entry, MakeToStart(store, &document, wishes));
  const std::string id = entry.id();
  STAVE_RETURN_IF_ERROR(file.Write(id));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd socket,
                         runtime::StartMonitor(store, std::move(entry), std::nullopt));
  const absl::Status started = AwaitStart(socket.get());
  if (!started.ok()) {
    if (wishes.rm) file.TakeBack();
    return started;
  }
  STAVE_RETURN_IF_ERROR(PrintLine(id));
  return 0;
}

absl::StatusOr<int> RunAttached(const store::Store& store, json::Value document,
                                const DetachedWishes& wishes,
                                const runtime::AttachmentWishes& attachment) {
  STAVE_ASSIGN_OR_RETURN(const monitor::AttachWish wish, runtime::WishOf(attachment));
  STAVE_ASSIGN_OR_RETURN(IdFile file, IdFile::Make(wishes.cidfile));
  STAVE_ASSIGN_OR_RETURN(store::Pending entry, MakeToStart(store, &document, wishes));
  const std::string id = entry.id();
  STAVE_RETURN_IF_ERROR(file.Write(id));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd socket,
                         runtime::StartMonitor(store, std::move(entry), wish));
  ReapEarlierStages();
  const auto end = runtime::Attach(socket.get(), attachment);
  if (end.ok()) return CodeOf(*end);
  // It began, if it could not be shown.
  const bool began = runtime::ExitCodeOf(end.status()) == runtime::kNotShown;
  if (!began && absl::IsNotFound(store::GetContainer(store, id).status())) file.TakeBack();
  return end.status();
}

absl::StatusOr<int> StartAll(const store::Store& store, const std::vector<std::string>& names,
                             const std::function<void(const absl::Status&)>& fail) {
  SweepFirst(store, {});
  std::vector<std::string> failed;
  store::ContainerFinder finder(store);
  for (const std::string& name : names) {
    const absl::StatusOr<std::string> id = finder.Find(name);
    const absl::Status started = id.ok() ? StartOne(store, *id) : id.status();
    if (started.ok()) {
      STAVE_RETURN_IF_ERROR(PrintLine(name));
      continue;
    }
    fail(started);
    failed.push_back(name);
  }
  if (names.size() > 1 && !failed.empty()) {
    fail(base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE",
                     absl::StrCat("failed to start containers: ", absl::StrJoin(failed, ", "))));
  }
  return failed.empty() ? 0 : 1;
}

absl::StatusOr<int> StartWithMachine(const store::Store& store,
                                     const std::function<void(const absl::Status&)>& fail) {
  SweepFirst(store, {});
  STAVE_ASSIGN_OR_RETURN(const std::vector<store::ContainerView> containers,
                         store::ListContainers(store, store::Which::kAll));
  int code = 0;
  for (auto view = containers.rbegin(); view != containers.rend(); ++view) {
    if (view->status != store::Status::kExited || !view->damage.ok()) continue;
    const auto container = store::Container::Open(store, view->record.id);
    const auto life = container.ok() ? ReadLife(*container) : container.status();
    const store::Exit exit = view->exit.value_or(store::Exit());
    if (life.ok() && !monitor::StartsWithMachine(life->restart, exit.code, exit.requested)) {
      continue;
    }
    const absl::Status started = life.ok() ? StartOne(store, view->record.id) : life.status();
    if (started.ok()) {
      STAVE_RETURN_IF_ERROR(PrintLine(view->record.name));
      continue;
    }
    fail(base::WithContext(started, view->record.name));
    code = 1;
  }
  return code;
}

absl::StatusOr<int> StartAttached(const store::Store& store, const std::string& name,
                                  bool interactive, const std::string& detach_keys) {
  SweepFirst(store, {});
  STAVE_ASSIGN_OR_RETURN(const std::string id, store::FindContainer(store, name));
  STAVE_ASSIGN_OR_RETURN(const store::Container container, store::Container::Open(store, id));
  STAVE_ASSIGN_OR_RETURN(const json::Value document, container.ReadDocument());
  STAVE_ASSIGN_OR_RETURN(const oci::Life life, oci::GetLife(document));
  runtime::AttachmentWishes attachment;
  attachment.terminal = oci::HasTerminal(document);
  attachment.in = interactive && life.interactive;
  attachment.holds = true;
  attachment.ends_input = true;
  STAVE_ASSIGN_OR_RETURN(attachment.keys, pty::DetachKeys::Parse(detach_keys));
  STAVE_ASSIGN_OR_RETURN(const monitor::AttachWish wish, runtime::WishOf(attachment));
  STAVE_ASSIGN_OR_RETURN(std::optional<store::Pending> entry, AdoptIfEnded(store, id));
  STAVE_ASSIGN_OR_RETURN(
      const base::UniqueFd socket,
      entry ? runtime::StartMonitor(store, *std::move(entry), wish) : Join(container, wish));
  STAVE_ASSIGN_OR_RETURN(const runtime::Attached end, runtime::Attach(socket.get(), attachment));
  return CodeOf(end);
}

}  // namespace stave::tools
