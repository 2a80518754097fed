// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/format.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/template/value.h"

namespace stave::cli {
namespace {

using templates::Value;

constexpr Field kFields[] = {{"ID", "CONTAINER ID"}, {"Names", "NAMES"}, {"Size", "SIZE"}};
constexpr Listing kListing = {.type = "*formatter.ContainerContext",
                              .fields = kFields,
                              .table = "table {{.ID}}\t{{.Names}}",
                              .raw = "id: {{.ID}}\\n",
                              .has_labels = true};

Row MakeRow(absl::string_view id, absl::string_view name) {
  return {{Value::String(id), Value::String(name), Value::String("0B")},
          [](absl::string_view key) { return key == "a.b-c" ? "yes" : ""; }};
}

// What two rows give, or "!" and the error.
std::string Show(absl::string_view text, const Listing& listing = kListing) {
  absl::StatusOr<Format> format = Format::Parse(text, listing);
  if (!format.ok()) return "!" + std::string(format.status().message());
  for (const Row& row : {MakeRow("1", "web"), MakeRow("2", "<db>")}) {
    const absl::Status added = format->Add(row);
    if (!added.ok()) return "!" + std::string(added.message());
  }
  return format->Finish();
}

TEST(Format, Tables) {
  const std::string table = "CONTAINER ID   NAMES\n1              web\n2              <db>\n";
  EXPECT_EQ(Show(""), table);
  EXPECT_EQ(Show("table"), table);
  EXPECT_EQ(Show("table {{.ID}}\\t{{.Names}}"), table);
  EXPECT_EQ(Show("table{{.Names}}"), "NAMES\nweb\n<db>\n");
  EXPECT_EQ(Show("table {{.Label \"a.b-c\"}}\\t{{upper .Names}}"),
            "b c       NAMES\nyes       WEB\nyes       <DB>\n");
  EXPECT_EQ(Show("table {{pad .Names 1 1}}|"), " NAMES |\n web |\n <db> |\n");
}

TEST(Format, Templates) {
  EXPECT_EQ(Show("{{.ID}}: {{.Names}}"), "1: web\n2: <db>\n");
  EXPECT_EQ(Show("{{.ID}}\\t{{.Label \"x\"}}\\n"), "1\t\n\n2\t\n\n");
  EXPECT_EQ(Show("raw"), "id: 1\n\nid: 2\n\n");
}

TEST(Format, Json) {
  EXPECT_EQ(Show("json"),
            "{\"ID\":\"1\",\"Names\":\"web\",\"Size\":\"0B\"}\n"
            "{\"ID\":\"2\",\"Names\":\"\\u003cdb\\u003e\",\"Size\":\"0B\"}\n");
  EXPECT_EQ(Show("{{json .Names}}"), "\"web\"\n\"<db>\"\n");
}

TEST(Format, ATableWithoutRowsIsItsHeader) {
  EXPECT_EQ(Format::Parse("", kListing)->Finish(), "CONTAINER ID   NAMES\n");
  EXPECT_EQ(Format::Parse("{{.ID}}", kListing)->Finish(), "");
}

TEST(Format, KnowsWhatIsUsed) {
  EXPECT_TRUE(Format::Parse("{{.Size}}", kListing)->Uses("Size"));
  EXPECT_FALSE(Format::Parse("{{.ID}}", kListing)->Uses("Size"));
  EXPECT_TRUE(Format::Parse("{{json .}}", kListing)->Uses("Size"));
  const absl::StatusOr<Format> json = Format::Parse("json", kListing);
  EXPECT_TRUE(json->is_json());
  EXPECT_FALSE(json->is_table());
  EXPECT_TRUE(Format::Parse("", kListing)->is_table());
}

TEST(Format, ErrorsAreDockers) {
  EXPECT_EQ(Show("{{.ID"), "!template parsing error: template: :1: unclosed action");
  EXPECT_EQ(Show("{{.Nope}}"),
            "!template parsing error: template: :1:2: executing \"\" at <.Nope>: can't evaluate "
            "field Nope in type *formatter.ContainerContext");
  EXPECT_EQ(Show("{{slice .Names 0 9}}"),
            "!template parsing error: template: :1:2: executing \"\" at <slice .Names 0 9>: error "
            "calling slice: index out of range: 9");
  EXPECT_EQ(Show("{{slice .Names 0 2}}"), "we\n<d\n");
  EXPECT_EQ(base::ErrorWord(Format::Parse("{{", kListing).status()), "E_TEMPLATE");
  Listing ps = kListing;
  ps.parse_error = "failed to parse template";
  EXPECT_EQ(Show("{{", ps), "!failed to parse template: template: :1: unclosed action");
  Listing plain = kListing;
  plain.has_labels = false;
  EXPECT_EQ(Show("{{.Label \"x\"}}", plain),
            "!template parsing error: template: :1:2: executing \"\" at <.Label>: can't evaluate "
            "field Label in type *formatter.ContainerContext");
}

}  // namespace
}  // namespace stave::cli
