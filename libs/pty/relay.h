// SPDX-License-Identifier: Apache-2.0
//
// Copies bytes between descriptors inside somebody else's poll loop, a bounded piece at a time:
//
//   Relay relay(from, to);
//   each round: relay.AddTo(&pollfds); poll(); relay.Serve(pollfds);
//
// Nothing is read while a piece waits to be written, so memory is one piece a direction and a slow
// reader slows the writer down, not the loop. Neither descriptor is made non-blocking: their flags
// belong to whoever shares them.

#ifndef STAVE_LIBS_PTY_RELAY_H_
#define STAVE_LIBS_PTY_RELAY_H_

#include <poll.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "libs/base/unique_fd.h"
#include "libs/pty/detach_keys.h"

namespace stave::pty {

class Relay {
 public:
  // What to do with `to` once `from` has ended.
  enum class AtEnd { kClose, kKeep };

  // `from` is borrowed. With kClose `to` is closed at the end, so give a duplicate.
  Relay(int from, base::UniqueFd to, AtEnd at_end);

  // Looks for `keys` in what `from` gives, and reads no more when they have come.
  void StopAt(DetachKeys keys) { keys_ = std::move(keys); }
  // Whether they have. What came before them may still wait to be written.
  bool stopped() const { return stopped_; }

  // Whether there is nothing left to do: `from` has ended and all is written, or `to` is broken.
  bool finished() const { return finished_; }
  // Whether `to` takes no more: its reader is gone, or it failed.
  bool broken() const { return broken_; }
  // The errno that it failed with: ENOSPC, say. 0 where it did not, and where only its reader is
  // gone, as that of a pipe (EPIPE) or the user of a terminal that has hung up (EIO).
  int error() const { return error_; }

  void AddTo(std::vector<pollfd>* polls);
  void Serve(const std::vector<pollfd>& polls);

  // Copies what `from` holds now, without waiting for more.
  void Drain();

 private:
  void Read();
  void Take(absl::string_view bytes);
  void Write();
  void Finish();

  int from_;
  base::UniqueFd to_;
  AtEnd at_end_;
  DetachKeys keys_;
  std::string piece_;
  bool stopped_ = false;
  bool ended_ = false;   // `from` gave its end
  bool broken_ = false;  // `to` takes no more: what comes is thrown away
  int error_ = 0;
  bool finished_ = false;
  size_t slot_ = 0;  // where AddTo put our pollfd
};

}  // namespace stave::pty

#endif  // STAVE_LIBS_PTY_RELAY_H_
