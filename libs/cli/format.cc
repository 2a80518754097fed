// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/format.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/cli/columns.h"

namespace stave::cli {
namespace {

using templates::StructData;
using templates::StructType;
using templates::Template;
using templates::Value;

constexpr absl::string_view kTable = "table";
constexpr absl::string_view kJson = "json";

StructType RowType(const Listing& listing) {
  StructType type;
  type.name = std::string(listing.type);
  for (const Field& field : listing.fields) type.fields.emplace_back(field.name);
  if (listing.has_labels) type.methods = {{"Label", {templates::Parameter::kString}}};
  type.is_row = true;
  return type;
}

class RowData : public StructData {
 public:
  explicit RowData(const Row& row) : row_(row) {}
  Value Field(size_t index) const override {
    return index < row_.fields.size() ? row_.fields[index] : Value::String("");
  }
  absl::StatusOr<Value> Call(size_t /*method*/, absl::Span<const Value> arguments) const override {
    return Value::String(row_.label ? row_.label(arguments[0].text()) : "");
  }

 private:
  const Row& row_;
};

// A row of empty strings that notes what is asked of it.
class Probe : public StructData {
 public:
  Probe(const Listing& listing, std::set<std::string, std::less<>>* used)
      : listing_(listing), used_(used) {}
  Value Field(size_t index) const override {
    used_->emplace(listing_.fields[index].name);
    return Value::String("");
  }
  absl::StatusOr<Value> Call(size_t /*method*/, absl::Span<const Value>) const override {
    return Value::String("");
  }

 private:
  const Listing& listing_;
  std::set<std::string, std::less<>>* used_;
};

class Titles : public StructData {
 public:
  explicit Titles(const Listing& listing) : listing_(listing) {}
  Value Field(size_t index) const override { return Value::String(listing_.fields[index].title); }
  // Of a label: the last part of its key, "com.example.my-key" is "my key".
  absl::StatusOr<Value> Call(size_t /*method*/, absl::Span<const Value> arguments) const override {
    const std::string& key = arguments[0].text();
    const size_t dot = key.rfind('.');
    return Value::String(absl::StrReplaceAll(dot == std::string::npos ? key : key.substr(dot + 1),
                                             {{"-", " "}, {"_", " "}}));
  }

 private:
  const Listing& listing_;
};

// What the template is, once keywords are replaced.
std::string TemplateText(absl::string_view text) {
  if (text == kJson) return "{{json .}}";
  absl::ConsumePrefix(&text, kTable);
  while (absl::ConsumePrefix(&text, " ")) {
  }
  while (absl::ConsumeSuffix(&text, " ")) {
  }
  return absl::StrReplaceAll(text, {{"\\t", "\t"}, {"\\n", "\n"}});
}

}  // namespace

absl::StatusOr<Format> Format::Parse(absl::string_view text, const Listing& listing) {
  if (text.empty() || text == kTable) text = listing.table;
  if (text == "raw" && !listing.raw.empty()) text = listing.raw;
  Format format;
  format.listing_ = listing;
  format.is_table_ = absl::StartsWith(text, kTable);
  format.is_json_ = text == kJson;
  absl::StatusOr<Template> parsed = Template::Parse("", TemplateText(text));
  if (!parsed.ok()) return base::WithContext(parsed.status(), listing.parse_error);
  format.template_ = std::make_shared<const Template>(*std::move(parsed));
  format.row_type_ = std::make_shared<const StructType>(RowType(listing));

  std::string unused;
  const Value probe =
      Value::Struct(format.row_type_, std::make_shared<Probe>(listing, &format.used_));
  const absl::Status tried = format.template_->Execute(probe, &unused);
  // Other errors may be those of empty strings: they come again if not.
  if (absl::IsNotFound(tried)) return base::WithContext(tried, listing.execute_error);
  return format;
}

bool Format::Uses(absl::string_view field) const { return used_.find(field) != used_.end(); }

absl::StatusOr<std::string> Format::Line(const Row& row) const {
  const Value value = Value::Struct(row_type_, std::make_shared<RowData>(row));
  std::string line;
  const absl::Status status = template_->Execute(value, &line);
  if (!status.ok()) return base::WithContext(status, listing_.execute_error);
  line.push_back('\n');
  return line;
}

absl::Status Format::Add(const Row& row) {
  STAVE_ASSIGN_OR_RETURN(const std::string line, Line(row));
  lines_ += line;
  return absl::OkStatus();
}

std::string Format::Finish() const {
  if (!is_table_) return lines_;
  std::string header;
  const Value titles = Value::Struct(row_type_, std::make_shared<Titles>(listing_));
  // A header is shown as far as it goes.
  template_->WithFunctions(templates::DockerHeaderFunctions())
      .Execute(titles, &header)
      .IgnoreError();
  return LayOutColumns(absl::StrCat(header, "\n", lines_));
}

}  // namespace stave::cli
