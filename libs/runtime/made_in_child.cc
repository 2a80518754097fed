// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/made_in_child.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/passing.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"

namespace stave::runtime {
namespace {

using base::UniqueFd;

constexpr size_t kMaxAnswer = 8192;
constexpr char kWhat[] = "a mount for a container";

// "0" with the descriptor, or an error as "CODE\nWORD\nMESSAGE".
void Answer(int socket, const absl::StatusOr<UniqueFd>& made) {
  const std::string text =
      made.ok() ? "0"
                : absl::StrCat(made.status().raw_code(), "\n", base::ErrorWord(made.status()), "\n",
                               made.status().message())
                      .substr(0, kMaxAnswer);
  base::SendMessage(socket, text, made.ok() ? made->get() : -1).IgnoreError();
}

absl::Status ErrorOf(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('\n', 2));
  int code = 0;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &code) || code == 0) {
    return absl::InternalError(absl::StrCat(kWhat, ": an odd answer"));
  }
  return base::Error(static_cast<absl::StatusCode>(code), parts[1], parts[2]);
}

}  // namespace

absl::StatusOr<UniqueFd> MadeInChild(const std::function<absl::StatusOr<UniqueFd>()>& make) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
    return base::PosixError(errno, kWhat, "socketpair");
  }
  const UniqueFd mine(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return base::PosixError(errno, kWhat, "fork");
  if (child == 0) {
    Answer(theirs.get(), make());
    ::_exit(0);
  }
  theirs.Reset();
  auto answer = base::ReceiveMessage(mine.get(), kMaxAnswer, 0);
  base::ReapChild(child);
  if (!answer.ok()) return base::WithContext(answer.status(), kWhat);
  if (answer->fd.valid()) return std::move(answer->fd);
  return ErrorOf(answer->text);
}

}  // namespace stave::runtime
