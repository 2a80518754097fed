// SPDX-License-Identifier: Apache-2.0
//
// Runs another source in a thread of its own, at most four buffers ahead: one core decodes while
// the other writes files.

#ifndef STAVE_LIBS_ARCHIVE_READ_AHEAD_H_
#define STAVE_LIBS_ARCHIVE_READ_AHEAD_H_

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/archive/byte_source.h"

namespace stave::archive {

class ReadAhead : public ByteSource {
 public:
  // Borrows `source`; nobody else may use it until this object is gone. The thread starts with the
  // first Read.
  explicit ReadAhead(ByteSource* source) : source_(source) {}
  // Waits until the read under way has returned: a source that never answers keeps it waiting.
  ~ReadAhead() override;

  absl::StatusOr<size_t> Read(char* to, size_t size) override;

 private:
  struct Piece {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };
  static constexpr size_t kPieces = 4;

  void Run();

  ByteSource* source_;
  std::array<Piece, kPieces> pieces_;
  size_t taken_ = 0;  // bytes of the first full piece that the reader has
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t first_ = 0, full_ = 0;  // the ring: guarded by mutex_, as are the next three
  bool ended_ = false, stop_ = false;
  absl::Status status_;
  std::thread thread_;
};

}  // namespace stave::archive

#endif  // STAVE_LIBS_ARCHIVE_READ_AHEAD_H_
