// SPDX-License-Identifier: Apache-2.0
//
// Lines of a container's output as entries of the machine's journal, with the fields that Docker's
// journald driver gives them:
//
//   MESSAGE (without its newline), PRIORITY 6 of stdout and 3 of stderr, CONTAINER_ID (12 digits),
//   CONTAINER_ID_FULL, CONTAINER_NAME, CONTAINER_TAG, SYSLOG_IDENTIFIER (the tag), IMAGE_NAME,
//   SYSLOG_TIMESTAMP, CONTAINER_PARTIAL_MESSAGE=true where the line goes on in the next entry
//
// Sources: systemd's "Native Journal Protocol"; systemd.journal-fields(7); Docker's journald
// driver.

#ifndef STAVE_LIBS_LOG_JOURNAL_H_
#define STAVE_LIBS_LOG_JOURNAL_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/base/unique_fd.h"
#include "libs/log/line.h"

namespace stave::log {

inline constexpr char kJournalSocket[] = "/run/systemd/journal/socket";

// Whose output it is.
struct Origin {
  std::string id;    // whole
  std::string name;  // without a slash
  std::string tag;   // "": the first twelve digits of the id
  std::string image;
  std::map<std::string, std::string> attributes = {};  // become fields, see FieldName
};

// `key` as the name of a field: upper case, what is no letter or digit as "_", none of those at the
// beginning. "" if nothing is left.
std::string FieldName(absl::string_view key);

class Journal {
 public:
  // `socket` is kJournalSocket but in tests.
  // Errors: Unimplemented [E_UNSUPPORTED] with a hint where no journal listens; those of socket(2).
  static absl::StatusOr<Journal> Open(const Origin& origin, const std::string& socket);

  // Sends an entry. False: it is lost. A journal that is slow is waited for, but one that takes
  // nothing for a fifth of a second is then not waited for again until it does; one that starts
  // anew is found.
  bool Send(Stream stream, absl::string_view text, bool is_partial, absl::Time time);

 private:
  Journal(base::UniqueFd socket, std::string path, std::string fields);

  base::UniqueFd socket_;
  std::string path_;
  std::string fields_;   // those that all entries have
  std::string message_;  // used again
  bool is_stuck_ = false;
};

}  // namespace stave::log

#endif  // STAVE_LIBS_LOG_JOURNAL_H_
