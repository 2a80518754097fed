// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-why/gather.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <time.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "libs/base/id.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"
#include "libs/log/reader.h"
#include "libs/oci/life_member.h"
#include "libs/oci/stave_member.h"
#include "libs/runtime/container_group.h"
#include "libs/runtime/pause.h"
#include "libs/seccomp/call_name.h"
#include "libs/store/containers.h"
#include "libs/store/event_reader.h"
#include "tools/ps-why/kernel_words.h"

namespace stave::tools {
namespace {

constexpr uint64_t kLines = 20;
constexpr size_t kMaxLine = 1024;  // of the log, as it is kept here
constexpr size_t kMaxDocument = size_t{4} << 20;

std::optional<int64_t> NumberAt(const json::Value& document,
                                std::initializer_list<absl::string_view> path) {
  const json::Value* value = document.Find(path);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const auto number = value->AsInt64();
  return number.ok() && *number >= 0 ? std::optional<int64_t>(*number) : std::nullopt;
}

Asked AskedBy(const json::Value& document) {
  Asked asked;
  if (const json::Value* args = document.Find({"process", "args"})) {
    for (const json::Value& word : args->elements()) asked.args.push_back(word.text());
  }
  const json::Value* terminal = document.Find({"process", "terminal"});
  const json::Value* read_only = document.Find({"root", "readonly"});
  const auto member = oci::GetStaveMember(document);
  const auto life = oci::GetLife(document);
  asked.input = (terminal != nullptr && terminal->boolean()) || (life.ok() && life->interactive);
  asked.read_only =
      (read_only != nullptr && read_only->boolean()) || (member.ok() && member->rootfs_readonly);
  asked.uid = NumberAt(document, {"process", "user", "uid"}).value_or(0);
  asked.memory = NumberAt(document, {"linux", "resources", "memory", "limit"});
  asked.pids = NumberAt(document, {"linux", "resources", "pids", "limit"});
  if (const json::Value* limits = document.Find({"process", "rlimits"})) {
    for (const json::Value& limit : limits->elements()) {
      const json::Value* type = limit.Find("type");
      const auto soft = NumberAt(limit, {"soft"});
      if (type != nullptr && soft) asked.limits.emplace_back(type->text(), *soft);
    }
  }
  if (const json::Value* seccomp = document.Find({"linux", "seccomp"})) asked.seccomp = *seccomp;
  return asked;
}

// The folder ID of containers/ under one of the roots; invalid if there is none.
base::UniqueFd FolderOf(int root, const std::string& id) {
  if (root < 0) return base::UniqueFd();
  auto folder = base::OpenDirAt(root, absl::StrCat("containers/", id));
  return folder.ok() ? *std::move(folder) : base::UniqueFd();
}

std::vector<std::string> LastLines(int folder) {
  std::vector<std::string> lines;
  log::Query query;
  query.tail = kLines;
  auto reader = log::Reader::Open(folder, query);
  if (!reader.ok()) return lines;
  bool whole = true;
  reader
      ->Read([&](const log::Record& record) {
        if (whole) lines.emplace_back();
        whole = absl::EndsWith(record.text, "\n");
        const absl::string_view text = absl::StripSuffix(record.text, "\n");
        const size_t room = kMaxLine - std::min(kMaxLine, lines.back().size());
        absl::StrAppend(&lines.back(), text.substr(0, room));
        return absl::OkStatus();
      })
      .IgnoreError();
  return lines;
}

// Of the latest container that `is_meant` takes for the one; since its last start, if it had one.
// `text`: what a line of it has in it.
template <typename F>
std::vector<store::Event> EventsOf(const store::Store& store, absl::string_view text,
                                   F&& is_meant) {
  std::vector<store::Event> events;
  auto reader = store::EventReader::Open(store, store::EventReader::From::kOldest);
  if (!reader.ok()) return events;
  while (const std::optional<std::string> line = reader->Next()) {
    const bool may_be = absl::StrContains(*line, text) ||
                        (!events.empty() && absl::StrContains(*line, events.back().id));
    if (!may_be) continue;
    auto event = store::ParseEvent(*line);
    if (!event.ok()) continue;
    const bool same = !events.empty() && event->id == events.back().id;
    if (!same && !is_meant(*event)) continue;
    // An exec that ends is not its end.
    if (!same || event->action == "start") events.clear();
    events.push_back(*std::move(event));
  }
  return events;
}

absl::Time BootTime() {
  timespec up{};
  ::clock_gettime(CLOCK_BOOTTIME, &up);
  return absl::Now() - absl::DurationFromTimespec(up);
}

void ReadDocument(int home, Evidence* evidence) {
  const auto text = base::ReadFileAt(home, "config.json", kMaxDocument);
  if (!text.ok()) return;
  const auto document = json::Parse(*text);
  if (document.ok()) evidence->asked = AskedBy(*document);
}

// What only one that runs has: a cgroup, and who watches it.
void LookAtProcesses(Evidence* evidence) {
  const store::ContainerView& view = evidence->view;
  if (!view.state) return;
  const auto boot = base::BootId();
  const std::optional<base::ProcessIdentity>& runner = view.state->runner;
  evidence->other_boot = boot.ok() && runner && runner->boot_id != *boot;
  if (view.status != store::Status::kRunning) return;
  if (runner) {
    const auto watcher = base::OpenProcess(*runner);
    evidence->watcher_lives = !watcher.ok() || watcher->has_value();
  }
  evidence->frozen = runtime::IsPaused(view);
  const auto group = runtime::OpenCgroupOf(view);
  if (!group.ok()) return;
  const cgroup::Usage usage = group->ReadUsage();
  evidence->oom_kills = usage.oom_kills.value_or(0);
  evidence->forks_refused = usage.pids_refused.value_or(0);
}

std::string NameOfCall(const store::ContainerView& view) {
  const store::Exit* exit = view.exit ? &*view.exit : nullptr;
  if (exit == nullptr && view.state && view.state->last) exit = &*view.state->last;
  if (exit == nullptr) return "";
  const KernelWords words = ParseKernelWords(exit->kernel);
  return words.call ? seccomp::CallName(words.call->architecture, words.call->number) : "";
}

}  // namespace

absl::StatusOr<Evidence> Gather(const store::Store& store, const std::string& id) {
  Evidence evidence;
  STAVE_ASSIGN_OR_RETURN(evidence.view, store::GetContainer(store, id));
  evidence.now = absl::Now();
  evidence.booted = BootTime();
  const base::UniqueFd run = FolderOf(store.run(), id);
  const base::UniqueFd state = FolderOf(store.state(), id);
  const int home = state.valid() ? state.get() : run.get();
  if (home >= 0) {
    ReadDocument(home, &evidence);
    const auto folder = base::OpenDirAt(home, "log");
    evidence.has_log = folder.ok();
    if (folder.ok()) evidence.log = LastLines(folder->get());
  }
  if (run.valid()) evidence.health = store::ReadHealth(run.get());
  LookAtProcesses(&evidence);
  evidence.events =
      EventsOf(store, id, [&id](const store::Event& event) { return event.id == id; });
  evidence.call = NameOfCall(evidence.view);
  struct statvfs fs;
  if (store.state() >= 0 && ::fstatvfs(store.state(), &fs) == 0) {
    evidence.disk_free = static_cast<int64_t>(fs.f_bavail * fs.f_frsize);
  }
  return evidence;
}

std::optional<Evidence> GatherRemoved(const store::Store& store, absl::string_view text) {
  Evidence evidence;
  const bool is_id = text.size() >= base::kShortIdLength;
  evidence.events = EventsOf(store, text, [&](const store::Event& event) {
    return event.name == text || (is_id && absl::StartsWith(event.id, text));
  });
  if (evidence.events.empty()) return std::nullopt;
  evidence.now = absl::Now();
  evidence.booted = BootTime();
  evidence.gone = true;
  evidence.view.record.id = evidence.events.back().id;
  evidence.view.record.name = evidence.events.back().name;
  return evidence;
}

}  // namespace stave::tools
