// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/list.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/status_macros.h"
#include "libs/cli/table.h"
#include "libs/json/parse.h"
#include "libs/runtime/pause.h"
#include "libs/store/upper_size.h"
#include "tools/ps-lister/rows.h"

namespace stave::tools {
namespace {

using Views = std::vector<store::ContainerView>;

absl::StatusOr<store::Record> RecordOf(const store::Store& store, const std::string& name) {
  STAVE_ASSIGN_OR_RETURN(const std::string id, store::FindContainer(store, name));
  STAVE_ASSIGN_OR_RETURN(store::ContainerView view, store::GetContainer(store, id));
  return std::move(view.record);
}

// What the filter has to be told.
absl::Status LookUp(const store::Store& store, Images* images, PsFilter* filter) {
  for (const std::string& name : filter->Values("before")) {
    STAVE_ASSIGN_OR_RETURN(const store::Record record, RecordOf(store, name));
    filter->AddBefore(record);
  }
  for (const std::string& name : filter->Values("since")) {
    STAVE_ASSIGN_OR_RETURN(const store::Record record, RecordOf(store, name));
    filter->AddSince(record);
  }
  std::set<std::string> ancestors;
  for (const std::string& name : filter->Values("ancestor")) {
    const std::set<std::string>& meant = images->Meant(name);
    ancestors.insert(meant.begin(), meant.end());
  }
  filter->SetAncestors(std::move(ancestors));
  return absl::OkStatus();
}

// Whether what is shown of each container goes beyond its record.
bool ShowsState(const ListWishes& wishes) {
  if (wishes.quiet) return false;
  if (wishes.json || !wishes.format || wishes.format->is_json()) return true;
  for (const char* field : {"State", "Status", "Ports", "HealthStatus", "json .", "table", "raw"}) {
    if (absl::StrContains(wishes.format_text, field)) return true;
  }
  return false;
}

// Each looked at again, as a whole. One that has been removed meanwhile stays as it was.
void Complete(const store::Store& store, Views* views) {
  for (store::ContainerView& view : *views) {
    auto whole = store::GetContainer(store, view.record.id);
    if (whole.ok()) view = *std::move(whole);
    AskFreezer(&view);
  }
}

absl::StatusOr<Views> Select(const store::Store& store, const ListWishes& wishes) {
  const bool all = wishes.all || wishes.last > 0 || wishes.filter.wants_all();
  const bool shows_state = ShowsState(wishes);
  // Of thousands a few may be shown, or only their names: then their records are enough to choose.
  const bool records = all && !wishes.filter.needs_state() && (!shows_state || wishes.last > 0);
  STAVE_ASSIGN_OR_RETURN(
      Views views, store::ListContainers(store, all ? store::Which::kAll : store::Which::kRunning,
                                         records ? store::Depth::kRecord : store::Depth::kState));
  for (store::ContainerView& view : views) AskFreezer(&view);
  // In place: they are large.
  views.erase(std::remove_if(views.begin(), views.end(),
                             [&](const auto& view) { return !wishes.filter.Takes(view); }),
              views.end());
  if (wishes.last > 0 && views.size() > wishes.last) {
    views.erase(views.begin() + static_cast<Views::difference_type>(wishes.last), views.end());
  }
  if (records && shows_state) Complete(store, &views);
  return views;
}

absl::StatusOr<std::string> TextOf(const Views& views, const Look& look, ListWishes* wishes) {
  std::string text;
  std::vector<cli::TableRow> rows;
  for (const store::ContainerView& view : views) {
    if (wishes->json) {
      absl::StrAppend(&text, json::Print(JsonLine(view, look)), "\n");
    } else if (wishes->quiet) {
      absl::StrAppend(&text, IdText(view, look.width), "\n");
    } else if (wishes->format) {
      STAVE_RETURN_IF_ERROR(
          wishes->format->Add(FormatRow(view, look, *wishes->format, wishes->format_text)));
    } else {
      rows.push_back(Row(view, look));
    }
  }
  if (wishes->json || wishes->quiet) return text;
  return wishes->format ? wishes->format->Finish() : cli::FormatTable(Header(look), rows);
}

}  // namespace

void AskFreezer(store::ContainerView* container) {
  if (container->marked_paused) container->marked_paused = runtime::IsPaused(*container);
}

Sizes SizesOf(const store::Store& store, const store::Record& record, Images* images) {
  const int64_t written = store::UpperBytes(store, record.id);
  const int64_t image = images->Of(record.image_id).bytes;
  return {written, image + written};
}

absl::StatusOr<ListText> ListContainers(const store::Store& store, ListWishes wishes) {
  Images images(store);
  STAVE_RETURN_IF_ERROR(LookUp(store, &images, &wishes.filter));
  STAVE_ASSIGN_OR_RETURN(const Views views, Select(store, wishes));
  Look look;
  look.now = absl::Now();
  look.zone = absl::LocalTimeZone();
  look.width = wishes.width;
  look.images = &images;
  if (wishes.sizes) {
    look.sizes = [&](const store::Record& record) { return SizesOf(store, record, &images); };
  }
  ListText list;
  STAVE_ASSIGN_OR_RETURN(list.text, TextOf(views, look, &wishes));
  for (const store::ContainerView& view : views) {
    if (!view.damage.ok()) list.damage.push_back(view.damage);
  }
  return list;
}

}  // namespace stave::tools
