// SPDX-License-Identifier: Apache-2.0
//
// The two roots that everything of stave lives under, open and checked.
//
//   state  what a reboot keeps     STAVE_STATE, else /var/lib/stave or $XDG_DATA_HOME/stave
//   run    what a reboot forgets   STAVE_RUN, else /run/stave or $XDG_RUNTIME_DIR/stave
//
// The second defaults are those of users other than root (XDG_DATA_HOME itself defaults to
// ~/.local/share). STATE/store.json says what the store holds:
//
//   {"version":1,"kind":"rootful"}      or "rootless": which overlay attributes its layers have
//
// Source: design section 3.

#ifndef STAVE_LIBS_STORE_STORE_H_
#define STAVE_LIBS_STORE_STORE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"

namespace stave::store {

enum class Access {
  kRead,    // makes nothing; a root that does not exist is an empty one
  kChange,  // kWrite where there is a state root, else kRead: for what can only change what is
            // there
  kWrite,   // makes both roots and their folders, mode 0700
};

// Where the roots are; both absolute, without a slash at the end.
struct Roots {
  std::string state;
  std::string run;
};

// The roots that the environment asks for.
// Errors: InvalidArgument [E_STORE] for a relative path or one with "..", or when neither the
// override, nor the XDG variable, nor HOME says where.
absl::StatusOr<Roots> FindRoots();

// An open store. Borrowed by everything else in this library; move-only.
class Store {
 public:
  // Opens the roots of FindRoots().
  // Errors: FailedPrecondition [E_STORE] if a root belongs to somebody else, is writable by
  // others, is a symlink or no directory; if store.json is damaged, of a newer version or of the
  // other kind (with a hint). Those of mkdir(2), open(2) and read(2). Half-made folders stay and
  // are completed by the next call.
  static absl::StatusOr<Store> Open(Access access);
  static absl::StatusOr<Store> OpenRoots(Roots roots, Access access);

  // Directory descriptors; -1 for a root that does not exist (kRead, kChange). All names given in
  // this library's headers are relative to them.
  int state() const { return state_.get(); }
  int run() const { return run_.get(); }

  const std::string& state_path() const { return roots_.state; }
  const std::string& run_path() const { return roots_.run; }

 private:
  Roots roots_;
  base::UniqueFd state_;
  base::UniqueFd run_;
};

// The folders of a state root, parents first, and the text of its images/oci-layout.
inline constexpr const char* kStateFolders[] = {
    "refs",       "images", "images/blobs", "images/blobs/sha256", "ingest", "layers",
    "containers", "names",  "trash"};
inline constexpr char kLayoutText[] = "{\"imageLayoutVersion\":\"1.0.0\"}\n";

// Writes store.json anew, durably, into the open state root `state`: for who mends a store.
absl::Status RestoreMarker(int state);

// Makes everything written below the state root durable with one syncfs(2).
absl::Status Sync(const Store& store);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_STORE_H_
