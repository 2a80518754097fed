// SPDX-License-Identifier: Apache-2.0
//
// What a check of the store tells: one Finding for each thing that is not as it should be.
//
//   layer sha256:ab..: usr/bin/ls: content differs [E_CONTENT]
//   blob sha256:cd..: has 0 bytes instead of 424 [E_SIZE] (mended)
//
//   {"kind":"layer","name":"sha256:ab..","path":"usr/bin/ls","problem":"content differs",
//    "word":"E_CONTENT","damage":true,"mended":false,"remedy":"store-check --repair"}

#ifndef STAVE_LIBS_STORE_FINDING_H_
#define STAVE_LIBS_STORE_FINDING_H_

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"

namespace stave::store {

struct Finding {
  std::string kind;     // "store", "image", "blob", "layer", "container" or "name"
  std::string name;     // which: a path below a root, a reference, a digest, an id, a name
  std::string path;     // within it, as it is on the disk; "" is the whole
  std::string problem;  // in words
  std::string word;     // "E_CONTENT"
  bool damage = true;   // false: nothing is broken, only something lies about
  bool mended = false;
  std::string remedy = "";  // a command line, "" if none is known
};

// The command that mends what can be mended with what is here.
inline constexpr char kRepairCommand[] = "store-check --repair";
// The command that fetches an image again.
std::string FetchCommand(absl::string_view reference);

std::string FindingLine(const Finding& finding);
json::Value FindingJson(const Finding& finding);

// Takes the findings of a check, and counts. Any thread may call.
class Findings {
 public:
  // `show` gets each finding, one at a time.
  explicit Findings(std::function<void(const Finding&)> show) : show_(std::move(show)) {}

  void Add(const Finding& finding);
  // Something could not be looked at or mended, and why: for stderr, at the end.
  void AddFailure(const absl::Status& failure);
  // The same without being a failure.
  void AddNote(absl::string_view note);
  // There is a store, and so much of it was looked at.
  void SetExtent(size_t images, size_t layers);

  struct Totals {
    size_t damages = 0;
    size_t mended = 0;      // of the damages
    size_t lying = 0;       // findings that are no damage
    size_t taken_away = 0;  // of those
    std::vector<absl::Status> failures;
    std::vector<std::string> notes;
    std::vector<std::string> remedies;  // of what is not mended, each once, in order
    bool has_store = false;             // false: there was nothing to look at
    size_t images = 0;                  // that were looked at: names
    size_t layers = 0;                  // unpacked ones
  };
  Totals totals() const;

 private:
  const std::function<void(const Finding&)> show_;
  mutable std::mutex mutex_;
  Totals totals_;
};

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_FINDING_H_
