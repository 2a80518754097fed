// SPDX-License-Identifier: Apache-2.0
//
// stave.life of the document: what becomes of a container once it has been made, for who watches
// it. The document is kept as the container's config.json, so a later start finds it there.
//
//   "life": {"interactive":true,"init":false,
//            "restart":{"policy":"on-failure","retries":3},
//            "stop":{"signal":"SIGTERM","timeout":10},
//            "log":{"driver":"json-file","maxSize":10485760,"maxFile":3},
//            "health":{"test":["CMD-SHELL","wget -q localhost"],"interval":30000,"timeout":30000,
//                      "startPeriod":0,"startInterval":5000,"retries":3}}
//
// Times of health are milliseconds, the timeout of stop is seconds. All members may be absent; then
// what the image says (stave.image.stopSignal, .healthcheck) holds, then Docker's defaults.

#ifndef STAVE_LIBS_OCI_LIFE_MEMBER_H_
#define STAVE_LIBS_OCI_LIFE_MEMBER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/json/value.h"

namespace stave::oci {

enum class RestartPolicy { kNo, kOnFailure, kAlways, kUnlessStopped };

struct Restart {
  RestartPolicy policy = RestartPolicy::kNo;
  int64_t retries = 0;  // of kOnFailure; 0: without end
};

struct Stop {
  std::string signal;              // as in the document, "SIGQUIT" or "3"; "": SIGTERM
  std::optional<int64_t> timeout;  // seconds; -1: for ever
};

struct LogWish {
  std::string driver = "json-file";      // or "none", "journald"
  int64_t max_size = int64_t{10} << 20;  // of a file, bytes; -1: no limit
  int64_t max_file = 3;
  std::string tag;  // of journald
};

// Docker's health check. No test, or {"NONE"}: there is none.
struct Health {
  std::vector<std::string> test;
  absl::Duration interval = absl::Seconds(30);
  absl::Duration timeout = absl::Seconds(30);
  absl::Duration start_period = absl::ZeroDuration();
  absl::Duration start_interval = absl::Seconds(5);
  int64_t retries = 3;

  bool enabled() const { return !test.empty() && test[0] != "NONE"; }
};

struct Life {
  bool interactive = false;  // -i: stdin stays open
  bool init = false;         // --init
  Restart restart;
  Stop stop;
  LogWish log;
  Health health;
};

// What holds for the container of `document`, the image's words among it.
// Errors: InvalidArgument [E_DOCUMENT] with a JSON pointer: a wrong type, an unknown policy or
// driver, a number out of range.
absl::StatusOr<Life> GetLife(const json::Value& document);

// "no", "on-failure[:N]", "always", "unless-stopped". Errors: InvalidArgument with Docker's words.
absl::StatusOr<Restart> ParseRestart(absl::string_view text);
std::string FormatRestart(const Restart& restart);

// Each writes what it names, and leaves the rest.
void SetInteractive(bool interactive, json::Value* document);
void SetInit(bool init, json::Value* document);
void SetRestart(const Restart& restart, json::Value* document);
void SetStopSignal(absl::string_view signal, json::Value* document);
void SetStopTimeout(int64_t seconds, json::Value* document);
void SetLog(const LogWish& log, json::Value* document);
void SetHealth(const Health& health, json::Value* document);

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_LIFE_MEMBER_H_
