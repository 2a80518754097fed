// SPDX-License-Identifier: Apache-2.0
#include "libs/store/containers.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/base/side_by_side.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/store/folder.h"
#include "libs/store/name.h"
#include "libs/store/name_link.h"
#include "libs/store/paused.h"
#include "libs/store/trash.h"

namespace stave::store {
namespace {

absl::Status NoSuchContainer(absl::string_view text) {
  return base::Error(absl::StatusCode::kNotFound, "E_NO_CONTAINER",
                     absl::StrCat("No such container: ", base::Printable(text)));
}

// The two folders that containers are in; -1 for one that does not exist.
struct Folders {
  base::UniqueFd home;  // STATE/containers
  base::UniqueFd run;   // RUN/containers
};

absl::StatusOr<base::UniqueFd> OpenFolder(int root) {
  if (root < 0) return base::UniqueFd();
  auto opened = base::OpenDirAt(root, "containers");
  if (absl::IsNotFound(opened.status())) return base::UniqueFd();
  return opened;
}

absl::StatusOr<Folders> OpenFolders(const Store& store) {
  Folders folders;
  STAVE_ASSIGN_OR_RETURN(folders.home, OpenFolder(store.state()));
  STAVE_ASSIGN_OR_RETURN(folders.run, OpenFolder(store.run()));
  return folders;
}

// An id and in which of the two it has a folder.
struct Place {
  std::string id;
  bool in_home = false;
  bool in_run = false;
};

// All ids that have a folder, sorted.
absl::StatusOr<std::vector<Place>> Places(const Folders& folders) {
  STAVE_ASSIGN_OR_RETURN(std::vector<std::string> home, ListFolder(folders.home.get(), "."));
  STAVE_ASSIGN_OR_RETURN(std::vector<std::string> run, ListFolder(folders.run.get(), "."));
  std::sort(home.begin(), home.end());
  std::sort(run.begin(), run.end());
  std::vector<Place> places;
  places.reserve(std::max(home.size(), run.size()));
  auto h = home.begin(), r = run.begin();
  while (h != home.end() || r != run.end()) {
    const bool in_home = h != home.end() && (r == run.end() || *h <= *r);
    const bool in_run = r != run.end() && (h == home.end() || *r <= *h);
    std::string& id = in_home ? *h : *r;
    if (base::IsId(id)) places.push_back({std::move(id), in_home, in_run});
    h += in_home ? 1 : 0;
    r += in_run ? 1 : 0;
  }
  return places;
}

// Where `id` is, without listing anything.
Place FindPlace(const Folders& folders, const std::string& id) {
  return {id, base::ExistsAt(folders.home.get(), id), base::ExistsAt(folders.run.get(), id)};
}

std::string ShortId(const std::string& id) { return id.substr(0, base::kShortIdLength); }

absl::Status Damage(const std::string& id, absl::string_view file, absl::string_view why) {
  return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT",
                     absl::StrCat(ShortId(id), ": ", file, ": ", why));
}

// Reads and parses ID/`file` of `folder`; NotFound if it is not there; all else that is wrong is
// damage. A list reads thousands: so few system calls, and no message for what is not there. What
// is no regular file reads as nothing or as an error, and so as damage.
template <typename T>
absl::StatusOr<T> ReadJson(int folder, const std::string& id, const char* file,
                           absl::StatusOr<T> (*parse)(absl::string_view)) {
  const base::UniqueFd fd(::openat(folder, absl::StrCat(id, "/", file).c_str(),
                                   O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOENT) return absl::NotFoundError("");
    return Damage(id, file, base::PosixError(errno, "it", "open").message());
  }
  char text[4096];
  const ssize_t size = ::read(fd.get(), text, sizeof text);
  absl::StatusOr<T> parsed = absl::DataLossError("");
  if (size >= 0 && size < static_cast<ssize_t>(sizeof text)) {
    parsed = parse(absl::string_view(text, static_cast<size_t>(size)));
  } else {
    ::lseek(fd.get(), 0, SEEK_SET);
    const auto whole = base::ReadAll(fd.get(), kMaxRecordBytes, "it");
    if (!whole.ok()) return Damage(id, file, whole.status().message());
    parsed = parse(*whole);
  }
  if (!parsed.ok()) return Damage(id, file, parsed.status().message());
  return parsed;
}

bool Lives(const std::optional<base::ProcessIdentity>& identity) {
  if (!identity.has_value()) return false;
  const auto process = base::OpenProcess(*identity);
  return !process.ok() || process->has_value();  // an error proves nothing: as it is written
}

void NoteDamage(const absl::Status& status, ContainerView* view) {
  if (!absl::IsNotFound(status)) view->damage.Update(status);
}

bool HasExit(const Folders& folders, const Place& place) {
  const int home = place.in_home ? folders.home.get() : folders.run.get();
  return base::ExistsAt(home, absl::StrCat(place.id, "/exit.json"));
}

// What state.json says, and what of it is true. Its first process may be gone, and its watcher
// about to tell how it ended: it counts as running until then.
void FindState(const Store& store, const Folders& folders, const Place& place,
               ContainerView* view) {
  if (!place.in_run) return;
  auto state = ReadJson<State>(folders.run.get(), place.id, "state.json", ParseState);
  NoteDamage(state.status(), view);
  // Who watches it has its entry, and goes by what it knows itself: it can be stopped, and must not
  // be taken for ended.
  if (!state.ok() && !absl::IsNotFound(state.status()) && HasEntry(store, place.id)) {
    view->status = Status::kRunning;
  }
  if (!state.ok()) return;
  view->status = state->status;
  // Without a first process in it: that had ended before it was looked at, and its watcher is about
  // to tell, if it lives.
  if (view->status == Status::kRestarting) state->init.reset();
  if (state->init.has_value() && !Lives(state->init)) state->init.reset();
  const bool runs = state->init.has_value() || (!HasExit(folders, place) && Lives(state->runner));
  if (!runs && IsLive(view->status)) view->status = Status::kExited;
  view->marked_paused =
      view->status == Status::kRunning && HasPausedMark(folders.run.get(), place.id);
  if (view->status == Status::kRunning) {
    const auto health = ReadJson<Health>(folders.run.get(), place.id, kHealthFile, ParseHealth);
    if (health.ok()) view->health = health->status;
  }
  view->state = *std::move(state);
}

// How it ended, if it has: a code that nobody can read is unknown, and so is one nobody wrote.
void FindExit(const Folders& folders, const Place& place, ContainerView* view) {
  if (IsLive(view->status)) return;
  const int home = place.in_home ? folders.home.get() : folders.run.get();
  auto exit = ReadJson<Exit>(home, place.id, "exit.json", ParseExit);
  NoteDamage(exit.status(), view);
  const bool is_made_only = view->state.has_value() && view->state->status == Status::kCreated;
  if (exit.ok()) {
    view->exit = *std::move(exit);
    // What has never run has not ended either: its starts have failed.
    const bool ran = view->record.started || !view->exit->error.has_value();
    view->status = ran ? Status::kExited : Status::kCreated;
  } else if ((!absl::IsNotFound(exit.status()) || view->record.started) && !is_made_only) {
    view->status = Status::kExited;
  }
  if (view->status == Status::kExited && !view->exit.has_value()) view->exit = Exit();
}

// Its payload has ended and its watcher has not told so yet: it is about to write into the folder.
bool IsEnding(const ContainerView& view) {
  return view.state.has_value() && IsLive(view.state->status) && Lives(view.state->runner);
}

// nullptr: nothing to show (gone meanwhile, being made, or a rest in RUN only).
std::unique_ptr<ContainerView> View(const Store& store, const Folders& folders, const Place& place,
                                    Depth depth = Depth::kState) {
  if (!place.in_home && !place.in_run) return nullptr;
  auto view = std::make_unique<ContainerView>();
  const int home = place.in_home ? folders.home.get() : folders.run.get();
  auto record = ReadJson<Record>(home, place.id, "record.json", ParseRecord);
  if (record.ok() && record->id != place.id) {
    record = Damage(place.id, "record.json", "/id is that of another container");
  }
  if (absl::IsNotFound(record.status())) {
    if (IsPending(store, place.id) || !place.in_home) return nullptr;
    // Looked at again: it may have been removed since the folder was listed.
    if (!FindPlace(folders, place.id).in_home) return nullptr;
    record = Damage(place.id, "record.json", "is missing");
  }
  if (record.ok()) {
    view->record = *std::move(record);
  } else {
    view->record.id = place.id;
    view->record.created = absl::InfinitePast();
    view->damage = record.status();
  }
  if (depth == Depth::kRecord) return view;
  FindState(store, folders, place, view.get());
  FindExit(folders, place, view.get());
  return view;
}

// Those of `places` that there is something to show of. Many small files take a while: by several
// threads where that pays. Views are large, and are sorted by their pointers.
std::vector<std::unique_ptr<ContainerView>> Views(const Store& store, const Folders& folders,
                                                  const std::vector<Place>& places, Depth depth) {
  constexpr size_t kPiece = 256;
  constexpr size_t kThreads = 2;
  std::vector<std::unique_ptr<ContainerView>> views(places.size());
  const size_t pieces = (places.size() + kPiece - 1) / kPiece;
  base::SideBySide(pieces, kThreads, [&](size_t piece) {
    const size_t end = std::min(places.size(), (piece + 1) * kPiece);
    for (size_t i = piece * kPiece; i < end; ++i) views[i] = View(store, folders, places[i], depth);
  });
  return views;
}

bool Newer(const ContainerView& a, const ContainerView& b) {
  if (a.record.created != b.record.created) return a.record.created > b.record.created;
  return a.record.id < b.record.id;
}

}  // namespace

