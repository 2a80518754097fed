// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/fd_path.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"

namespace stave::runtime {
namespace {

absl::Status Bad(absl::string_view option, absl::string_view text, absl::string_view why) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_USAGE",
                     absl::StrCat("--", option, ": \"", base::Printable(text, 160), "\": ", why));
}

absl::Status CheckDestination(absl::string_view option, const std::string& text,
                              const std::string& path) {
  if (!absl::StartsWith(path, "/"))
    return Bad(option, text, "the container's path is not absolute");
  if (path.find_first_not_of('/') == path.npos) {
    return Bad(option, text, "the container's root cannot be mounted over");
  }
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part == "..") return Bad(option, text, "the container's path has \"..\" in it");
  }
  for (const char* kept : {"/proc", "/sys"}) {
    if (path == kept || path == absl::StrCat(kept, "/")) {
      return Bad(option, text, absl::StrCat(kept, " cannot be mounted over"));
    }
  }
  if (absl::StartsWith(path, "/proc/"))
    return Bad(option, text, "nothing can be mounted inside /proc");
  return absl::OkStatus();
}

bool HasSelinux() { return ::access("/sys/fs/selinux/enforce", F_OK) == 0; }

absl::Status ApplyVolumeWord(const std::string& text, absl::string_view word, MountEntry* entry) {
  static constexpr absl::string_view kPropagation[] = {"private", "rprivate", "slave",
                                                       "rslave",  "shared",   "rshared"};
  const auto has = [entry](absl::string_view one) {
    return std::find(entry->options.begin(), entry->options.end(), one) != entry->options.end();
  };
  if (word == "ro" || word == "rw") {
    if (has("ro") || has("rw")) return Bad("volume", text, "ro or rw is given twice");
    entry->options.emplace_back(word);
    return absl::OkStatus();
  }
  if (std::find(std::begin(kPropagation), std::end(kPropagation), word) != std::end(kPropagation)) {
    std::erase(entry->options, "rprivate");
    entry->options.emplace_back(word);
    return absl::OkStatus();
  }
  if (word == "nosuid" || word == "nodev" || word == "noexec") {
    entry->options.emplace_back(word);
    return absl::OkStatus();
  }
  // Of other kinds of volumes, or of machines where the files are far away.
  for (const char* idle : {"cached", "delegated", "consistent", "nocopy"}) {
    if (word == idle) return absl::OkStatus();
  }
  if (word == "z" || word == "Z") {
    if (!HasSelinux()) return absl::OkStatus();
    return Bad("volume", text, "files are not relabelled for SELinux");
  }
  return Bad("volume", text,
             absl::StrCat("\"", base::Printable(word, 32), "\" is no option of a volume"));
}

// Docker's defaults, each of which its opposite takes away.
void ApplyTmpfsWord(absl::string_view word, std::vector<std::string>* options) {
  if (word == "exec" || word == "suid" || word == "dev") {
    std::erase(*options, absl::StrCat("no", word));
  } else if (std::find(options->begin(), options->end(), word) == options->end()) {
    options->emplace_back(word);
  }
}

absl::Status CheckTmpfsWord(const std::string& text, absl::string_view word) {
  static constexpr absl::string_view kPlain[] = {"ro",   "rw",    "noexec", "exec",   "nosuid",
                                                 "suid", "nodev", "dev",    "noatime"};
  if (std::find(std::begin(kPlain), std::end(kPlain), word) != std::end(kPlain))
    return absl::OkStatus();
  for (const absl::string_view key :
       {"size=", "mode=", "uid=", "gid=", "nr_inodes=", "nr_blocks="}) {
    const absl::string_view value = absl::StartsWith(word, key) ? word.substr(key.size()) : "";
    const size_t digits = std::min(value.find_first_not_of("0123456789"), value.size());
    const bool unit =
        digits + 1 == value.size() && absl::StrContains("kKmMgG%", value.substr(digits, 1));
    if (digits > 0 && (digits == value.size() || unit)) return absl::OkStatus();
  }
  return Bad("tmpfs", text,
             absl::StrCat("\"", base::Printable(word, 32), "\" is no option of tmpfs"));
}

absl::StatusOr<std::string> ResolveSource(const std::string& source, absl::string_view store) {
  const base::UniqueFd fd(::open(source.c_str(), O_PATH | O_CLOEXEC));
  if (!fd.valid()) {
    absl::Status missing = base::PosixError(errno, absl::StrCat("--volume: ", source), "open");
    return absl::IsNotFound(missing)
               ? base::WithHint(std::move(missing),
                                "the host's path is not made for you: mkdir it first")
               : missing;
  }
  STAVE_ASSIGN_OR_RETURN(std::string whole, base::FdPath(fd.get(), source));
  if (!store.empty() &&
      (whole == store || absl::StartsWith(whole, absl::StrCat(store, "/")) ||
       absl::StartsWith(absl::StrCat(store, "/"), whole == "/" ? "//" : whole + "/"))) {
    return Bad("volume", source, "is or holds the store itself");
  }
  return whole;
}

