// SPDX-License-Identifier: Apache-2.0
#include "libs/log/writer.h"

#include <algorithm>
#include <cstring>

#include "libs/base/status_macros.h"
#include "libs/log/attributes.h"

namespace stave::log {

absl::StatusOr<Writer> Writer::Open(int dirfd, const WriterOptions& options) {
  switch (options.driver) {
    case Driver::kNone:
      break;
    case Driver::kJsonFile: {
      STAVE_ASSIGN_OR_RETURN(
          JsonFile file,
          JsonFile::Open(dirfd, options.limits, FormatAttributes(options.origin.attributes)));
      return Writer(Sink(std::move(file)));
    }
    case Driver::kJournald: {
      STAVE_ASSIGN_OR_RETURN(Journal journal,
                             Journal::Open(options.origin, options.journal_socket));
      return Writer(Sink(std::move(journal)));
    }
  }
  return Writer(Sink(None()));
}

void Writer::Write(Stream stream, absl::string_view bytes, absl::Time time) {
  if (std::holds_alternative<None>(sink_)) return;
  SetTime(time);
  std::string& held = held_[static_cast<int>(stream)];
  while (!held.empty() && !bytes.empty()) {
    // As much as may end the held line, or fill it up.
    const size_t newline = bytes.find('\n');
    const size_t most = kMaxPiece + 1 - held.size();
    const size_t size = std::min({newline == bytes.npos ? bytes.size() : newline + 1, most});
    held.append(bytes.data(), size);
    bytes.remove_prefix(size);
    absl::string_view rest = held;
    PutPieces(stream, &rest, time);
    held.erase(0, held.size() - rest.size());
  }
  PutPieces(stream, &bytes, time);
  held.append(bytes.data(), bytes.size());
  Flush();
}

void Writer::PutPieces(Stream stream, absl::string_view* bytes, absl::Time time) {
  while (!bytes->empty()) {
    const char* const start = bytes->data();
    const size_t within = std::min(bytes->size(), kMaxPiece);
    const void* const newline = std::memchr(start, '\n', within);
    size_t size = 0;
    if (newline != nullptr) {
      size = static_cast<size_t>(static_cast<const char*>(newline) - start) + 1;
    } else if (bytes->size() > kMaxPiece) {
      size = PieceSize(*bytes);
    } else {
      return;
    }
    Put(stream, bytes->substr(0, size), time);
    bytes->remove_prefix(size);
  }
}

void Writer::End(Stream stream, absl::Time time) {
  std::string& held = held_[static_cast<int>(stream)];
  SetTime(time);
  if (!held.empty()) Put(stream, held, time);
  held.clear();
  Flush();
}

void Writer::Put(Stream stream, absl::string_view piece, absl::Time time) {
  if (JsonFile* const file = std::get_if<JsonFile>(&sink_)) {
    file->Put(stream, piece);
  } else if (Journal* const journal = std::get_if<Journal>(&sink_)) {
    const bool is_partial = piece.back() != '\n';
    if (!journal->Send(stream, piece, is_partial, time)) ++lost_;
  }
}

void Writer::SetTime(absl::Time time) {
  if (JsonFile* const file = std::get_if<JsonFile>(&sink_)) file->SetTime(time);
}

void Writer::Flush() {
  if (JsonFile* const file = std::get_if<JsonFile>(&sink_)) file->Flush();
}

uint64_t Writer::lost() const {
  const JsonFile* const file = std::get_if<JsonFile>(&sink_);
  return file != nullptr ? file->lost() : lost_;
}

void Writer::ReleaseMemory() {
  for (std::string& held : held_) held.shrink_to_fit();
  if (JsonFile* const file = std::get_if<JsonFile>(&sink_)) file->ReleaseMemory();
}

}  // namespace stave::log
