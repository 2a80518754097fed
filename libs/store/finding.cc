// SPDX-License-Identifier: Apache-2.0
#include "libs/store/finding.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"

namespace stave::store {
namespace {

void AddOnce(const std::string& text, std::vector<std::string>* texts) {
  if (std::find(texts->begin(), texts->end(), text) == texts->end()) texts->push_back(text);
}

}  // namespace

std::string FetchCommand(absl::string_view reference) {
  return absl::StrCat("image-fetch --policy always ", reference);
}

std::string FindingLine(const Finding& finding) {
  std::string line = absl::StrCat(finding.kind, " ", base::Printable(finding.name), ": ");
  if (!finding.path.empty()) absl::StrAppend(&line, base::Printable(finding.path, 4096), ": ");
  absl::StrAppend(&line, base::Printable(finding.problem, 1024), " [", finding.word, "]");
  return finding.mended ? line + " (mended)" : line;
}

json::Value FindingJson(const Finding& finding) {
  const auto or_null = [](const std::string& text) {
    return text.empty() ? json::Value() : json::Value::String(text);
  };
  json::Value value;
  value.Set("kind", json::Value::String(finding.kind));
  value.Set("name", json::Value::String(base::Printable(finding.name)));
  value.Set("path", or_null(base::Printable(finding.path, 4096)));
  value.Set("problem", json::Value::String(base::Printable(finding.problem, 1024)));
  value.Set("word", json::Value::String(finding.word));
  value.Set("damage", json::Value::Bool(finding.damage));
  value.Set("mended", json::Value::Bool(finding.mended));
  value.Set("remedy", or_null(finding.mended ? "" : finding.remedy));
  return value;
}

void Findings::Add(const Finding& finding) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++(finding.damage ? totals_.damages : totals_.lying);
  if (finding.mended) ++(finding.damage ? totals_.mended : totals_.taken_away);
  if (!finding.mended && !finding.remedy.empty()) AddOnce(finding.remedy, &totals_.remedies);
  show_(finding);
}

void Findings::AddFailure(const absl::Status& failure) {
  const std::lock_guard<std::mutex> lock(mutex_);
  totals_.failures.push_back(failure);
}

void Findings::AddNote(absl::string_view note) {
  const std::lock_guard<std::mutex> lock(mutex_);
  AddOnce(std::string(note), &totals_.notes);
}

void Findings::SetExtent(size_t images, size_t layers) {
  const std::lock_guard<std::mutex> lock(mutex_);
  totals_.has_store = true;
  totals_.images = images;
  totals_.layers = layers;
}

Findings::Totals Findings::totals() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return totals_;
}

}  // namespace stave::store
