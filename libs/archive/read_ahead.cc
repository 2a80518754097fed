// SPDX-License-Identifier: Apache-2.0
#include "libs/archive/read_ahead.h"

#include <string.h>

#include <algorithm>

namespace stave::archive {

ReadAhead::~ReadAhead() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

absl::StatusOr<size_t> ReadAhead::Read(char* to, size_t size) {
  if (size == 0) return 0;
  if (!thread_.joinable()) {
    for (Piece& piece : pieces_) piece.bytes = std::make_unique<char[]>(kBufferSize);
    thread_ = std::thread([this] { Run(); });
  }
  Piece* piece;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return full_ > 0 || ended_; });
    if (full_ == 0) {
      if (!status_.ok()) return status_;
      return 0;
    }
    piece = &pieces_[first_];
  }
  // A full piece is the reader's own until it is handed back.
  const size_t got = std::min(size, piece->size - taken_);
  memcpy(to, piece->bytes.get() + taken_, got);
  taken_ += got;
  if (taken_ == piece->size) {
    taken_ = 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      first_ = (first_ + 1) % kPieces;
      --full_;
    }
    changed_.notify_all();
  }
  return got;
}

void ReadAhead::Run() {
  while (true) {
    Piece* piece;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return full_ < kPieces || stop_; });
      if (stop_) return;
      piece = &pieces_[(first_ + full_) % kPieces];
    }
    absl::StatusOr<size_t> got = source_->Read(piece->bytes.get(), kBufferSize);
    const bool end = !got.ok() || *got == 0;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (end) {
        ended_ = true;
        if (!got.ok()) status_ = got.status();
      } else {
        piece->size = *got;
        ++full_;
      }
    }
    changed_.notify_all();
    if (end) return;
  }
}

}  // namespace stave::archive
