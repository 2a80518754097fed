// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/events.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/object_format.h"
#include "libs/json/parse.h"
#include "libs/store/containers.h"
#include "libs/store/event_reader.h"
#include "libs/store/events.h"
#include "libs/store/record.h"

namespace stave::tools {
namespace {

constexpr absl::Duration kLongest = absl::Minutes(1);  // the clock may be set meanwhile

// Milliseconds for poll(2); -1: for ever.
int Timeout(const std::optional<absl::Time>& until) {
  if (!until.has_value()) return -1;
  const absl::Duration left = std::clamp(*until - absl::Now(), absl::ZeroDuration(), kLongest);
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))));
}

bool IsOver(const std::optional<absl::Time>& until) {
  return until.has_value() && absl::Now() >= *until;
}

// Whether the reader of stdout has gone, where nothing is written that would tell.
absl::Status Wait(int events, const std::optional<absl::Time>& until) {
  pollfd ready[2] = {{events, POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
  if (::poll(ready, 2, Timeout(until)) < 0 && errno != EINTR) {
    return base::PosixError(errno, "events", "poll");
  }
  if ((ready[1].revents & (POLLERR | POLLHUP)) != 0)
    return base::PosixError(EPIPE, "stdout", "write");
  return absl::OkStatus();
}

const templates::Shape& EventShape() {
  static constexpr templates::MapShape kMaps[] = {{"Actor.Attributes"}};
  static constexpr templates::Shape kShape = {"events.Message", kMaps, {}};
  return kShape;
}

bool IsJson(const std::string& format) { return format == "json" || format == "{{json .}}"; }

// What the containers of the events are.
class Records {
 public:
  explicit Records(const store::Store& store) : store_(store) {}

  // What the event of its creation tells outlives the container.
  void Note(const store::Event& event) {
    if (event.action != "create") return;
    store::Record& record = made_[event.id];
    for (const auto& [key, text] : event.attributes) {
      absl::string_view name = key;
      if (key == "image") record.image_asked = text;
      if (absl::ConsumePrefix(&name, store::kLabelAttribute))
        record.labels[std::string(name)] = text;
    }
  }

  const store::Record& Of(const std::string& id) {
    const auto found = records_.find(id);
    if (found != records_.end()) return found->second;
    auto view = store::GetContainer(store_, id);
    if (!view.ok()) {  // it may yet come
      const auto made = made_.find(id);
      return made == made_.end() ? unknown_ : made->second;
    }
    return records_[id] = std::move(view->record);
  }

 private:
  const store::Store& store_;
  const store::Record unknown_;
  std::map<std::string, store::Record> records_;
  std::map<std::string, store::Record> made_;
};

// As `docker events` has it.
constexpr cli::ObjectManner kManner{"Error parsing format", "", false};

// Turns lines of the file into what is printed.
class Teller {
 public:
  static absl::StatusOr<Teller> Make(const store::Store& store, const EventWishes& wishes) {
    Teller teller(store, wishes);
    if (wishes.format && !IsJson(*wishes.format)) {
      STAVE_ASSIGN_OR_RETURN(teller.format_,
                             cli::ObjectFormat::Parse(*wishes.format, EventShape(), kManner));
    }
    return teller;
  }

  // With its newline; "" if the line is not wanted.
  absl::StatusOr<std::string> Tell(const std::string& line) {
    const auto event = store::ParseEvent(line);
    if (event.ok()) records_.Note(*event);
    if (!event.ok() || (wishes_.since && event->time < *wishes_.since)) return std::string();
    if (wishes_.until && event->time >= *wishes_.until) return std::string();
    const bool docker = wishes_.lines || wishes_.format;
    Message message = MessageOf(*event, "", {});
    if (docker || wishes_.filter.needs_record()) {
      const store::Record& record = records_.Of(event->id);
      message = MessageOf(*event, record.image_asked.empty() ? record.image : record.image_asked,
                          record.labels);
    }
    if (!wishes_.filter.Takes(message)) return std::string();
    if (!docker) return line + "\n";
    if (wishes_.lines) return MessageLine(message, absl::LocalTimeZone()) + "\n";
    if (format_) return format_->One(MessageObject(message));
    return json::Print(MessageJson(message)) + "\n";
  }

 private:
  Teller(const store::Store& store, const EventWishes& wishes) : wishes_(wishes), records_(store) {}

  const EventWishes& wishes_;
  Records records_;
  std::optional<cli::ObjectFormat> format_;
};

}  // namespace

absl::Status CheckEventFormat(const std::string& format) {
  if (IsJson(format)) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(const auto parsed,
                         cli::ObjectFormat::Parse(format, EventShape(), kManner));
  return parsed.One(MessageObject(Message())).status();
}

absl::Status PrintEvents(const store::Store& store, const EventWishes& wishes) {
  using From = store::EventReader::From;
  STAVE_ASSIGN_OR_RETURN(Teller teller, Teller::Make(store, wishes));
  // What is over when it begins is only what has been written already.
  const bool past = IsOver(wishes.until);
  const bool all = wishes.since.has_value() || past;
  STAVE_ASSIGN_OR_RETURN(store::EventReader reader,
                         store::EventReader::Open(store, all ? From::kOldest : From::kNow));
  for (;;) {
    while (const std::optional<std::string> line = reader.Next()) {
      STAVE_ASSIGN_OR_RETURN(const std::string text, teller.Tell(*line));
      if (!text.empty()) STAVE_RETURN_IF_ERROR(base::WriteAll(STDOUT_FILENO, text, "stdout"));
    }
    if (IsOver(wishes.until)) return absl::OkStatus();
    STAVE_RETURN_IF_ERROR(Wait(reader.fd(), wishes.until));
  }
}

}  // namespace stave::tools
