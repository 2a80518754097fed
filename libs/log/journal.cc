// SPDX-License-Identifier: Apache-2.0
#include "libs/log/journal.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"

namespace stave::log {
namespace {

constexpr size_t kShortId = 12;
constexpr int64_t kPatience = 200000;  // microseconds

// A value with a newline is told by its length.
void AppendField(absl::string_view name, absl::string_view value, std::string* out) {
  if (value.find('\n') == value.npos) {
    absl::StrAppend(out, name, "=", value, "\n");
    return;
  }
  absl::StrAppend(out, name, "\n");
  for (int shift = 0; shift < 64; shift += 8) {
    out->push_back(static_cast<char>(uint64_t{value.size()} >> shift & 0xFF));
  }
  absl::StrAppend(out, value, "\n");
}

std::string Fields(const Origin& origin) {
  const std::string short_id = origin.id.substr(0, kShortId);
  const std::string& tag = origin.tag.empty() ? short_id : origin.tag;
  std::string fields;
  AppendField("CONTAINER_ID", short_id, &fields);
  AppendField("CONTAINER_ID_FULL", origin.id, &fields);
  AppendField("CONTAINER_NAME", origin.name, &fields);
  AppendField("CONTAINER_TAG", tag, &fields);
  AppendField("SYSLOG_IDENTIFIER", tag, &fields);
  AppendField("IMAGE_NAME", origin.image, &fields);
  for (const auto& [key, value] : origin.attributes) {
    const std::string name = FieldName(key);
    if (!name.empty()) AppendField(name, value, &fields);
  }
  return fields;
}

sockaddr_un Address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  return address;
}

absl::Status NoJournal(int error) {
  return base::WithHint(
      base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                  absl::StrCat("journald: is not enabled on this host: ", std::strerror(error))),
      "--log-driver json-file keeps the log in files");
}

}  // namespace

std::string FieldName(absl::string_view key) {
  std::string name;
  for (const char c : key) {
    const char upper = absl::ascii_toupper(static_cast<unsigned char>(c));
    const char kept = absl::ascii_isalnum(static_cast<unsigned char>(upper)) ? upper : '_';
    if (kept != '_' || !name.empty()) name.push_back(kept);
  }
  return name;
}

Journal::Journal(base::UniqueFd socket, std::string path, std::string fields)
    : socket_(std::move(socket)), path_(std::move(path)), fields_(std::move(fields)) {}

absl::StatusOr<Journal> Journal::Open(const Origin& origin, const std::string& path) {
  const sockaddr_un address = Address(path);
  base::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const base::UniqueFd tried(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid() || !tried.valid()) return base::PosixError(errno, "journald", "socket");
  // The one that sends stays unconnected: a journal that starts anew is another socket.
  if (::connect(tried.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return NoJournal(errno);
  }
  const timeval patience = {0, kPatience};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0) {
    return base::PosixError(errno, "journald", "setsockopt");
  }
  return Journal(std::move(socket), path, Fields(origin));
}

bool Journal::Send(Stream stream, absl::string_view text, bool is_partial, absl::Time time) {
  absl::ConsumeSuffix(&text, "\n");
  char stamp[kMaxTime];
  const char* const end = FormatTime(time, Fraction::kShortest, stamp);
  message_ = fields_;
  AppendField("PRIORITY", stream == Stream::kStdout ? "6" : "3", &message_);
  AppendField("SYSLOG_TIMESTAMP", absl::string_view(stamp, static_cast<size_t>(end - stamp)),
              &message_);
  if (is_partial) AppendField("CONTAINER_PARTIAL_MESSAGE", "true", &message_);
  AppendField("MESSAGE", text, &message_);

  const sockaddr_un address = Address(path_);
  ssize_t sent;
  do {
    sent = ::sendto(socket_.get(), message_.data(), message_.size(),
                    MSG_NOSIGNAL | (is_stuck_ ? MSG_DONTWAIT : 0),
                    reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } while (sent < 0 && errno == EINTR);
  is_stuck_ = sent < 0 && errno == EAGAIN;
  return sent >= 0;
}

}  // namespace stave::log