absl::StatusOr<std::vector<ContainerView>> ListContainers(const Store& store, Which which,
                                                          Depth depth) {
  STAVE_ASSIGN_OR_RETURN(const Folders folders, OpenFolders(store));
  std::vector<Place> places;
  if (which == Which::kAll) {
    STAVE_ASSIGN_OR_RETURN(places, Places(folders));
  } else {
    // Whatever runs has a state; the others need not be looked at.
    STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> ids, ListFolder(folders.run.get(), "."));
    for (const std::string& id : ids) {
      if (base::IsId(id) && base::ExistsAt(folders.run.get(), absl::StrCat(id, "/state.json"))) {
        places.push_back(FindPlace(folders, id));
      }
    }
  }
  std::vector<std::unique_ptr<ContainerView>> found = Views(store, folders, places, depth);
  found.erase(std::remove_if(found.begin(), found.end(),
                             [which](const auto& view) {
                               return view == nullptr ||
                                      (which == Which::kRunning && !IsLive(view->status));
                             }),
              found.end());
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return Newer(*a, *b); });
  std::vector<ContainerView> views;
  views.reserve(found.size());
  for (std::unique_ptr<ContainerView>& view : found) {
    views.push_back(*std::move(view));
    view.reset();
  }
  return views;
}

absl::StatusOr<std::string> ContainerFinder::Find(absl::string_view text) {
  if (base::IsId(text) && IsAnythingOf(store_, std::string(text))) return std::string(text);
  // "/web" is how inspect shows a name.
  if (const absl::string_view name = absl::StripPrefix(text, "/"); CheckName(name).ok()) {
    const std::optional<std::string> id = IdOfName(store_, std::string(name));
    if (id.has_value() && IsAnythingOf(store_, *id)) return *id;
  }
  if (text.empty() || text.find_first_not_of("0123456789abcdef") != text.npos) {
    return NoSuchContainer(text);
  }
  STAVE_RETURN_IF_ERROR(List());
  const std::string* found = nullptr;
  for (auto id = std::lower_bound(ids_->begin(), ids_->end(), text);
       id != ids_->end() && absl::StartsWith(*id, text); ++id) {
    if (!IsAnythingOf(store_, *id)) continue;
    if (found != nullptr) {
      return base::Error(absl::StatusCode::kInvalidArgument, "E_AMBIGUOUS",
                         absl::StrCat("Multiple IDs found with provided prefix: ", text));
    }
    found = &*id;
  }
  if (found == nullptr) return NoSuchContainer(text);
  return *found;
}