absl::Status AddEntry(const char* type, const MountEntry& entry, absl::string_view option,
                      json::Value* document) {
  json::Value* mounts = document->Find("mounts");
  if (mounts == nullptr || !mounts->is_array())
    mounts = &document->Set("mounts", json::Value::Array());
  for (const json::Value& mount : mounts->elements()) {
    const json::Value* there = mount.Find("destination");
    if (there == nullptr || there->text() != entry.destination) continue;
    const json::Value* kind = mount.Find("type");
    if (kind != nullptr && kind->text() == "bind") {
      return Bad(option, entry.destination, "the container's path is mounted twice");
    }
  }
  mounts->elements().push_back(json::Value::Object({
      {"destination", json::Value::String(entry.destination)},
      {"type", json::Value::String(type)},
      {"source", json::Value::String(entry.source)},
      {"options", json::Value::Strings(entry.options)},
  }));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MountEntry> ParseVolume(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  if (parts.size() < 2 || parts.size() > 3) {
    return base::WithHint(Bad("volume", text, "is not of the form /HOST:/CONTAINER[:OPTIONS]"),
                          "there are no volumes but the host's files and directories");
  }
  MountEntry entry{parts[0], parts[1], {"rbind", "rprivate"}};
  if (!absl::StartsWith(entry.source, "/")) {
    return base::WithHint(Bad("volume", text, "the host's path is not absolute"),
                          "there are no volumes with a name; a path begins with /, as $PWD does");
  }
  STAVE_RETURN_IF_ERROR(CheckDestination("volume", text, entry.destination));
  if (parts.size() == 2) return entry;
  for (const absl::string_view word : absl::StrSplit(parts[2], ',')) {
    STAVE_RETURN_IF_ERROR(ApplyVolumeWord(text, word, &entry));
  }
  return entry;
}

absl::StatusOr<MountEntry> ParseTmpfs(const std::string& text) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
  MountEntry entry{"tmpfs", parts.first, {"nosuid", "nodev", "noexec"}};
  STAVE_RETURN_IF_ERROR(CheckDestination("tmpfs", text, entry.destination));
  for (const absl::string_view word : absl::StrSplit(parts.second, ',', absl::SkipEmpty())) {
    STAVE_RETURN_IF_ERROR(CheckTmpfsWord(text, word));
    ApplyTmpfsWord(word, &entry.options);
  }
  return entry;
}

namespace {

struct Wanted {
  const char* type;
  const char* option;
  MountEntry entry;
};

size_t DepthOf(const Wanted& wanted) {
  return static_cast<size_t>(
      std::count(wanted.entry.destination.begin(), wanted.entry.destination.end(), '/'));
}

// "/a//b/" -> "/a/b".
std::string Plain(const std::string& path) {
  return absl::StrCat("/", absl::StrJoin(absl::StrSplit(path, '/', absl::SkipEmpty()), "/"));
}

}  // namespace

absl::Status AddVolumes(const std::vector<std::string>& volumes,
                        const std::vector<std::string>& tmpfs, absl::string_view store,
                        json::Value* document) {
  std::vector<Wanted> all;
  for (const std::string& text : tmpfs) {
    STAVE_ASSIGN_OR_RETURN(MountEntry entry, ParseTmpfs(text));
    all.push_back({"tmpfs", "tmpfs", std::move(entry)});
  }
  for (const std::string& text : volumes) {
    STAVE_ASSIGN_OR_RETURN(MountEntry entry, ParseVolume(text));
    STAVE_ASSIGN_OR_RETURN(entry.source, ResolveSource(entry.source, store));
    all.push_back({"bind", "volume", std::move(entry)});
  }
  for (Wanted& wanted : all) wanted.entry.destination = Plain(wanted.entry.destination);
  // A mount comes before those below it, in whatever order they were given.
  std::stable_sort(all.begin(), all.end(),
                   [](const Wanted& a, const Wanted& b) { return DepthOf(a) < DepthOf(b); });
  for (const Wanted& wanted : all) {
    STAVE_RETURN_IF_ERROR(AddEntry(wanted.type, wanted.entry, wanted.option, document));
  }
  return absl::OkStatus();
}

}  // namespace stave::runtime
