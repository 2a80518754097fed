// SPDX-License-Identifier: Apache-2.0
//
// What an absl::Status carries for the user besides its text: a word that names the kind of the
// error, and a hint.
//
//   image-fetch: layer sha256:ab..: 12 bytes are missing [E_DIGEST]
//   hint: run the command again
//
// The word is stable (scripts match it), the text is not. docs/errors.md lists all words.
// A Status without a word of its own prints the one of its code:
//   InvalidArgument E_USAGE · NotFound E_NOT_FOUND · AlreadyExists E_EXISTS · PermissionDenied
//   E_PERMISSION · ResourceExhausted E_LIMIT · FailedPrecondition E_STATE · Unimplemented
//   E_UNSUPPORTED · Unavailable E_REMOTE · Unauthenticated E_AUTH · DataLoss E_CORRUPT ·
//   Aborted, DeadlineExceeded E_TIMEOUT · all others E_INTERNAL

#ifndef STAVE_LIBS_BASE_ERROR_H_
#define STAVE_LIBS_BASE_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace stave::base {

// A Status of `code` whose printed kind is `word` (upper case, "E_..."). The message has no
// trailing stop and does not contain the word.
absl::Status Error(absl::StatusCode code, absl::string_view word, absl::string_view message);

// `status` with a hint: what to do next, in one line. A hint that is there already is kept.
absl::Status WithHint(absl::Status status, absl::string_view hint);

// `status` with "context: " before its message; word and hint stay.
absl::Status WithContext(const absl::Status& status, absl::string_view context);

// The word of `status`; see the table above. "" for OK.
std::string ErrorWord(const absl::Status& status);

// The hint of `status`, or "".
std::string ErrorHint(const absl::Status& status);

// Untrusted text made safe for a terminal: control characters (C0, C1, DEL), bidi and other
// format characters and bytes that are not UTF-8 become \xNN; at most `max` bytes, then "...".
std::string Printable(absl::string_view text, size_t max = 256);

// The same between double quotes.
std::string Quoted(absl::string_view text, size_t max = 256);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_ERROR_H_
