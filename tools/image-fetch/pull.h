// SPDX-License-Identifier: Apache-2.0
//
// Running the helper that transfers images, `stave-pull` in libexec.

#ifndef STAVE_TOOLS_IMAGE_FETCH_PULL_H_
#define STAVE_TOOLS_IMAGE_FETCH_PULL_H_

#include <string>

#include "absl/status/status.h"

namespace stave::tools {

struct PullRequest {
  std::string store;     // the state root
  std::string platform;  // as given, or "": this machine's
  bool all_platforms = false;
  std::string source;  // the reference, as given
  bool quiet = false;
  std::string authfile;  // as given, or ""
  std::string stall;     // likewise
  bool plain_http = false;
  bool verbose = false;
  bool keep = false;       // a registry that cannot be reached is no error
  bool on_stdout = false;  // progress goes to stdout
};

// Runs `stave-pull --store STORE [OPTION...] SOURCE` and waits for it. It reads nothing from stdin,
// and what it prints goes to stderr, but for the progress that is asked for on stdout. Errors:
// cli::SilentFailure() if it failed, having said why itself; Internal [E_HELPER] if a signal ended
// it; SIGHUP, SIGINT and SIGTERM to this process end the helper and then this, and of what was
// under way only partial blobs stay; NotFound [E_HELPER] if it is not installed.
absl::Status Pull(const PullRequest& request);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_IMAGE_FETCH_PULL_H_
