// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/filter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/store/health.h"

namespace stave::tools {
namespace {

using Words = std::vector<std::string>;

constexpr char kHexDigits[] = "0123456789abcdef";

absl::Status Invalid(absl::string_view key, absl::string_view value) {
  return absl::InvalidArgumentError(
      absl::StrCat("invalid filter '", key, "=", base::Printable(value), "'"));
}

bool IsHex(absl::string_view text) {
  return !text.empty() && text.find_first_not_of(kHexDigits) == text.npos;
}

bool Contains(const Words& words, absl::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

absl::Status CheckEach(const FilterValues& values, absl::string_view key, const Words& allowed) {
  const auto found = values.find(key);
  if (found == values.end()) return absl::OkStatus();
  for (const std::string& value : found->second) {
    if (!Contains(allowed, value)) return Invalid(key, value);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FilterValues> SplitFilters(const std::vector<std::string>& texts) {
  FilterValues values;
  for (const std::string& text : texts) {
    if (text.empty()) continue;
    const size_t equals = text.find('=');
    if (equals == text.npos) {
      return absl::InvalidArgumentError("bad format of filter (expected name=value)");
    }
    const std::string key =
        absl::AsciiStrToLower(absl::StripAsciiWhitespace(text.substr(0, equals)));
    std::string value(absl::StripAsciiWhitespace(text.substr(equals + 1)));
    values[key].push_back(std::move(value));
  }
  return values;
}

absl::Status CheckFilterKeys(const FilterValues& values, const std::set<absl::string_view>& known) {
  for (const auto& [key, unused] : values) {
    if (known.contains(key)) continue;
    return base::WithHint(
        absl::InvalidArgumentError(absl::StrCat("invalid filter '", base::Printable(key), "'")),
        absl::StrCat("filters are ", absl::StrJoin(known, ", ")));
  }
  return absl::OkStatus();
}

absl::StatusOr<PsFilter> PsFilter::Parse(const std::vector<std::string>& texts) {
  PsFilter filter;
  STAVE_ASSIGN_OR_RETURN(filter.values_, SplitFilters(texts));
  STAVE_RETURN_IF_ERROR(CheckFilterKeys(
      filter.values_, {"ancestor", "before", "exited", "expose", "health", "id", "is-task", "label",
                       "name", "network", "publish", "since", "status", "volume"}));
  STAVE_RETURN_IF_ERROR(filter.CompilePatterns("name", false));
  STAVE_RETURN_IF_ERROR(filter.CompilePatterns("id", true));
  STAVE_RETURN_IF_ERROR(filter.CheckWords());
  STAVE_RETURN_IF_ERROR(filter.ReadCodes());
  STAVE_RETURN_IF_ERROR(filter.ReadPorts("publish", &filter.published_));
  STAVE_RETURN_IF_ERROR(filter.ReadPorts("expose", &filter.exposed_));
  return filter;
}

std::vector<std::string> PsFilter::Values(absl::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? Words() : found->second;
}

bool PsFilter::needs_state() const {
  for (const char* key : {"status", "exited", "health", "publish", "expose"}) {
    if (values_.contains(key)) return true;
  }
  return false;
}

bool PsFilter::Wants(absl::string_view key, absl::string_view value) const {
  const auto found = values_.find(key);
  return found == values_.end() || Contains(found->second, value);
}

absl::Status PsFilter::CompilePatterns(absl::string_view key, bool plain_ids) {
  for (const std::string& value : Values(key)) {
    const std::string text = plain_ids && IsHex(value) ? absl::StrCat("^", value) : value;
    auto pattern = std::make_shared<const RE2>(text, RE2::Quiet);
    if (!pattern->ok()) {
      return absl::InvalidArgumentError(absl::StrCat("invalid filter '", key, "=",
                                                     base::Printable(value),
                                                     "': ", base::Printable(pattern->error())));
    }
    patterns_[std::string(key)].push_back(std::move(pattern));
  }
  return absl::OkStatus();
}

absl::Status PsFilter::CheckWords() const {
  STAVE_RETURN_IF_ERROR(
      CheckEach(values_, "status",
                {"created", "restarting", "running", "removing", "paused", "exited", "dead"}));
  STAVE_RETURN_IF_ERROR(CheckEach(values_, "health", {"starting", "healthy", "unhealthy", "none"}));
  const Words task = Values("is-task");
  const bool yes = Contains(task, "true") || Contains(task, "1");
  const bool no = Contains(task, "false") || Contains(task, "0");
  if (!task.empty() && yes == no) {
    return Invalid("is-task", absl::StrCat("[", absl::StrJoin(task, " "), "]"));
  }
  return absl::OkStatus();
}

absl::Status PsFilter::ReadCodes() {
  for (const std::string& value : Values("exited")) {
    int code = 0;
    if (!absl::SimpleAtoi(value, &code)) return Invalid("exited", value);
    codes_.insert(code);
  }
  return absl::OkStatus();
}

absl::Status PsFilter::ReadPorts(absl::string_view key, std::vector<PortRange>* ports) {
  for (const std::string& value : Values(key)) {
    if (absl::StrContains(value, ":")) {
      return absl::InvalidArgumentError(
          absl::StrCat("filter for '", key, "' should not contain ':': ", base::Printable(value)));
    }
    auto range = ParsePorts(value);
    if (!range.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("error while looking up for ", key, " ",
                                                     base::Printable(value), ": ",
                                                     range.status().message()));
    }
    ports->push_back(*std::move(range));
  }
  return absl::OkStatus();
}

bool PsFilter::IsOlder(const Moment& a, const Moment& b) {
  return a.created != b.created ? a.created < b.created : a.id > b.id;
}

// Of several the widest: before any of them.
void PsFilter::AddBefore(const store::Record& record) {
  const Moment moment{record.created, record.id};
  if (!before_ || IsOlder(*before_, moment)) before_ = moment;
}

void PsFilter::AddSince(const store::Record& record) {
  const Moment moment{record.created, record.id};
  if (!since_ || IsOlder(moment, *since_)) since_ = moment;
}

bool PsFilter::Takes(const store::ContainerView& container) const {
  if (values_.empty()) return true;
  const store::Record& record = container.record;
  if (!Wants("is-task", "false") && !Wants("is-task", "0")) return false;
  return TakesName(record) && TakesLabels(record) && TakesState(container) && TakesImage(record) &&
         TakesAge(record) && TakesMounts(record) &&
         Wants("network", record.network.empty() ? "none" : record.network) &&
         TakesPorts(container);
}

bool PsFilter::TakesName(const store::Record& record) const {
  const auto any = [this](absl::string_view key, const std::string& text) {
    const auto found = patterns_.find(key);
    if (found == patterns_.end()) return true;
    return std::any_of(found->second.begin(), found->second.end(), [&](const auto& pattern) {
      return RE2::PartialMatch(text, *pattern) ||
             (key == "name" && RE2::PartialMatch("/" + text, *pattern));
    });
  };
  return any("id", record.id) && any("name", record.name);
}

bool PsFilter::TakesLabels(const store::Record& record) const {
  const Words wanted = Values("label");
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& text) {
    const size_t equals = text.find('=');
    const auto found = record.labels.find(text.substr(0, equals));
    if (found == record.labels.end()) return false;
    return equals == text.npos || found->second == text.substr(equals + 1);
  });
}

bool PsFilter::TakesState(const store::ContainerView& container) const {
  if (!Wants("status", StateText(container))) return false;
  if (!codes_.empty()) {
    const bool ended = container.status == store::Status::kExited && container.exit.has_value();
    if (!ended || !container.exit->code || !codes_.contains(*container.exit->code)) return false;
  }
  return Wants("health", container.health ? store::WellnessName(*container.health) : "none");
}

bool PsFilter::TakesImage(const store::Record& record) const {
  if (!values_.contains("ancestor") || ancestors_.contains(record.image_id)) return true;
  const absl::string_view id = absl::StripPrefix(record.image_id, "sha256:");
  const Words images = Values("ancestor");
  return std::any_of(images.begin(), images.end(), [&](absl::string_view image) {
    absl::ConsumePrefix(&image, "sha256:");
    return IsHex(image) && absl::StartsWith(id, image);
  });
}

bool PsFilter::TakesAge(const store::Record& record) const {
  const Moment moment{record.created, record.id};
  return (!before_ || IsOlder(moment, *before_)) && (!since_ || IsOlder(*since_, moment));
}

bool PsFilter::TakesMounts(const store::Record& record) const {
  return !values_.contains("volume") ||
         std::any_of(record.mounts.begin(), record.mounts.end(), [&](const auto& mount) {
           return Wants("volume", mount.source) || Wants("volume", mount.destination);
         });
}

// Ports are those of one that runs. None is published as yet.
bool PsFilter::TakesPorts(const store::ContainerView& container) const {
  if (published_.empty() && exposed_.empty()) return true;
  if (container.status != store::Status::kRunning) return false;
  for (const PortRange& port : PortsOf(container.record.ports)) {
    if (std::any_of(exposed_.begin(), exposed_.end(),
                    [&](const PortRange& wanted) { return Meet(port, wanted); })) {
      return true;
    }
  }
  return false;
}

const char* StateText(const store::ContainerView& container) {
  if (IsDamaged(container)) return "dead";
  return container.marked_paused ? "paused" : store::StatusName(container.status);
}

bool IsDamaged(const store::ContainerView& container) {
  return container.record.name.empty() && !container.damage.ok();
}

}  // namespace stave::tools
