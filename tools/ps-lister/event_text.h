// SPDX-License-Identifier: Apache-2.0
//
// What happens to containers, as `docker events` tells it:
//
//   2026-01-02T03:04:05.600000000Z container die 4f.. (exitCode=0, image=alpine, name=web)
//
//   {"status":"die","id":"4f..","from":"alpine","Type":"container","Action":"die",
//    "Actor":{"ID":"4f..","Attributes":{"exitCode":"0","image":"alpine","name":"web"}},
//    "scope":"local","time":1767323045,"timeNano":1767323045600000000}
//
// Some actions carry more in their name, as Docker's do: "health_status: healthy",
// "exec_start: sh". Pure.

#ifndef STAVE_TOOLS_PS_LISTER_EVENT_TEXT_H_
#define STAVE_TOOLS_PS_LISTER_EVENT_TEXT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/json/value.h"
#include "libs/store/events.h"
#include "tools/ps-lister/filter.h"

namespace stave::tools {

// An event with what Docker tells of its container.
struct Message {
  absl::Time time;
  std::string type;
  std::string action;
  std::string id;
  std::map<std::string, std::string> attributes;  // name, image and labels among them
};

// `image`: what the container's image was called, "" if it is not known.
Message MessageOf(const store::Event& event, const std::string& image,
                  const std::map<std::string, std::string>& labels);

// Without newline.
std::string MessageLine(const Message& message, absl::TimeZone zone);
// With the names that JSON has, and with those that templates know: .ID, .Actor.Attributes.
json::Value MessageJson(const Message& message);
json::Value MessageObject(const Message& message);

// --filter: event, type, image, label, scope; container, daemon, network, plugin, service, secret,
// config, node and volume by the beginning of an id or name. Values of one key: any (label: all).
class EventFilter {
 public:
  // Errors: InvalidArgument, in Docker's words.
  static absl::StatusOr<EventFilter> Parse(const std::vector<std::string>& texts);

  // Whether it asks for what only the container's record tells: image or label.
  bool needs_record() const { return values_.contains("image") || values_.contains("label"); }
  bool Takes(const Message& message) const;

 private:
  bool IsExact(absl::string_view key, absl::string_view text) const;
  bool IsFuzzy(absl::string_view key, absl::string_view text) const;
  bool TakesAction(const Message& message) const;
  bool TakesImage(const Message& message) const;
  bool TakesLabels(const Message& message) const;

  FilterValues values_;
};

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_LISTER_EVENT_TEXT_H_
