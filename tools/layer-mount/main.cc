// SPDX-License-Identifier: Apache-2.0
//
// layer-mount - say how a container's root filesystem is made, or make it now
//
// Document in, document out; with --now it mounts. Alone it is a mount(8) for overlays, by itself
// or around a command. Manual: layer-mount(1).

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gflags/gflags.h"
#include "libs/base/error.h"
#include "libs/base/fd_path.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/base/unique_fd.h"
#include "libs/cli/document.h"
#include "libs/cli/program.h"
#include "libs/json/value.h"
#include "libs/mount/overlay.h"
#include "libs/mount/tree.h"
#include "libs/oci/stave_member.h"
#include "libs/runtime/mounted.h"
#include "libs/store/store.h"

DEFINE_string(now, "", "");
DEFINE_string(unmount, "", "");
DEFINE_string(lower, "", "");
DEFINE_string(upper, "", "");
DEFINE_string(work, "", "");

namespace stave {
namespace {

using cli::Takes;

constexpr cli::Option kOptions[] = {
    {"read-only", 0, Takes::kNothing, "", "mount the root filesystem read-only"},
    {"now", 0, Takes::kValue, "DIR", "mount the image's layers at DIR now and set root.path"},
    {"unmount", 0, Takes::kValue, "DIR",
     "take away what --now has mounted at DIR, with what was written there"},
    {"lower", 0, Takes::kValue, "DIR[:DIR...]",
     "without a document: the lower directories, the top one first", "Alone"},
    {"upper", 0, Takes::kValue, "DIR", "where changes go; without it the mount is read-only",
     "Alone"},
    {"work", 0, Takes::kValue, "DIR", "an empty directory on the file system of --upper", "Alone"},
};

constexpr cli::Program kProgram = {
    .name = "layer-mount",
    .purpose = "mount the layers of an image: in a document, now, or around a command",
    .synopsis =
        "[--read-only] [--now DIR]\n"
        "--unmount DIR\n"
        "--lower DIR[:DIR...] [OPTION...] DIR [-- COMMAND [ARG...]]",
    .options = kOptions,
};

absl::StatusOr<int> InDocument(const cli::Invocation& given) {
  if (!given.operands().empty()) {
    return cli::UsageError(
        absl::StrCat("\"", base::Printable(given.operands()[0]), "\": is one word too many"));
  }
  STAVE_ASSIGN_OR_RETURN(json::Value document, cli::ReadDocument(cli::Stage::kMiddle));
  STAVE_RETURN_IF_ERROR(oci::GetStaveMember(document).status());
  if (given.Has("read-only")) oci::SetRootfsReadonly(true, &document);
  if (given.Has("now")) {
    STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kWrite));
    STAVE_ASSIGN_OR_RETURN(const oci::StaveMember member, oci::GetStaveMember(document));
    STAVE_ASSIGN_OR_RETURN(const std::string path, runtime::MountNow(store, document, FLAGS_now));
    json::Value root = json::Value::Object({{"path", json::Value::String(path)}});
    if (member.rootfs_readonly) root.Set("readonly", json::Value::Bool(true));
    document.Set("root", std::move(root));
    if (const absl::Status written = cli::WriteDocument(document); !written.ok()) {
      runtime::Unmount(store, path).IgnoreError();
      return written;
    }
    ::dprintf(STDERR_FILENO, "layer-mount: mounted; layer-mount --unmount %s takes it away\n",
              base::Printable(path).c_str());
    return 0;
  }
  if (const json::Value* rootfs = document.Find({"stave", "rootfs"}); rootfs == nullptr) {
    oci::SetRootfsReadonly(false, &document);
  }
  STAVE_RETURN_IF_ERROR(cli::WriteDocument(document));
  return 0;
}

absl::StatusOr<std::string> Absolute(const std::string& path) {
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd dir, base::OpenDirAt(AT_FDCWD, path));
  return base::FdPath(dir.get(), path);
}

absl::StatusOr<mount::Overlay> OverlayOf(const cli::Invocation& given) {
  if (given.Has("upper") != given.Has("work"))
    return cli::UsageError("--upper and --work: each needs the other");
  mount::Overlay overlay;
  for (const std::string& lower : std::vector<std::string>(absl::StrSplit(FLAGS_lower, ':'))) {
    STAVE_ASSIGN_OR_RETURN(std::string path, Absolute(lower));
    overlay.lower.push_back(std::move(path));
  }
  if (given.Has("upper")) {
    STAVE_ASSIGN_OR_RETURN(overlay.upper, Absolute(FLAGS_upper));
    STAVE_ASSIGN_OR_RETURN(overlay.work, Absolute(FLAGS_work));
  }
  return overlay;
}

absl::Status ExecuteCommand(const std::vector<std::string>& words) {
  const std::vector<char*> argv = base::ExecPointers(words);
  ::signal(SIGPIPE, SIG_DFL);  // ignored by this program for itself
  ::execvp(argv[0], argv.data());
  return base::PosixError(errno, words[0], "execute");
}

// Alone: mounts at the first operand; with a command after it, in a mount namespace of its own,
// which takes the mount along when the command ends.
absl::StatusOr<int> Alone(const cli::Invocation& given) {
  std::vector<std::string> words = given.operands();
  if (given.after_dashes() || words.empty()) {
    return cli::UsageError("--lower: the directory to mount at is missing");
  }
  const std::string target = words[0];
  words.erase(words.begin());
  if (!words.empty() && words[0] == "--") words.erase(words.begin());
  STAVE_ASSIGN_OR_RETURN(const mount::Overlay overlay, OverlayOf(given));
  if (!words.empty()) {
    if (::unshare(CLONE_NEWNS) < 0) return base::PosixError(errno, "mount namespace", "unshare");
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0)
      return base::PosixError(errno, "/", "make private");
  }
  const base::UniqueFd at(::open(target.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!at.valid()) return base::PosixError(errno, target, "open directory");
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd tree, mount::MakeOverlay(overlay));
  STAVE_RETURN_IF_ERROR(mount::Attach(tree.get(), at.get(), target));
  if (words.empty()) return 0;
  const absl::Status failed = ExecuteCommand(words);
  cli::PrintError(kProgram, failed);
  return absl::IsNotFound(failed) ? 127 : 126;
}

absl::StatusOr<int> Act(const cli::Invocation& given) {
  const bool alone = given.Has("lower");
  if ((given.Has("upper") || given.Has("work")) && !alone)
    return cli::UsageError("--upper, --work: need --lower");
  if (given.Has("now") + given.Has("unmount") + alone > 1) {
    return cli::UsageError("--now, --unmount and --lower: only one of them");
  }
  if (alone) return Alone(given);
  if (!given.Has("unmount")) return InDocument(given);
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kWrite));
  STAVE_RETURN_IF_ERROR(runtime::Unmount(store, FLAGS_unmount));
  return 0;
}

absl::StatusOr<int> Run(const cli::Invocation& given) {
  absl::StatusOr<int> code = Act(given);
  if (absl::IsPermissionDenied(code.status()) && ::geteuid() != 0) {
    return base::WithHint(code.status(), "mounting needs root");
  }
  return code;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}
