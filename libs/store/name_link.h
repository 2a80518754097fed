// SPDX-License-Identifier: Apache-2.0
//
// The reservation of a container's name: the symlink STATE/names/NAME -> ID. symlink(2) is atomic,
// so of two that want a name one gets it.

#ifndef STAVE_LIBS_STORE_NAME_LINK_H_
#define STAVE_LIBS_STORE_NAME_LINK_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "libs/store/store.h"

namespace stave::store {

// Whether the container `id` is being made or undone: it has an entry in RUN/pending.
bool IsPending(const Store& store, const std::string& id);

// Whether somebody makes, watches or undoes it: it has an entry there, or in RUN/foreground.
bool HasEntry(const Store& store, const std::string& id);

// Whether anything of the container `id` is there: a folder or an entry (pending.h).
bool IsAnythingOf(const Store& store, const std::string& id);

// The id that `name` stands for; nullopt if there is no such name, or no whole id behind it.
std::optional<std::string> IdOfName(const Store& store, const std::string& name);

// Makes the symlink; one whose id has nothing left is taken over. `name` is valid (name.h).
// Errors: AlreadyExists [E_NAME_TAKEN] with Docker's text; those of symlink(2).
absl::Status ReserveName(const Store& store, const std::string& name, const std::string& id);

// Removes the symlink if it is `id`'s. It is fine if it is not, or not there.
absl::Status ReleaseName(const Store& store, const std::string& name, const std::string& id);

// The same for every name of `id`, where it is not known which it has.
absl::Status ReleaseNamesOf(const Store& store, const std::string& id);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_NAME_LINK_H_
