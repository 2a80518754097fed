// SPDX-License-Identifier: Apache-2.0
//
// The keys with which who is at a terminal leaves a process alone and goes: found in what is typed.
//
//   STAVE_ASSIGN_OR_RETURN(DetachKeys keys, DetachKeys::Parse("ctrl-p,ctrl-q"));
//   if (keys.Feed(typed, &passed)) ...  // they have come; `passed` came before them
//
// What may be the beginning of the keys is held back until the next key tells: a ctrl-p reaches the
// program as soon as something other than ctrl-q is typed. They are found wherever reads divide
// them, and after a false start: ctrl-p, ctrl-p, ctrl-q passes one ctrl-p on and detaches.
//
// Source: docker attach --detach-keys. Other than there "" is "no keys", not the default.

#ifndef STAVE_LIBS_PTY_DETACH_KEYS_H_
#define STAVE_LIBS_PTY_DETACH_KEYS_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::pty {

inline constexpr char kDefaultDetachKeys[] = "ctrl-p,ctrl-q";

// Keys, and how far they have come.
class DetachKeys {
 public:
  // No keys: nothing detaches.
  DetachKeys() = default;

  // Keys joined by commas: a character ("a"), "ctrl-" and one of a-z @ [ \ ] ^ _, or "DEL". "" is
  // none. Errors: InvalidArgument [E_USAGE] `"ctrl-1": is no key`, with a hint.
  static absl::StatusOr<DetachKeys> Parse(absl::string_view text);

  bool empty() const { return keys_.empty(); }

  // Takes what was typed, and appends to `passed` what the program is to get. True: the keys have
  // come; what was typed after them is dropped, and the next Feed() begins anew.
  bool Feed(absl::string_view typed, std::string* passed);

  // At the end of the input: what was held back.
  std::string TakeHeld();

 private:
  std::string keys_;  // as a terminal sends them
  size_t held_ = 0;   // so many of them have come
};

}  // namespace stave::pty

#endif  // STAVE_LIBS_PTY_DETACH_KEYS_H_
