// SPDX-License-Identifier: Apache-2.0
//
// file-copy - copy files between a container and this machine
//
// Manual: file-copy(1).

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "libs/archive/byte_sink.h"
#include "libs/archive/byte_source.h"
#include "libs/archive/tar_reader.h"
#include "libs/archive/tar_writer.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/cli/human_size.h"
#include "libs/cli/program.h"
#include "libs/image/copy_rule.h"
#include "libs/image/tar_entry_writer.h"
#include "libs/image/tree_entry.h"
#include "libs/image/tree_maker.h"
#include "libs/image/tree_reader.h"
#include "libs/runtime/container_root.h"
#include "libs/runtime/recover.h"
#include "libs/runtime/user_namespace.h"
#include "libs/store/containers.h"
#include "libs/store/store.h"
#include "tools/file-copy/place.h"

DEFINE_bool(archive, false, "");
DEFINE_bool(follow_link, false, "");
DEFINE_bool(quiet, false, "");

namespace stave {
namespace {

using archive::TarEntry;
using archive::TarType;
using runtime::ContainerRoot;
using tools::Source;
using tools::Target;

constexpr cli::Option kOptions[] = {
    {"archive", 'a', cli::Takes::kNothing, "",
     "keep owners, and out of a container also devices and set-user-ID bits"},
    {"follow-link", 'L', cli::Takes::kNothing, "",
     "where SRC is a symbolic link, copy what it leads to"},
    {"quiet", 'q', cli::Takes::kNothing, "", "say nothing of what was copied"},
};

constexpr cli::Program kProgram = {
    .name = "file-copy",
    .purpose = "copy files between a container and this machine",
    .synopsis =
        "[OPTION...] CONTAINER:SRC DEST|-\n"
        "[OPTION...] SRC|- CONTAINER:DEST",
    .options = kOptions,
};

constexpr uint64_t kBlock = 512;

void Tell(const std::string& message) { cli::PrintWarning(kProgram, message); }

// What a tar of the entry takes, which is what Docker tells.
uint64_t TarSize(const TarEntry& entry) {
  return kBlock + (entry.size + kBlock - 1) / kBlock * kBlock;
}

void TellCopied(uint64_t bytes, const std::string& to) {
  if (FLAGS_quiet) return;
  ::dprintf(STDERR_FILENO, "Successfully copied %s to %s\n",
            cli::HumanSize(static_cast<int64_t>(bytes + 2 * kBlock)).c_str(),
            base::Printable(to, 4096).c_str());
}

// Another's file that becomes one's own must not act for one: a program of the container's that is
// set-user-ID for user 1000 would be so for root.
void SetOwner(uid_t uid, gid_t gid, TarEntry* entry) {
  if (entry->uid != uid || entry->gid != gid) {
    entry->mode &= static_cast<mode_t>(~06000);
    std::erase_if(entry->xattrs,
                  [](const auto& xattr) { return xattr.first == "security.capability"; });
  }
  entry->uid = uid;
  entry->gid = gid;
}

absl::Status CouldNotFind(const image::CopyWord& word) {
  return absl::NotFoundError(absl::StrCat("Could not find the file ", base::Printable(word.path),
                                          " in container ", base::Printable(word.container)));
}

// Tells what is left out. Where that is all there was to copy, it is why nothing was copied.
class Omissions {
 public:
  // What is copied is one thing that may be left out.
  explicit Omissions(const Source& source)
      : alone_(!S_ISDIR(source.st.st_mode) && !S_ISREG(source.st.st_mode)) {}

  void Tell(const std::string& message) {
    if (alone_) {
      refusal_ = absl::FailedPreconditionError(message);
    } else {
      cli::PrintWarning(kProgram, message);
    }
  }
  const absl::Status& refusal() const { return refusal_; }

