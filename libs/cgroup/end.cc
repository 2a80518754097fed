// SPDX-License-Identifier: Apache-2.0
//
// The end of a cgroup: killing what is in it and removing its directories.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/cgroup/cgroup.h"

namespace stave::cgroup {
namespace {

constexpr size_t kMaxFile = size_t{16} << 20;
constexpr int kMaxRounds = 100;

std::vector<pid_t> ProcessesIn(const std::string& directory) {
  std::vector<pid_t> pids;
  const auto text = base::ReadFileAt(AT_FDCWD, directory + "/cgroup.procs", kMaxFile);
  if (!text.ok()) return pids;
  for (absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
    pid_t pid = 0;
    if (absl::SimpleAtoi(line, &pid) && pid > 0) pids.push_back(pid);
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

// The directory and all below it, the deepest first.
std::vector<std::string> Tree(const std::string& directory) {
  std::vector<std::string> found;
  if (DIR* stream = opendir(directory.c_str())) {
    while (const dirent* entry = readdir(stream)) {
      const absl::string_view name = entry->d_name;
      if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
      for (std::string& below : Tree(absl::StrCat(directory, "/", name))) {
        found.push_back(std::move(below));
      }
    }
    closedir(stream);
  }
  found.push_back(directory);
  return found;
}

// One round over the processes that are not yet in `killed`. Each is held by a pidfd before it is
// found in the list a second time, so that its number cannot mean a stranger.
bool KillRound(const std::string& directory, std::map<pid_t, base::UniqueFd>* killed) {
  std::map<pid_t, base::UniqueFd> held;
  for (const pid_t pid : ProcessesIn(directory)) {
    if (killed->count(pid) != 0) continue;
    base::UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (pidfd.get() >= 0) held.emplace(pid, std::move(pidfd));
  }
  if (held.empty()) return false;
  for (const pid_t pid : ProcessesIn(directory)) {
    const auto found = held.find(pid);
    if (found == held.end()) continue;
    syscall(SYS_pidfd_send_signal, found->second.get(), SIGKILL, nullptr, 0);
    killed->insert(held.extract(found));
  }
  return true;
}

void KillOneByOne(const std::string& directory) {
  std::map<pid_t, base::UniqueFd> killed;
  for (int round = 0; round < kMaxRounds && KillRound(directory, &killed); ++round) {
  }
}

// cgroup.events of v2 becomes readable (POLLPRI) when it changes.
void WaitForEvent(const std::string& directory, absl::Duration timeout) {
  const std::string path = directory + "/cgroup.events";
  const base::UniqueFd events(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char text[256];
  const ssize_t size = events.get() < 0 ? -1 : read(events.get(), text, sizeof(text));
  if (size <= 0) return;
  if (!absl::StrContains(absl::string_view(text, static_cast<size_t>(size)), "populated 1")) return;
  pollfd waiting = {events.get(), POLLPRI, 0};
  poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout)));
}

bool SetFreezer(const std::string& directory, const char* state) {
  return base::WriteFileAt(AT_FDCWD, directory + "/freezer.state", state).ok();
}

// Whether `directory` and all below it are gone now.
bool TryRemoveTree(const std::string& directory) {
  if (rmdir(directory.c_str()) == 0 || errno == ENOENT) return true;
  if (errno != EBUSY) return false;
  for (const std::string& each : Tree(directory)) rmdir(each.c_str());
  return access(directory.c_str(), F_OK) != 0;
}

}  // namespace

std::vector<pid_t> Cgroup::Processes() const {
  std::vector<pid_t> found;
  for (const Place& place : places_) {
    for (const std::string& each : Tree(place.directory)) {
      const std::vector<pid_t> here = ProcessesIn(each);
      found.insert(found.end(), here.begin(), here.end());
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

absl::Status Cgroup::Kill() const {
  const Place* freezer = Find("freezer");
  const bool v1_freezer = freezer != nullptr && freezer->hierarchy.version == Version::kV1;
  for (const Place& place : places_) {
    if (place.hierarchy.version != Version::kV2) continue;
    // Kills what is below, too, and what is being forked. Since 5.14.
    if (base::WriteFileAt(AT_FDCWD, place.directory + "/cgroup.kill", "1").ok()) continue;
    for (const std::string& each : Tree(place.directory)) KillOneByOne(each);
  }
  if (places_.empty() || places_.front().hierarchy.version == Version::kV2) {
    return absl::OkStatus();
  }
  const bool frozen = v1_freezer && SetFreezer(freezer->directory, "FROZEN");
  for (const Place& place : places_) {
    if (place.hierarchy.version == Version::kV2) continue;
    for (const std::string& each : Tree(place.directory)) KillOneByOne(each);
  }
  // A task that is frozen dies when it is thawed.
  if (frozen) {
    for (const std::string& each : Tree(freezer->directory)) SetFreezer(each, "THAWED");
  }
  return absl::OkStatus();
}

void Cgroup::RemoveEmpty() {
  places_.erase(std::remove_if(places_.begin(), places_.end(),
                               [](const Place& p) { return TryRemoveTree(p.directory); }),
                places_.end());
}

absl::Status Cgroup::End(absl::Duration timeout) {
  RemoveEmpty();
  if (!places_.empty()) STAVE_RETURN_IF_ERROR(Kill());
  return Remove(timeout);
}

absl::Status Cgroup::Remove(absl::Duration timeout) {
  CloseEntries();
  const absl::Time deadline = absl::Now() + timeout;
  absl::Duration pause = absl::Milliseconds(1);
  while (true) {
    RemoveEmpty();
    if (places_.empty()) break;
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) break;
    const Place& last = places_.back();
    if (last.hierarchy.version == Version::kV2) WaitForEvent(last.directory, left);
    // v1 has no event, and on v2 the directory may be busy a moment longer.
    poll(nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(std::min(pause, left))));
    pause = std::min(pause * 2, absl::Milliseconds(50));
  }
  if (places_.empty()) {
    owned_ = false;
    return absl::OkStatus();
  }
  std::vector<pid_t> left;
  for (const std::string& each : Tree(places_.back().directory)) {
    for (const pid_t pid : ProcessesIn(each)) left.push_back(pid);
  }
  return base::Error(
      absl::StatusCode::kFailedPrecondition, "E_STATE",
      absl::StrCat(
          "cgroup ", places_.back().directory, ": cannot be removed, ",
          left.empty() ? "it is busy" : absl::StrCat("process ", left.front(), " is still in it")));
}

}  // namespace stave::cgroup
