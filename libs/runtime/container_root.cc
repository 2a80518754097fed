// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/container_root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/mount/overlay.h"
#include "libs/mount/tree.h"
#include "libs/oci/stave_member.h"
#include "libs/rootpath/rootpath.h"
#include "libs/runtime/made_in_child.h"
#include "libs/runtime/recover.h"
#include "libs/runtime/rootfs.h"
#include "libs/runtime/user_namespace.h"
#include "libs/store/container.h"
#include "libs/store/containers.h"
#include "libs/store/record.h"

namespace stave::runtime {
namespace {

using base::UniqueFd;
using mount::Depth;

constexpr size_t kMaxIdMap = size_t{64} << 10;
constexpr uint32_t kNobody = 65534;
constexpr absl::Duration kPatience = absl::Seconds(5), kPause = absl::Milliseconds(20);
constexpr uint64_t kHarmless = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

struct Known {
  store::Container container;
  json::Value document;
  Plan plan;
  bool readonly = false;
};

absl::StatusOr<Known> ReadKnown(const store::Store& store, const std::string& id) {
  STAVE_ASSIGN_OR_RETURN(store::Container container, store::Container::Open(store, id));
  STAVE_ASSIGN_OR_RETURN(json::Value document, container.ReadDocument());
  STAVE_ASSIGN_OR_RETURN(Plan plan, MakePlan(document));
  STAVE_ASSIGN_OR_RETURN(const oci::StaveMember member, oci::GetStaveMember(document));
  const bool readonly = plan.root_readonly || member.rootfs_readonly;
  return Known{std::move(container), std::move(document), std::move(plan), readonly};
}

// What the caller gets: nobody's peer, and harmless.
absl::Status Seal(int tree, RootUse use) {
  const uint64_t readonly = use == RootUse::kWrite ? 0 : MOUNT_ATTR_RDONLY;
  return mount::SetAttributes(tree, kHarmless | readonly, 0, MS_PRIVATE, Depth::kTree);
}

// --- one that runs -----------------------------------------------------------------------------

// In the child. Nothing is executed in the container's namespace, and nothing loaded from it.
absl::StatusOr<UniqueFd> CloneOf(int pidfd, RootUse use) {
  if (::setns(pidfd, CLONE_NEWNS) < 0) {
    if (errno == ESRCH) return absl::AbortedError("the container has ended");
    return base::PosixError(errno, "the container's mount namespace", "setns");
  }
  auto tree = absl::StatusOr<UniqueFd>(UniqueFd());
  if (use == RootUse::kExport) tree = mount::CloneTree(AT_FDCWD, "/", Depth::kMount);
  // In a user namespace the kernel may hold the mounts together: then all, and the reader stops.
  if (use != RootUse::kExport || absl::IsInvalidArgument(tree.status())) {
    tree = mount::CloneTree(AT_FDCWD, "/", Depth::kTree);
  }
  if (!tree.ok()) return tree.status();
  STAVE_RETURN_IF_ERROR(Seal(tree->get(), use));
  return tree;
}

// Errors: as of reading; a map of everybody to himself is none.
absl::StatusOr<std::vector<IdMapping>> ReadIdMap(pid_t pid, const char* file) {
  STAVE_ASSIGN_OR_RETURN(
      const std::string text,
      base::ReadFileAt(AT_FDCWD, absl::StrCat("/proc/", pid, "/", file), kMaxIdMap));
  std::vector<IdMapping> mappings;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    IdMapping one;
    if (words.size() != 3 || !absl::SimpleAtoi(words[0], &one.container_id) ||
        !absl::SimpleAtoi(words[1], &one.host_id) || !absl::SimpleAtoi(words[2], &one.size)) {
      return absl::DataLossError(absl::StrCat(file, ": is no map of ids"));
    }
    if (one.container_id != one.host_id || one.size != UINT32_MAX) mappings.push_back(one);
  }
  return mappings;
}

std::optional<uint64_t> MountAt(int root, const std::string& path) {
  const auto fd = rootpath::OpenInRoot(root, path, O_PATH);
  struct statx st {};
  if (!fd.ok() || ::statx(fd->get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 ||
      (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) {
    return std::nullopt;
  }
  return st.stx_mnt_id;
}

absl::StatusOr<ContainerRoot> OpenRunning(const base::ProcessIdentity& init, const Known& known,
                                          RootUse use) {
  STAVE_ASSIGN_OR_RETURN(const std::optional<UniqueFd> pidfd, base::OpenProcess(init));
  if (!pidfd) return absl::AbortedError("the container has ended");
  ContainerRoot root;
  auto uids = ReadIdMap(init.pid, "uid_map"), gids = ReadIdMap(init.pid, "gid_map");
  // Looked at afterwards: then the maps were that process's, not of one that has got its pid.
  if (const absl::Status lives = base::SignalProcess(pidfd->get(), 0); !lives.ok()) {
    return absl::AbortedError("the container has ended");
  }
  STAVE_ASSIGN_OR_RETURN(root.uids, std::move(uids));
  STAVE_ASSIGN_OR_RETURN(root.gids, std::move(gids));
  STAVE_ASSIGN_OR_RETURN(root.tree, MadeInChild([&] { return CloneOf(pidfd->get(), use); }));
  for (const Mount& mount : known.plan.mounts) {
    if (mount.options.bind || mount.options.remount) continue;
    if (const auto id = MountAt(root.tree.get(), mount.destination)) root.own_mounts.insert(*id);
  }
  return root;
}

// --- one that does not -------------------------------------------------------------------------

bool IsBelow(absl::string_view path, absl::string_view folder) {
  return absl::StartsWith(path, absl::StrCat(folder, "/"));
}

absl::Status AttachVolume(const Mount& volume, int root, RootUse use) {
  auto tree = mount::CloneTree(AT_FDCWD, volume.source, volume.options.depth);
  if (!tree.ok() && use == RootUse::kRead && absl::IsNotFound(tree.status())) {
    return absl::OkStatus();
  }
  if (!tree.ok()) return base::WithContext(tree.status(), volume.destination);
  const mount::Options& options = volume.options;
  STAVE_RETURN_IF_ERROR(mount::SetAttributes(tree->get(), options.set_tree, options.clear_tree,
                                             MS_PRIVATE, Depth::kTree));
  STAVE_RETURN_IF_ERROR(
      mount::SetAttributes(tree->get(), options.set, options.clear, MS_PRIVATE, Depth::kMount));
  struct stat st;
  if (::fstat(tree->get(), &st) < 0) return base::PosixError(errno, volume.destination, "stat");
  auto target = rootpath::OpenInRoot(root, volume.destination, O_PATH);
  if (absl::IsNotFound(target.status())) {
    target = S_ISDIR(st.st_mode) ? rootpath::MakeDirsInRoot(root, volume.destination, 0755)
                                 : rootpath::MakeFileInRoot(root, volume.destination, 0644);
  }
  if (!target.ok()) return target.status();
  return mount::Attach(tree->get(), target->get(), volume.destination);
}

absl::Status AttachVolumes(const store::Store& store, const Plan& plan, int root, RootUse use) {
  for (const Mount& volume : plan.mounts) {
    // The files of the last run (hosts, resolv.conf) are made anew by the next one.
    const bool of_a_run = IsBelow(volume.source, store.run_path());
    if (!volume.options.bind || volume.options.remount || of_a_run) continue;
    STAVE_RETURN_IF_ERROR(AttachVolume(volume, root, use));
  }
  return absl::OkStatus();
}

// Puts a layer on top that is thrown away with the mount namespace, attached over `place`; "root"
// in it is where the overlay may go. The root shows what the top directory has.
absl::Status AddScratch(const std::string& place, mount::Overlay* overlay) {
  struct stat st;
  STAVE_ASSIGN_OR_RETURN(const UniqueFd upper, base::OpenDirAt(AT_FDCWD, overlay->upper));
  if (::fstat(upper.get(), &st) < 0) return base::PosixError(errno, "upper", "stat");
  STAVE_ASSIGN_OR_RETURN(const UniqueFd scratch,
                         mount::MakeFilesystem("tmpfs", "stave-scratch", {{"mode", "700"}},
                                               MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  STAVE_ASSIGN_OR_RETURN(const UniqueFd at, base::OpenDirAt(AT_FDCWD, place));
  STAVE_RETURN_IF_ERROR(mount::Attach(scratch.get(), at.get(), place));
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(scratch.get(), "upper", st.st_mode & 07777));
  if (::fchownat(scratch.get(), "upper", st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0) {
    return base::PosixError(errno, "root", "chown");
  }
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(scratch.get(), "work", 0700));
  STAVE_RETURN_IF_ERROR(base::MakeDirAt(scratch.get(), "root", 0755));
  overlay->lower.insert(overlay->lower.begin(), overlay->upper);
  overlay->upper = place + "/upper";
  overlay->work = place + "/work";
  return absl::OkStatus();
}

// In the child: a mount namespace of its own, in which the tree is put together over `place`, a
// folder that it needs for nothing else.
absl::StatusOr<UniqueFd> BuildTree(const store::Store& store, const Known& known, RootUse use,
                                   mount::Overlay overlay) {
  if (::unshare(CLONE_NEWNS) < 0) return base::PosixError(errno, "mount namespace", "unshare");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) {
    return base::PosixError(errno, "/", "make private");
  }
  std::string place = absl::StrCat(store.state_path(), "/refs");
  if (use != RootUse::kWrite) {
    STAVE_RETURN_IF_ERROR(AddScratch(place, &overlay));
    place += "/root";
  }
  STAVE_ASSIGN_OR_RETURN(const UniqueFd root, mount::MakeOverlay(overlay));
  STAVE_ASSIGN_OR_RETURN(const UniqueFd at, base::OpenDirAt(AT_FDCWD, place));
  STAVE_RETURN_IF_ERROR(mount::Attach(root.get(), at.get(), place));
  if (use != RootUse::kExport) {
    STAVE_RETURN_IF_ERROR(AttachVolumes(store, known.plan, root.get(), use));
  }
  if (known.readonly) {
    STAVE_RETURN_IF_ERROR(mount::SetAttributes(root.get(), MOUNT_ATTR_RDONLY, 0, 0, Depth::kMount));
  }
  STAVE_ASSIGN_OR_RETURN(UniqueFd tree, mount::CloneTree(root.get(), "", Depth::kTree));
  STAVE_RETURN_IF_ERROR(Seal(tree.get(), use));
  return tree;
}

// Its turn among those who write, then its entry. Errors: Aborted if somebody has it in hand.
absl::StatusOr<WriterHold> Hold(const store::Store& store, const store::Container& container) {
  // A description of its own, with which the lock goes.
  STAVE_ASSIGN_OR_RETURN(UniqueFd turn, base::OpenDirAt(container.home(), "."));
  int locked = 0;
  do {
    locked = ::flock(turn.get(), LOCK_EX);
  } while (locked < 0 && errno == EINTR);
  if (locked < 0) return base::PosixError(errno, "container", "lock");
  auto entry = store::Pending::Adopt(store, container.id(), false);
  if (absl::IsFailedPrecondition(entry.status())) {
    return absl::AbortedError("somebody has the container in hand");
  }
  if (!entry.ok()) return entry.status();
  return WriterHold(std::move(turn), *std::move(entry));
}

// One that was never started may have none yet. The owner of one that is there is the container's.
absl::Status FindUpper(const store::Container& container, ImageRoot* image) {
  struct stat st;
  if (::fstatat(container.home(), "upper", &st, AT_SYMLINK_NOFOLLOW) < 0 ||
      ::fstatat(container.home(), "work", &st, AT_SYMLINK_NOFOLLOW) < 0) {
    return MakeUpper(container.home(), container.home_path(), image);
  }
  image->overlay.upper = absl::StrCat(container.home_path(), "/upper");
  image->overlay.work = absl::StrCat(container.home_path(), "/work");
  return absl::OkStatus();
}

absl::StatusOr<ContainerRoot> OpenStopped(const store::Store& store, const Known& known,
                                          RootUse use) {
  ContainerRoot root;
  if (use == RootUse::kWrite) {
    STAVE_ASSIGN_OR_RETURN(root.hold, Hold(store, known.container));
  }
  STAVE_ASSIGN_OR_RETURN(ImageRoot image, FindImageRoot(store, known.document));
  STAVE_RETURN_IF_ERROR(FindUpper(known.container, &image));
  STAVE_ASSIGN_OR_RETURN(root.tree,
                         MadeInChild([&] { return BuildTree(store, known, use, image.overlay); }));
  return root;
}

}  // namespace

absl::Status ActAsRootOf(const ContainerRoot& root) {
  if (root.uids.empty() && root.gids.empty()) return absl::OkStatus();
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2];
  if (::syscall(SYS_capget, &header, sets) < 0) return base::PosixError(errno, "capget", "ask");
  ::setfsgid(HostId(root.gids, 0));
  ::setfsuid(HostId(root.uids, 0));
  if (::syscall(SYS_capset, &header, sets) < 0) return base::PosixError(errno, "capset", "set");
  return absl::OkStatus();
}

uint32_t ContainerId(const std::vector<IdMapping>& mappings, uint32_t id) {
  if (mappings.empty()) return id;
  for (const IdMapping& line : mappings) {
    if (id >= line.host_id && id - line.host_id < line.size) {
      return line.container_id + (id - line.host_id);
    }
  }
  return kNobody;
}

WriterHold& WriterHold::operator=(WriterHold&& other) noexcept {
  Release();
  turn_ = std::move(other.turn_);
  entry_ = std::exchange(other.entry_, std::nullopt);
  return *this;
}

// What cannot be given back is stale, and swept.
void WriterHold::Release() {
  if (entry_) entry_->Done().IgnoreError();
  entry_.reset();
}

absl::StatusOr<ContainerRoot> OpenContainerRoot(const store::Store& store, const std::string& id,
                                                RootUse use) {
  const absl::Time patience = absl::Now() + kPatience;
  // It may start or end at any moment: then it is looked at again.
  for (;;) {
    STAVE_ASSIGN_OR_RETURN(const store::ContainerView view, store::GetContainer(store, id));
    if (!view.damage.ok()) return view.damage;
    STAVE_ASSIGN_OR_RETURN(const Known known, ReadKnown(store, id));
    const bool runs = view.state && view.state->init && view.status == store::Status::kRunning;
    auto root = runs ? OpenRunning(*view.state->init, known, use) : OpenStopped(store, known, use);
    if (root.ok() || !absl::IsAborted(root.status())) return root;
    if (absl::Now() > patience) {
      return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE", root.status().message());
    }
    absl::SleepFor(kPause);
    // Whoever had it in hand may have been killed.
    if (use == RootUse::kWrite) Sweep(store).IgnoreError();
  }
}

absl::StatusOr<ContainerLayers> OpenContainerLayers(const store::Store& store,
                                                    const std::string& id) {
  STAVE_RETURN_IF_ERROR(store::GetContainer(store, id).status());
  STAVE_ASSIGN_OR_RETURN(const Known known, ReadKnown(store, id));
  STAVE_ASSIGN_OR_RETURN(const ImageRoot image, FindImageRoot(store, known.document));
  ContainerLayers layers;
  auto upper = base::OpenDirAt(known.container.home(), "upper");
  if (!upper.ok() && !absl::IsNotFound(upper.status())) return upper.status();
  if (upper.ok()) layers.upper = *std::move(upper);
  for (const std::string& path : image.overlay.lower) {
    STAVE_ASSIGN_OR_RETURN(UniqueFd fd, base::OpenDirAt(AT_FDCWD, path));
    layers.lowers.push_back(std::move(fd));
  }
  for (const Mount& mount : known.plan.mounts) {
    const bool own = !mount.options.bind || IsBelow(mount.source, store.run_path());
    if (own) layers.mount_points.insert(mount.destination.substr(1));
  }
  return layers;
}

}  // namespace stave::runtime