 private:
  bool alone_;
  absl::Status refusal_;
};

// Copies a tree from one place to the other; every entry goes through `change` first.
template <typename Change>
absl::StatusOr<uint64_t> CopyTree(const Source& source, const Target& target,
                                  image::TreeBounds bounds, const std::string& noun,
                                  Change change) {
  STAVE_ASSIGN_OR_RETURN(const image::CopyPlan plan, image::PlanCopy(source.rule, target.rule));
  const int top = plan.into ? target.self.get() : target.parent.get();
  if (top < 0) return absl::NotFoundError("no such directory");
  Omissions omissions(source);
  const auto tell = [&](const std::string& message) { omissions.Tell(message); };
  image::TreeMaker maker({.top = top, .noun = noun}, tell);
  uint64_t bytes = 0;
  image::TreeReader* reading = nullptr;
  image::TreeReader reader(
      std::move(bounds),
      [&](TarEntry* entry, image::EntryData* data) -> absl::Status {
        if (!change(entry, tell)) return absl::OkStatus();
        STAVE_RETURN_IF_ERROR(maker.Take(*entry, data));
        // The copy may lie in what is copied: a volume.
        struct stat st;
        if (bytes == 0 && entry->type == TarType::kDirectory &&
            ::fstatat(top, entry->path.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) {
          reading->Exclude(st.st_dev, st.st_ino);
        }
        bytes += TarSize(*entry);
        return absl::OkStatus();
      },
      tell);
  reading = &reader;
  STAVE_RETURN_IF_ERROR(reader.ReadTree(source.fd.get(), plan.name));
  STAVE_RETURN_IF_ERROR(omissions.refusal());
  STAVE_RETURN_IF_ERROR(maker.Finish());
  return bytes;
}

// --- out of a container ------------------------------------------------------------------------

absl::StatusOr<Target> FindOutput(const std::string& dest) {
  STAVE_ASSIGN_OR_RETURN(const image::CopyPath path, tools::MachinePath(dest));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd root, tools::OpenMachineRoot());
  auto target = tools::FindTarget(root.get(), path);
  if (absl::IsNotFound(target.status())) {
    const std::string parent = path.path.substr(0, path.path.rfind('/'));
    return absl::NotFoundError(absl::StrCat("invalid output path: directory \"",
                                            base::Printable(parent.empty() ? "/" : parent),
                                            "\" does not exist"));
  }
  if (target.ok() && target->rule.exists && !S_ISDIR(target->st.st_mode) &&
      !S_ISREG(target->st.st_mode)) {
    const bool device = S_ISCHR(target->st.st_mode) || S_ISBLK(target->st.st_mode);
    return absl::FailedPreconditionError(
        absl::StrCat("invalid output path: \"", base::Printable(dest),
                     "\" must be a directory or a regular file", device ? ": got a device" : ""));
  }
  return target;
}

absl::Status WriteStream(const Source& source, const ContainerRoot& root, int to) {
  archive::FdSink sink(to, "stdout");
  archive::TarWriter tar(&sink);
  Omissions omissions(source);
  image::TreeReader reader(
      {.closed = root.own_mounts},
      [&](TarEntry* entry, image::EntryData* data) {
        entry->uid = runtime::ContainerId(root.uids, entry->uid);
        entry->gid = runtime::ContainerId(root.gids, entry->gid);
        return image::WriteTarEntry(*entry, data, &tar);
      },
      [&](const std::string& message) { omissions.Tell(message); });
  STAVE_RETURN_IF_ERROR(reader.ReadTree(source.fd.get(), source.rule.name));
  STAVE_RETURN_IF_ERROR(omissions.refusal());
  return tar.Finish();
}

// An entry of the container's as it is made here. False: not at all.
bool BecomeOurs(const ContainerRoot& root, TarEntry* entry, const image::TellOmission& tell) {
  if (FLAGS_archive) {
    entry->uid = runtime::ContainerId(root.uids, entry->uid);
    entry->gid = runtime::ContainerId(root.gids, entry->gid);
    return true;
  }
  if (entry->type == TarType::kCharDevice || entry->type == TarType::kBlockDevice) {
    tell(absl::StrCat("\"", base::Printable(entry->path),
                      "\": is a device and was left out; --archive copies it"));
    return false;
  }
  SetOwner(::geteuid(), ::getegid(), entry);
  return true;
}

absl::Status CopyOut(const store::Store& store, const std::string& id, const image::CopyWord& from,
                     const std::string& dest) {
  Target target;
  if (dest != "-") {
    STAVE_ASSIGN_OR_RETURN(target, FindOutput(dest));
  }
  STAVE_ASSIGN_OR_RETURN(const ContainerRoot root,
                         runtime::OpenContainerRoot(store, id, runtime::RootUse::kRead));
  auto source =
      tools::FindSource(root.tree.get(), image::ParseCopyPath(from.path), FLAGS_follow_link);
  if (absl::IsNotFound(source.status())) return CouldNotFind(from);
  if (!source.ok()) return source.status();
  if (image::IsKernelFilesystem(source->fd.get())) {
    return absl::FailedPreconditionError(
        absl::StrCat(base::Printable(from.path), ": is the kernel's, not a file of the container"));
  }
  if (dest == "-") return WriteStream(*source, root, STDOUT_FILENO);
  const auto change = [&](TarEntry* entry, const image::TellOmission& tell) {
    return BecomeOurs(root, entry, tell);
  };
  STAVE_ASSIGN_OR_RETURN(const uint64_t bytes,
                         CopyTree(*source, target, {.closed = root.own_mounts}, dest, change));
  TellCopied(bytes, dest);
  return absl::OkStatus();
}

// --- into a container --------------------------------------------------------------------------

// Where in the container entries may be made, and whether they may.
absl::Status CheckWritable(const ContainerRoot& root, int top) {
  if (image::IsKernelFilesystem(top)) {
    return absl::FailedPreconditionError("the destination is the kernel's, and holds no files");
  }
  struct statvfs fs;
  if (::fstatvfs(top, &fs) < 0 || (fs.f_flag & ST_RDONLY) == 0) return absl::OkStatus();
  struct statx there {
  }, own{};
  const bool same = ::statx(top, "", AT_EMPTY_PATH, STATX_MNT_ID, &there) == 0 &&
                    ::statx(root.tree.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &own) == 0 &&
                    there.stx_mnt_id == own.stx_mnt_id;
  return base::Error(
      absl::StatusCode::kFailedPrecondition, "E_READ_ONLY",
      same ? "container rootfs is marked read-only" : "mounted volume is marked read-only");
}

absl::StatusOr<Target> FindInput(const ContainerRoot& root, const image::CopyWord& to) {
  auto target = tools::FindTarget(root.tree.get(), image::ParseCopyPath(to.path));
  if (absl::IsNotFound(target.status())) return CouldNotFind(to);
  if (!target.ok()) return target.status();
  if (target->rule.exists && !S_ISDIR(target->st.st_mode) && !S_ISREG(target->st.st_mode)) {
    const bool device = S_ISCHR(target->st.st_mode) || S_ISBLK(target->st.st_mode);
    return absl::FailedPreconditionError(
        absl::StrCat("destination \"", base::Printable(to.container), ":", base::Printable(to.path),
                     "\" must be a directory or a regular file", device ? ": got a device" : ""));
  }
  return target;
}

absl::Status ReadStream(const ContainerRoot& root, const Target& target,
                        const image::CopyWord& to) {
  if (!target.rule.is_directory) {
    return absl::FailedPreconditionError(
        absl::StrCat("destination \"", base::Printable(to.container), ":", base::Printable(to.path),
                     "\" must be a directory"));
  }
  STAVE_RETURN_IF_ERROR(CheckWritable(root, target.self.get()));
  archive::FdSource stream(STDIN_FILENO, "stdin");
  archive::TarReader tar(&stream);
  image::TreeMaker maker({.top = target.self.get(),
                          .noun = to.path,
                          .link_root = root.tree.get(),
                          .path_in_root = target.path},
                         Tell);
  uint64_t bytes = 0;
  const absl::Status read =
      image::ReadTarEntries(&tar, [&](TarEntry* entry, image::EntryData* data) {
        entry->uid = runtime::HostId(root.uids, entry->uid);
        entry->gid = runtime::HostId(root.gids, entry->gid);
        bytes += TarSize(*entry);
        return maker.Take(*entry, data);
      });
  if (!read.ok() && bytes == 0 && base::ErrorWord(read) == "E_TAR") {
    return base::WithHint(read, "a tar that is packed has to be unpacked before, by gzip -dc say");
  }
  STAVE_RETURN_IF_ERROR(read);
  STAVE_RETURN_IF_ERROR(maker.Finish());
  TellCopied(bytes, absl::StrCat(to.container, ":", to.path));
  return absl::OkStatus();
}

absl::StatusOr<Source> FindInputSource(const std::string& text) {
  STAVE_ASSIGN_OR_RETURN(const image::CopyPath path, tools::MachinePath(text));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd root, tools::OpenMachineRoot());
  auto source = tools::FindSource(root.get(), path, FLAGS_follow_link);
  if (absl::IsNotFound(source.status())) {
    return absl::NotFoundError(
        absl::StrCat("lstat ", base::Printable(path.path), ": no such file or directory"));
  }
  return source;
}

absl::Status CopyIn(const store::Store& store, const std::string& id, const std::string& text,
                    const image::CopyWord& to) {
  Source source;
  if (text != "-") {
    STAVE_ASSIGN_OR_RETURN(source, FindInputSource(text));
  }
  STAVE_ASSIGN_OR_RETURN(const ContainerRoot root,
                         runtime::OpenContainerRoot(store, id, runtime::RootUse::kWrite));
  STAVE_ASSIGN_OR_RETURN(const Target target, FindInput(root, to));
  STAVE_RETURN_IF_ERROR(runtime::ActAsRootOf(root));
  if (text == "-") return ReadStream(root, target, to);
  STAVE_RETURN_IF_ERROR(
      CheckWritable(root, target.rule.is_directory ? target.self.get() : target.parent.get()));
  const uid_t root_uid = runtime::HostId(root.uids, 0);
  const gid_t root_gid = runtime::HostId(root.gids, 0);
  const auto change = [&](TarEntry* entry, const image::TellOmission&) {
    const uid_t uid = runtime::HostId(root.uids, entry->uid);
    const gid_t gid = runtime::HostId(root.gids, entry->gid);
    entry->uid = uid;
    entry->gid = gid;
    if (!FLAGS_archive) SetOwner(root_uid, root_gid, entry);
    return true;
  };
  STAVE_ASSIGN_OR_RETURN(const uint64_t bytes, CopyTree(source, target, {}, to.path, change));
  TellCopied(bytes, absl::StrCat(to.container, ":", to.path));
  return absl::OkStatus();
}

// -----------------------------------------------------------------------------------------------

absl::StatusOr<int> Run(const cli::Invocation& given) {
  if (given.operands().size() != 2) return cli::UsageError("wants two operands: SRC and DEST");
  const std::string& from = given.operands()[0];
  const std::string& to = given.operands()[1];
  if (from.empty()) return cli::UsageError("source can not be empty");
  if (to.empty()) return cli::UsageError("destination can not be empty");
  const image::CopyWord source = image::ParseCopyWord(from);
  const image::CopyWord target = image::ParseCopyWord(to);
  if (!source.container.empty() && !target.container.empty()) {
    return cli::UsageError("copying between containers is not supported");
  }
  if (source.container.empty() && target.container.empty()) {
    return base::WithHint(cli::UsageError("must specify at least one container source"),
                          "CONTAINER:PATH is a path in a container, ./a:b a file of this machine");
  }
  if (from == "-" && ::isatty(STDIN_FILENO) == 1) {
    return cli::UsageError("-: a tar is wanted from stdin, which is a terminal");
  }
  if (to == "-" && ::isatty(STDOUT_FILENO) == 1) {
    return cli::UsageError("-: a tar would go to stdout, which is a terminal");
  }
  ::umask(0);
  const bool out = target.container.empty();
  // A store that is not there has no containers, and is not made.
  STAVE_ASSIGN_OR_RETURN(store::Store store, store::Store::Open(store::Access::kRead));
  const std::string& name = out ? source.container : target.container;
  STAVE_ASSIGN_OR_RETURN(const std::string id, store::FindContainer(store, name));
  STAVE_ASSIGN_OR_RETURN(store, store::Store::Open(store::Access::kWrite));
  // What somebody else left must not keep this one from its work.
  if (const absl::Status swept = out ? absl::OkStatus() : runtime::Sweep(store); !swept.ok()) {
    Tell(std::string(swept.message()));
  }
  const absl::Status copied =
      out ? CopyOut(store, id, source, to) : CopyIn(store, id, from, target);
  STAVE_RETURN_IF_ERROR(store::TellRemoval(store, id, name, copied));
  return 0;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}
