// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/session.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/plan.h"
#include "libs/json/parse.h"
#include "libs/mount/overlay.h"
#include "libs/oci/process.h"
#include "libs/oci/stave_member.h"
#include "libs/runtime/filter_cache.h"
#include "libs/runtime/host_files.h"
#include "libs/runtime/plan.h"
#include "libs/runtime/recover.h"
#include "libs/runtime/report.h"
#include "libs/runtime/rootfs.h"
#include "libs/runtime/session_hooks.h"
#include "libs/runtime/user_namespace.h"
#include "libs/store/folder.h"
#include "libs/store/lease.h"
#include "libs/store/name_link.h"
#include "libs/store/pending.h"
#include "libs/store/record.h"
#include "libs/store/trash.h"

namespace stave::runtime {
namespace {

constexpr size_t kMaxRecordedCommand = size_t{64} << 10;
constexpr absl::Duration kRemoveHas = absl::Seconds(10);

// What the caller had open beside its streams. Ours are all close-on-exec.
void CloseInherited() {
  const auto names = store::ListFolder(AT_FDCWD, "/proc/self/fd");
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    int fd = -1;
    if (!absl::SimpleAtoi(name, &fd) || fd < 3) continue;
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) ::close(fd);
  }
}

// What an OCI config may be without, and a session cannot.
absl::Status CheckRunnable(const Plan& plan) {
  if (!plan.Has(CLONE_NEWNS)) {
    return base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                       "/linux/namespaces: a container needs a mount namespace");
  }
  if (!plan.process.args.empty()) return absl::OkStatus();
  return base::Error(absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
                     "/process: is missing, so there is nothing to start");
}

// What a session has made, in the order of making, and takes back in the opposite one.
class Session {
 public:
  Session(const store::Store& store, const SessionWishes& wishes)
      : store_(store), wishes_(wishes) {}

  absl::StatusOr<int> Run(json::Value document);

 private:
  bool has_record() const { return wishes_.record; }
  absl::Status Prepare(json::Value document);
  absl::Status Write(const json::Value& document);
  absl::Status Publish(const json::Value& document, bool names_image);
  absl::Status MakeCgroup();
  absl::Status MakeRoot(const json::Value& document);
  absl::StatusOr<Launched> Start(Foreground* foreground);
  absl::Status WriteRunning(const Launched& launched);
  absl::Status WriteEnd(const Ended& ended);
  void TellGone();
  void CleanUpDetached(Foreground foreground);
  void EndGroup();
  void TakeBack();

  const store::Store& store_;
  const SessionWishes& wishes_;
  std::optional<store::Pending> entry_;
  Plan plan_;
  std::optional<SessionHooks> hooks_;
  std::optional<cgroup::Cgroup> group_;
  base::UniqueFd root_;
  base::UniqueFd network_;  // another container's namespace
  Ownership ownership_ = Ownership::kHost;
  store::State state_;
};

absl::Status Session::Prepare(json::Value document) {
  STAVE_ASSIGN_OR_RETURN(const oci::StaveMember member, oci::GetStaveMember(document));
  store::Intent intent;
  intent.name = member.name;
  intent.rm = wishes_.keep == Keep::kNothing || !has_record();
  intent.record = has_record();
  STAVE_ASSIGN_OR_RETURN(store::Pending entry, store::Pending::Reserve(store_, std::move(intent)));
  entry_.emplace(std::move(entry));
  oci::SetName(entry_->intent().name, &document);
  Personalise(entry_->id(), &document);
  if (has_record()) {
    STAVE_RETURN_IF_ERROR(
        AddHostFiles(store_, entry_->container().run(), entry_->container().run_path(), &document));
  }
  STAVE_ASSIGN_OR_RETURN(plan_, MakePlan(document));
  STAVE_RETURN_IF_ERROR(RefuseDoubts(plan_));
  STAVE_RETURN_IF_ERROR(CheckRunnable(plan_));
  const store::Container& container = entry_->container();
  hooks_.emplace(
      plan_, document,
      SessionFolders{container.id(), container.home_path(), container.run_path(), container.run()},
      wishes_.warn);
  STAVE_ASSIGN_OR_RETURN(network_, OpenNetwork(store_, member.network_mode));
  if (network_.valid()) {
    for (Namespace& one : plan_.namespaces) {
      if (one.flag == CLONE_NEWNET) one.path = absl::StrCat("/proc/self/fd/", network_.get());
    }
  }
  plan_.root_readonly = plan_.root_readonly || member.rootfs_readonly;
  STAVE_RETURN_IF_ERROR(Write(document));
  STAVE_RETURN_IF_ERROR(MakeCgroup());
  return MakeRoot(document);
}

