// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/object_format.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"

namespace stave::cli {
namespace {

absl::Status WithWords(const absl::Status& status, absl::string_view words) {
  return words.empty() ? status : base::WithContext(status, words);
}

}  // namespace

absl::StatusOr<ObjectFormat> ObjectFormat::Parse(absl::string_view text,
                                                 const templates::Shape& shape,
                                                 const ObjectManner& manner) {
  ObjectFormat format;
  format.manner_ = manner;
  format.shape_ = shape;
  format.indented_ = text.empty();
  if (text.empty() || text == "json") return format;
  absl::StatusOr<templates::Template> parsed = templates::Template::Parse("", text);
  if (!parsed.ok()) return WithWords(parsed.status(), manner.parse_error);
  format.template_ = *std::move(parsed);
  return format;
}

absl::StatusOr<std::string> ObjectFormat::One(const json::Value& object) const {
  if (!template_) {
    return absl::StrCat(indented_ ? json::PrintIndented(object, 4) : json::Print(object), "\n");
  }
  std::string text;
  absl::Status status = template_->Execute(templates::FromJson(object, shape_), &text);
  if (!status.ok() && manner_.then_plain) {
    text.clear();
    status = template_->Execute(templates::FromJson(object), &text, templates::MissingKey::kError);
  }
  if (!status.ok()) return WithWords(status, manner_.execute_error);
  text.push_back('\n');
  return text;
}

absl::StatusOr<std::string> ObjectFormat::All(const std::vector<json::Value>& objects) const {
  if (!template_) return One(json::Value::Array(objects));
  std::string text;
  for (const json::Value& object : objects) {
    STAVE_ASSIGN_OR_RETURN(const std::string one, One(object));
    text += one;
  }
  return text.empty() ? "\n" : text;
}

}  // namespace stave::cli
