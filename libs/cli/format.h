// SPDX-License-Identifier: Apache-2.0
//
// `--format` of programs that list: what Docker's users write after it.
//
//   table TEMPLATE  a table: a header of titles, then a line a row; "\t" ends a column
//   table, ""       the listing's own table
//   json            one JSON object a row, of all fields, sorted by name
//   TEMPLATE        what the template gives for each row, and a newline
//
// In templates a backslash followed by t or n is a tab or a newline.
//
//   constexpr Field kFields[] = {{"ID", "CONTAINER ID"}, {"Names", "NAMES"}, {"Size", "SIZE"}};
//   constexpr Listing kListing = {.type = "*formatter.ContainerContext", .fields = kFields,
//                                 .table = "table {{.ID}}\t{{.Names}}", .has_labels = true};
//   STAVE_ASSIGN_OR_RETURN(Format format, Format::Parse(FLAGS_format, kListing));
//   if (format.Uses("Size")) ...;
//   for (...) STAVE_RETURN_IF_ERROR(format.Add({{Value::String(id), ...}, label}));
//   Print(format.Finish());

#ifndef STAVE_LIBS_CLI_FORMAT_H_
#define STAVE_LIBS_CLI_FORMAT_H_

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libs/template/template.h"
#include "libs/template/value.h"

namespace stave::cli {

struct Field {
  absl::string_view name;   // "RunningFor"
  absl::string_view title;  // of its column: "CREATED"
};

struct Listing {
  absl::string_view type;  // as Docker's errors name a row: "*formatter.ContainerContext"
  absl::Span<const Field> fields;
  absl::string_view table;     // what "" and "table" stand for; begins with "table "
  absl::string_view raw = "";  // what "raw" stands for; "": nothing special
  bool has_labels = false;     // whether rows know `.Label "key"`
  // What goes before the template's own errors: "failed to parse template" in `docker ps`.
  absl::string_view parse_error = "template parsing error";
  absl::string_view execute_error = "template parsing error";
};

struct Row {
  // By the order of Listing.fields.
  std::vector<templates::Value> fields;
  std::function<std::string(absl::string_view key)> label = nullptr;  // "" if there is no such
};

class Format {
 public:
  // Also tries the template on a row of empty strings, so that unknown fields are found before
  // anything is done. What the listing points to must outlive the Format.
  // Errors: InvalidArgument [E_TEMPLATE], ResourceExhausted [E_LIMIT]; "template parsing error:
  // template: :1: unexpected ...". Exit code 1, as Docker's.
  static absl::StatusOr<Format> Parse(absl::string_view text, const Listing& listing);

  bool is_table() const { return is_table_; }
  bool is_json() const { return is_json_; }
  // Whether a row's `field` is looked at: by name, or because the whole row is wanted as JSON.
  // Found out with an empty row, so not for names within a branch that this does not take. `json`
  // alone does not count for that in Docker; ask is_json().
  bool Uses(absl::string_view field) const;

  // What `row` gives, with its newline: for listings that go on (events).
  // Errors: as of templates::Template::Execute, with Listing.execute_error before it.
  absl::StatusOr<std::string> Line(const Row& row) const;

  // Line() kept for Finish().
  absl::Status Add(const Row& row);
  // All that was added: with the header above it and the columns laid out if it is a table.
  std::string Finish() const;

 private:
  Format() = default;

  Listing listing_;
  bool is_table_ = false;
  bool is_json_ = false;
  std::shared_ptr<const templates::Template> template_;
  std::shared_ptr<const templates::StructType> row_type_;
  std::set<std::string, std::less<>> used_;
  std::string lines_;
};

}  // namespace stave::cli

#endif  // STAVE_LIBS_CLI_FORMAT_H_