absl::Status Session::Write(const json::Value& document) {
  STAVE_ASSIGN_OR_RETURN(const oci::StaveMember member, oci::GetStaveMember(document));
  store::Record record;
  record.id = entry_->id();
  record.name = entry_->intent().name;
  record.image = member.image ? member.image->reference : plan_.root_path;
  if (member.image) record.image_digest = member.image->manifest.ToString();
  size_t bytes = 0;
  for (const std::string& word : plan_.process.args) {
    bytes += word.size();
    if (bytes > kMaxRecordedCommand) break;  // config.json has it whole
    record.command.push_back(word);
  }
  record.created = absl::Now();
  record.labels = {member.labels.begin(), member.labels.end()};
  record.rm = entry_->intent().rm;
  record.started = true;
  STAVE_RETURN_IF_ERROR(Publish(document, member.image.has_value()));
  return entry_->container().WriteRecord(record);
}

// From here on the layers that it names are not collected; MakeRoot looks whether they are there.
absl::Status Session::Publish(const json::Value& document, bool names_image) {
  base::UniqueFd lock;
  if (names_image) {
    STAVE_ASSIGN_OR_RETURN(lock, store::LockToPublish(store_));
  }
  return entry_->container().WriteConfig(json::Print(document));
}

absl::Status Session::MakeCgroup() {
  if (plan_.cgroups_path.empty()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const cgroup::Hierarchies hierarchies, cgroup::FindHierarchies());
  STAVE_ASSIGN_OR_RETURN(const cgroup::Limits limits,
                         cgroup::PlanLimits(&plan_.resources, hierarchies));
  state_.cgroup = plan_.cgroups_path;
  // Written before it is made, so that a sweep finds a cgroup that the document named.
  STAVE_RETURN_IF_ERROR(entry_->container().WriteState(state_));
  STAVE_ASSIGN_OR_RETURN(cgroup::Cgroup group,
                         cgroup::Cgroup::Create(plan_.cgroups_path, hierarchies, limits));
  group_.emplace(std::move(group));
  return group_->Apply(limits);
}

absl::Status Session::MakeRoot(const json::Value& document) {
  if (!plan_.root_path.empty()) {
    STAVE_ASSIGN_OR_RETURN(root_, CloneRootfs(plan_.root_path));
    return absl::OkStatus();
  }
  STAVE_ASSIGN_OR_RETURN(ImageRoot image, FindImageRoot(store_, document));
  const store::Container& container = entry_->container();
  STAVE_RETURN_IF_ERROR(MakeUpper(container.home(), container.home_path(), &image));
  mount::Overlay& overlay = image.overlay;
  if (entry_->intent().rm) overlay.syncing = mount::Syncing::kVolatile;
  if (!plan_.Creates(CLONE_NEWUSER)) {
    STAVE_ASSIGN_OR_RETURN(root_, mount::MakeOverlay(overlay));
    return absl::OkStatus();
  }
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd id_map,
                         MakeUserNamespace(plan_.uid_mappings, plan_.gid_mappings));
  overlay.id_map = id_map.get();
  overlay.root_uid = HostId(plan_.uid_mappings, 0);
  overlay.root_gid = HostId(plan_.gid_mappings, 0);
  auto root = mount::MakeOverlay(overlay);
  ownership_ = Ownership::kContainer;
  if (absl::IsInvalidArgument(root.status())) {
    // Linux before 5.19, or a file system of the store that cannot be idmapped.
    if (wishes_.warn != nullptr) {
      wishes_.warn("the layers cannot be idmapped here: files show the host's owners");
    }
    overlay.id_map = -1;
    root = mount::MakeOverlay(overlay);
    ownership_ = Ownership::kHost;
  }
  if (!root.ok()) return root.status();
  root_ = *std::move(root);
  return absl::OkStatus();
}

