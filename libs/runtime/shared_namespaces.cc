// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/shared_namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/mount/tree.h"
#include "libs/rootpath/rootpath.h"
#include "libs/runtime/made_in_child.h"
#include "libs/store/containers.h"

namespace stave::runtime {
namespace {

using base::UniqueFd;

constexpr char kShm[] = "/dev/shm";

struct Kind {
  const char* option;  // of ns-run
  const char* file;    // in /proc/PID/ns
  int flag;
};

constexpr Kind kNetwork = {"network", "net", CLONE_NEWNET};
constexpr Kind kPid = {"pid", "pid", CLONE_NEWPID};
constexpr Kind kIpc = {"ipc", "ipc", CLONE_NEWIPC};

struct Shared {
  UniqueFd space;
  UniqueFd process;  // a pidfd of who has it
};

absl::StatusOr<Shared> Open(const store::Store& store, const Kind& kind, absl::string_view name) {
  STAVE_ASSIGN_OR_RETURN(const std::string id, store::FindContainer(store, name));
  STAVE_ASSIGN_OR_RETURN(const store::ContainerView view, store::GetContainer(store, id));
  const absl::Status not_running = base::Error(
      absl::StatusCode::kFailedPrecondition, "E_NOT_RUNNING",
      absl::StrCat("--", kind.option, ": container ", base::Printable(name), ": is not running"));
  if (view.status != store::Status::kRunning || !view.state || !view.state->init)
    return not_running;
  const std::string path = absl::StrCat("/proc/", view.state->init->pid, "/ns/", kind.file);
  UniqueFd space(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  // Looked at afterwards: then what was opened was that process's, not one that has got its pid.
  STAVE_ASSIGN_OR_RETURN(std::optional<UniqueFd> alive, base::OpenProcess(*view.state->init));
  if (!space.valid() || !alive.has_value()) return not_running;
  return Shared{std::move(space), *std::move(alive)};
}

enum class PidNamespace { kHost, kOthers, kOwn };

PidNamespace PidNamespaceOf(const json::Value& document) {
  const json::Value* mode = document.Find({"stave", "pid", "mode"});
  const bool named = mode != nullptr && !mode->text().empty();
  const json::Value* namespaces = document.Find({"linux", "namespaces"});
  if (namespaces == nullptr || !namespaces->is_array()) return PidNamespace::kHost;
  for (const json::Value& one : namespaces->elements()) {
    const json::Value* type = one.Find("type");
    if (type == nullptr || type->text() != "pid") continue;
    return named || one.Find("path") != nullptr ? PidNamespace::kOthers : PidNamespace::kOwn;
  }
  return PidNamespace::kHost;
}

bool IsTmpfs(int fd) {
  struct statfs fs;
  return ::fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

bool IsMountRoot(int fd) {
  struct statx st {};
  return ::statx(fd, "", AT_EMPTY_PATH, 0, &st) == 0 &&
         (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// In the child. What is there is the container's to choose, so it is taken for what it is.
absl::StatusOr<UniqueFd> CloneShm(int pidfd) {
  if (::setns(pidfd, CLONE_NEWNS) < 0) return base::PosixError(errno, kShm, "setns");
  STAVE_ASSIGN_OR_RETURN(const UniqueFd root, base::OpenDirAt(AT_FDCWD, "/"));
  STAVE_ASSIGN_OR_RETURN(const UniqueFd shm, rootpath::OpenBeneath(root.get(), kShm, O_PATH));
  if (!IsTmpfs(shm.get()) || !IsMountRoot(shm.get())) {
    return absl::NotFoundError(absl::StrCat(kShm, ": no tmpfs is mounted there"));
  }
  return mount::CloneTree(shm.get(), "", mount::Depth::kMount);
}

absl::Status ShareShm(const Shared& other, Plan* plan, std::vector<UniqueFd>* held) {
  for (Mount& mount : plan->mounts) {
    if (mount.destination != kShm || mount.type != "tmpfs") continue;
    auto shm = MadeInChild([&other] { return CloneShm(other.process.get()); });
    if (absl::IsNotFound(shm.status())) return absl::OkStatus();
    if (!shm.ok()) return base::WithContext(shm.status(), "--ipc");
    mount.tree = shm->get();
    mount.options.bind = true;
    mount.options.parameters.clear();
    held->push_back(*std::move(shm));
  }
  return absl::OkStatus();
}

}  // namespace

bool SharesProcesses(const json::Value& document) {
  return PidNamespaceOf(document) == PidNamespace::kOthers;
}

bool HasOwnProcesses(const json::Value& document) {
  return PidNamespaceOf(document) == PidNamespace::kOwn;
}

absl::Status NameByIds(const store::Store& store, json::Value* document) {
  for (const Kind& kind : {kNetwork, kPid, kIpc}) {
    const json::Value* mode = document->Find({"stave", kind.option, "mode"});
    absl::string_view name = mode != nullptr ? mode->text() : absl::string_view();
    if (!absl::ConsumePrefix(&name, "container:")) continue;
    STAVE_ASSIGN_OR_RETURN(const std::string id, store::FindContainer(store, name));
    oci::SetMode(kind.option, absl::StrCat("container:", id), document);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<UniqueFd>> ShareNamespaces(const store::Store& store,
                                                      const oci::StaveMember& member, Plan* plan) {
  std::vector<UniqueFd> held;
  const std::pair<const Kind&, absl::string_view> wishes[] = {
      {kNetwork, member.network_mode}, {kPid, member.pid_mode}, {kIpc, member.ipc_mode}};
  for (auto [kind, name] : wishes) {
    if (!absl::ConsumePrefix(&name, "container:")) continue;
    STAVE_ASSIGN_OR_RETURN(Shared other, Open(store, kind, name));
    for (Namespace& one : plan->namespaces) {
      if (one.flag == kind.flag) one.path = absl::StrCat("/proc/self/fd/", other.space.get());
    }
    if (kind.flag == CLONE_NEWIPC) STAVE_RETURN_IF_ERROR(ShareShm(other, plan, &held));
    held.push_back(std::move(other.space));
  }
  return held;
}

}  // namespace stave::runtime
