// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/show.h"

#include <fcntl.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/cli/object_format.h"
#include "libs/image/inspect.h"
#include "libs/json/parse.h"
#include "libs/store/containers.h"
#include "libs/store/health.h"
#include "tools/ps-lister/inspect.h"
#include "tools/ps-lister/list.h"
#include "tools/ps-lister/rows.h"

namespace stave::tools {
namespace {

constexpr size_t kMaxConfig = size_t{16} << 20;

struct Object {
  json::Value value;
  bool is_image = false;
};

const templates::Shape& ImageShape() {
  using templates::Element;
  static constexpr templates::MapShape kMaps[] = {
      {"Config.ExposedPorts", Element::kStruct},
      {"Config.Labels", Element::kString},
      {"Config.Volumes", Element::kStruct},
      {"GraphDriver.Data", Element::kString},
  };
  static constexpr templates::Shape kShape = {"image.InspectResponse", kMaps, {}};
  return kShape;
}

json::Value ReadDocument(int root, const std::string& path) {
  const auto text = base::ReadFileAt(root, path, kMaxConfig);
  if (!text.ok()) return json::Value();
  auto document = json::Parse(*text, {.bytes = kMaxConfig});
  return document.ok() ? *std::move(document) : json::Value();
}

std::optional<store::Health> ReadHealth(const store::Store& store, const std::string& id) {
  if (store.run() < 0) return std::nullopt;
  const auto folder = base::OpenDirAt(store.run(), absl::StrCat("containers/", id));
  return folder.ok() ? store::ReadHealth(folder->get()) : std::nullopt;
}

Facts Gather(const store::Store& store, store::ContainerView view, bool sizes, Images* images) {
  const std::string path = absl::StrCat("containers/", view.record.id);
  const bool kept = base::ExistsAt(store.state(), path);  // else in RUN: ns-run --rootfs
  const int root = kept ? store.state() : store.run();
  Facts facts;
  facts.folder = absl::StrCat(kept ? store.state_path() : store.run_path(), "/", path);
  facts.layers = absl::StrCat(store.state_path(), "/layers");
  facts.document = ReadDocument(root, absl::StrCat(path, "/config.json"));
  if (base::ExistsAt(root, absl::StrCat(path, "/log/json.log"))) {
    facts.log = absl::StrCat(facts.folder, "/log/json.log");
  }
  if (view.health) facts.health = ReadHealth(store, view.record.id);
  if (sizes) facts.sizes = SizesOf(store, view.record, images);
  facts.view = std::move(view);
  return facts;
}

absl::StatusOr<store::ContainerView> Find(const store::Store& store, absl::string_view name,
                                          store::ContainerFinder* finder) {
  STAVE_ASSIGN_OR_RETURN(const std::string id, finder->Find(absl::StripPrefix(name, "/")));
  STAVE_ASSIGN_OR_RETURN(store::ContainerView view, store::GetContainer(store, id));
  AskFreezer(&view);
  return view;
}

json::Value Own(const Facts& facts, bool sizes, Images* images) {
  Look look;
  look.now = absl::Now();
  look.zone = absl::LocalTimeZone();
  look.images = images;
  if (sizes) look.sizes = [&](const store::Record&) { return *facts.sizes; };
  return OwnWords(facts, JsonLine(facts.view, look));
}

// Errors: NotFound where `name` means nothing.
absl::StatusOr<Object> ObjectOf(const store::Store& store, const std::string& name,
                                const ShowWishes& wishes, Images* images,
                                store::ContainerFinder* finder) {
  auto view = Find(store, name, finder);
  if (view.ok()) {
    const Facts facts = Gather(store, *std::move(view), wishes.sizes, images);
    if (wishes.json) return Object{Own(facts, wishes.sizes, images), false};
    return Object{Inspect(facts), false};
  }
  if (!wishes.or_image || !absl::IsNotFound(view.status())) return view.status();
  auto image = image::InspectImage(store, name);
  if (image.ok()) return Object{*std::move(image), true};
  if (!absl::IsNotFound(image.status()) && base::ErrorWord(image.status()) != "E_REFERENCE") {
    return image.status();
  }
  return base::Error(absl::StatusCode::kNotFound, "E_NO_OBJECT",
                     absl::StrCat("no such object: ", base::Printable(name)));
}

// Of all: those whose template fails are left out, and told of as Docker does.
absl::Status Add(std::vector<Object> objects, const ShowWishes& wishes, ShowText* shown) {
  STAVE_ASSIGN_OR_RETURN(const auto containers,
                         cli::ObjectFormat::Parse(wishes.format, InspectShape()));
  STAVE_ASSIGN_OR_RETURN(const auto others, cli::ObjectFormat::Parse(wishes.format, ImageShape()));
  std::vector<json::Value> values;
  for (Object& object : objects) {
    if (!containers.is_template()) {
      values.push_back(object.is_image ? std::move(object.value)
                                       : WithoutNulls(std::move(object.value)));
      continue;
    }
    const auto one = (object.is_image ? others : containers).One(object.value);
    if (one.ok()) {
      shown->text += *one;
    } else {
      shown->errors.push_back(one.status());
    }
  }
  if (!shown->text.empty()) return absl::OkStatus();
  STAVE_ASSIGN_OR_RETURN(shown->text, containers.All(values));
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckShowFormat(const std::string& format) {
  return cli::ObjectFormat::Parse(format, InspectShape()).status();
}

absl::StatusOr<ShowText> Show(const store::Store& store, const std::vector<std::string>& names,
                              const ShowWishes& wishes) {
  Images images(store);
  ShowText shown;
  std::vector<Object> objects;
  store::ContainerFinder finder(store);
  for (const std::string& name : names) {
    auto object = ObjectOf(store, name, wishes, &images, &finder);
    if (object.ok()) {
      objects.push_back(*std::move(object));
    } else {
      shown.errors.push_back(object.status());
    }
  }
  if (!wishes.json) {
    STAVE_RETURN_IF_ERROR(Add(std::move(objects), wishes, &shown));
    return shown;
  }
  for (const Object& object : objects) {
    absl::StrAppend(&shown.text, json::Print(object.value), "\n");
  }
  return shown;
}

}  // namespace stave::tools