absl::StatusOr<Launched> Session::Start(Foreground* foreground) {
  seccomp::Program filter;
  LaunchRequest request;
  request.plan = &plan_;
  request.root = root_.get();
  request.group = group_ ? &*group_ : nullptr;
  request.in = foreground->in();
  request.out = foreground->out();
  request.err = foreground->err();
  request.reaper = wishes_.reaper;
  request.ownership = ownership_;
  STAVE_RETURN_IF_ERROR(hooks_->AddTo(&request));
  if (!plan_.seccomp.is_null()) {
    STAVE_ASSIGN_OR_RETURN(filter, CompiledFilter(plan_.seccomp, store_.run()));
    request.filter = &filter;
  }
  if (plan_.process.terminal && plan_.process.rows == 0) {
    plan_.process.rows = foreground->size().rows;
    plan_.process.columns = foreground->size().columns;
  }
  return Launch(request);
}

absl::Status Session::WriteRunning(const Launched& launched) {
  state_.status = store::Status::kRunning;
  state_.started = absl::Now();
  // A payload that has ended already has no identity any more; its end is told a moment later.
  if (auto init = base::IdentifyProcess(launched.pid); init.ok()) state_.init = *std::move(init);
  if (auto runner = base::IdentifyProcess(::getpid()); runner.ok())
    state_.runner = *std::move(runner);
  STAVE_RETURN_IF_ERROR(entry_->container().WriteState(state_));
  return entry_->ToForeground();
}

absl::Status Session::WriteEnd(const Ended& ended) {
  const store::Container& container = entry_->container();
  if (entry_->intent().rm) {
    STAVE_RETURN_IF_ERROR(store::ReleaseName(store_, entry_->intent().name, entry_->id()));
    return has_record() ? store::Discard(store_, entry_->id(), container.durability())
                        : container.RemoveState();
  }
  store::Exit exit;
  exit.code = ended.code;
  if (ended.signal != 0) exit.signal = ended.signal;
  if (group_) exit.oom = group_->ReadUsage().oom_kills.value_or(0) > 0;
  exit.started = state_.started;
  exit.finished = absl::Now();
  STAVE_RETURN_IF_ERROR(container.WriteExit(exit));
  return container.RemoveState();
}

// Whoever waits for the hooks poststop waits for what they are told, too.
void Session::TellGone() {
  if (plan_.hooks.poststop.empty()) return;
  root_.Reset();
  if (group_ && group_->End(kRemoveHas).ok()) {
    group_->Release();
    group_.reset();
  }
  hooks_->TellGone();
}

// After the end has been told: the rest takes time that nobody should wait for. The child holds the
// entry's lock until all is gone; killed, it leaves the entry to the next sweep.
// Nothing of the caller's stays open in it: a reader of the caller's pipes would wait for it.
void Session::CleanUpDetached(Foreground foreground) {
  const pid_t child = ::fork();
  if (child > 0) {
    if (group_) group_->Release();
    return;
  }
  if (child == 0) {
    ::setsid();
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; ++fd) ::dup2(null, fd);
    CloseInherited();
    { const Foreground gone = std::move(foreground); }
    [[maybe_unused]] const int changed = ::chdir("/");
  }
  root_.Reset();
  absl::Status done = group_ ? group_->Remove(kRemoveHas) : absl::OkStatus();
  if (group_) group_->Release();
  if (done.ok()) done = entry_->intent().rm ? entry_->Undo() : entry_->Done();
  if (child == 0) ::_exit(done.ok() ? 0 : 1);
}

