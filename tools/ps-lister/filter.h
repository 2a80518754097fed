// SPDX-License-Identifier: Apache-2.0
//
// Which containers a list shows: `docker ps --filter KEY=VALUE`.
//
//   id name        a regular expression (RE2), found anywhere; an id in plain digits: its beginning
//   label          KEY or KEY=VALUE; all of them
//   status         created, restarting, running, removing, paused, exited, dead
//   exited         the exit code of one that has ended
//   health         starting, healthy, unhealthy, none
//   ancestor       an image, by name or id: those that were made from it
//   before since   a container: those that were made before it, or after it
//   volume         what is mounted, or where: its source or its place in the container
//   network        "none", "host", "container:ID"
//   publish expose PORT[-PORT][/PROTOCOL]
//   is-task        true: none; false: all. There is no Swarm here
//
// Several values of one key: any of them (label: all). Several keys: all of them. Parsing touches
// nothing; what needs the store (ancestor, before, since) is told to the filter afterwards.

#ifndef STAVE_TOOLS_PS_LISTER_FILTER_H_
#define STAVE_TOOLS_PS_LISTER_FILTER_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/store/containers.h"
#include "re2/re2.h"
#include "tools/ps-lister/ports.h"

namespace stave::tools {

// Values by key, as --filter gives them: keys in lower case, without the spaces around both.
using FilterValues = std::map<std::string, std::vector<std::string>, std::less<>>;

// Errors: InvalidArgument, in Docker's words: `bad format of filter (expected name=value)`.
absl::StatusOr<FilterValues> SplitFilters(const std::vector<std::string>& texts);

// Errors: InvalidArgument `invalid filter 'KEY'` for a key that is none of `known`.
absl::Status CheckFilterKeys(const FilterValues& values, const std::set<absl::string_view>& known);

class PsFilter {
 public:
  // Errors: InvalidArgument, in Docker's words: `invalid filter 'x'`, `invalid filter
  // 'is-task=[x]'`.
  static absl::StatusOr<PsFilter> Parse(const std::vector<std::string>& texts);

  // Whether it is about containers that do not run, too: status was given.
  bool wants_all() const { return values_.contains("status"); }
  // Whether it asks for more than what a container's record says.
  bool needs_state() const;
  // What must be looked up: the images of `ancestor`, the containers of `before` and `since`.
  std::vector<std::string> Values(absl::string_view key) const;

  // The ids (digests of configs) that the images of `ancestor` mean. An id that is written out
  // need not be among them.
  void SetAncestors(std::set<std::string> ids) { ancestors_ = std::move(ids); }
  // One of the containers of `before`, or of `since`.
  void AddBefore(const store::Record& record);
  void AddSince(const store::Record& record);

  bool Takes(const store::ContainerView& container) const;

 private:
  struct Moment {
    absl::Time created;
    std::string id;
  };

  static bool IsOlder(const Moment& a, const Moment& b);
  // Whether `value` is among those of `key`, or nothing is asked of it.
  bool Wants(absl::string_view key, absl::string_view value) const;
  absl::Status CompilePatterns(absl::string_view key, bool plain_ids);
  absl::Status CheckWords() const;
  absl::Status ReadCodes();
  absl::Status ReadPorts(absl::string_view key, std::vector<PortRange>* ports);
  bool TakesName(const store::Record& record) const;
  bool TakesLabels(const store::Record& record) const;
  bool TakesState(const store::ContainerView& container) const;
  bool TakesImage(const store::Record& record) const;
  bool TakesAge(const store::Record& record) const;
  bool TakesMounts(const store::Record& record) const;
  bool TakesPorts(const store::ContainerView& container) const;

  FilterValues values_;
  std::map<std::string, std::vector<std::shared_ptr<const RE2>>, std::less<>> patterns_;
  std::set<int> codes_;
  std::vector<PortRange> published_, exposed_;
  std::set<std::string> ancestors_;
  std::optional<Moment> before_, since_;
};

// "created", "running", "paused", "restarting", "exited" or "dead" (a record that cannot be read).
const char* StateText(const store::ContainerView& container);

// Whether nothing of its record can be read.
bool IsDamaged(const store::ContainerView& container);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_LISTER_FILTER_H_