absl::Status ContainerFinder::List() {
  if (ids_.has_value()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const Folders folders, OpenFolders(store_));
  STAVE_ASSIGN_OR_RETURN(std::vector<Place> places, Places(folders));
  ids_.emplace();
  ids_->reserve(places.size());
  for (Place& place : places) ids_->push_back(std::move(place.id));
  return absl::OkStatus();
}

absl::StatusOr<std::string> FindContainer(const Store& store, absl::string_view text) {
  return ContainerFinder(store).Find(text);
}

absl::StatusOr<ContainerView> GetContainer(const Store& store, absl::string_view id) {
  if (!base::IsId(id)) return NoSuchContainer(id);
  STAVE_ASSIGN_OR_RETURN(const Folders folders, OpenFolders(store));
  std::unique_ptr<ContainerView> view = View(store, folders, FindPlace(folders, std::string(id)));
  if (view == nullptr) return NoSuchContainer(id);
  return *std::move(view);
}

absl::Status TellRemoval(const Store& store, absl::string_view id, absl::string_view text,
                         absl::Status failed) {
  if (base::ErrorWord(failed) == "E_NO_CONTAINER") return NoSuchContainer(text);
  if (!absl::IsNotFound(failed)) return failed;
  return absl::IsNotFound(GetContainer(store, id).status()) ? NoSuchContainer(text) : failed;
}

absl::Status RemoveContainer(const Store& store, absl::string_view text) {
  if (!base::IsId(text)) return NoSuchContainer(text);
  const std::string id(text);
  if (!IsAnythingOf(store, id)) return NoSuchContainer(id);
  if (IsPending(store, id)) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE",
                       absl::StrCat("container ", ShortId(id), " is being made"));
  }
  STAVE_ASSIGN_OR_RETURN(const Folders folders, OpenFolders(store));
  const std::unique_ptr<ContainerView> view = View(store, folders, FindPlace(folders, id));
  if (view != nullptr && (IsLive(view->status) || IsEnding(*view))) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_RUNNING",
                       absl::StrCat("container ", ShortId(id), " is running"));
  }
  const bool known = view != nullptr && CheckName(view->record.name).ok();
  const auto durability =
      known && view->record.rm ? base::Durability::kVolatile : base::Durability::kDurable;
  // The name goes after the container, so that who is killed here leaves it whole, or to the sweep.
  STAVE_RETURN_IF_ERROR(Discard(store, id, durability));
  STAVE_RETURN_IF_ERROR(known ? ReleaseName(store, view->record.name, id)
                              : ReleaseNamesOf(store, id));
  return RemoveFolders(store, id, durability);
}

}  // namespace stave::store