void Session::EndGroup() {
  root_.Reset();
  if (!group_) return;
  group_->Kill().IgnoreError();
  group_->Remove(kRemoveHas).IgnoreError();
  group_->Release();
}

// A start that failed leaves nothing. One that ran and whose end cannot be written down is left,
// with all that the payload has written, to the next command.
void Session::TakeBack() {
  EndGroup();
  if (entry_) entry_->Undo().IgnoreError();
  if (hooks_) hooks_->TellGone();
}

absl::StatusOr<int> Session::Run(json::Value document) {
  STAVE_ASSIGN_OR_RETURN(Foreground foreground, Foreground::Prepare(wishes_.streams));
  absl::Status ready = Prepare(std::move(document));
  if (!ready.ok()) {
    TakeBack();
    return ready;
  }
  absl::StatusOr<Launched> launched = Start(&foreground);
  if (!launched.ok()) {
    TakeBack();
    return launched.status();
  }
  for (const std::string& warning : launched->warnings) {
    if (wishes_.warn != nullptr) wishes_.warn(warning);
  }
  absl::Status running = WriteRunning(*launched);
  if (running.ok()) running = hooks_->TellRunning(launched->pid);
  if (!running.ok()) {
    TakeBack();
    return running;
  }
  absl::StatusOr<Ended> ended = foreground.Watch(&*launched);
  const absl::Status told = ended.ok() ? WriteEnd(*ended) : ended.status();
  if (!told.ok()) {
    EndGroup();
    hooks_->TellGone();
    return told;
  }
  TellGone();
  CleanUpDetached(std::move(foreground));
  return ended->code;
}

}  // namespace

void Personalise(const std::string& id, json::Value* document) {
  const std::string short_id = id.substr(0, base::kShortIdLength);
  const json::Value* hostname = document->Find("hostname");
  bool uts = false;
  if (const json::Value* namespaces = document->Find({"linux", "namespaces"})) {
    for (const json::Value& one : namespaces->elements()) {
      const json::Value* type = one.Find("type");
      uts = uts || (type != nullptr && type->text() == "uts" && one.Find("path") == nullptr);
    }
  }
  if (uts && (hostname == nullptr || hostname->text().empty())) {
    // With the host's network its name too, as with Docker.
    const json::Value* mode = document->Find({"stave", "network", "mode"});
    utsname host{};
    const bool as_host = mode != nullptr && mode->text() == "host" && ::uname(&host) == 0;
    document->Set("hostname", json::Value::String(as_host ? std::string(host.nodename) : short_id));
  }
  if (const json::Value* name = document->Find("hostname");
      name != nullptr && name->is_string() && !oci::GetEnv("HOSTNAME", *document)) {
    oci::SetEnv(absl::StrCat("HOSTNAME=", name->text()), document).IgnoreError();
  }
  json::Value& linux = document->Make({"linux"});
  // A path that the document gives is where the container's own cgroup lies: one template may run
  // many times, and what is removed in the end bears the id.
  const json::Value* parent = linux.Find("cgroupsPath");
  const bool given = parent != nullptr && parent->is_string() && !parent->text().empty();
  linux.Set("cgroupsPath",
            json::Value::String(given ? absl::StrCat(parent->text(), "/", id) : CgroupPath(id)));
}

absl::StatusOr<int> RunInForeground(const store::Store& store, json::Value document,
                                    const SessionWishes& wishes) {
  // What somebody else left must not keep this one from running.
  if (const absl::Status swept = Sweep(store); !swept.ok() && wishes.warn != nullptr) {
    wishes.warn(absl::StrCat("cleaning up after an earlier command: ", swept.message()));
  }
  return Session(store, wishes).Run(std::move(document));
}

}  // namespace stave::runtime
