// SPDX-License-Identifier: Apache-2.0
#include "libs/template/template.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"
#include "libs/template/from_json.h"

namespace stave::templates {
namespace {

Value Data() {
  return FromJson(json::Parse(R"({"name": "web", "n": 3, "null": null, "no": false,
      "list": [1, "b", null], "map": {"a": 1, "b": {"c": "d"}}, "names": ["x", "y"]})")
                      .value());
}

// The output, or "!" and the error.
std::string Render(absl::string_view text, const Value& data = Data(),
                   MissingKey missing_key = MissingKey::kNoValue) {
  const absl::StatusOr<Template> parsed = Template::Parse("", text);
  if (!parsed.ok()) return absl::StrCat("!", parsed.status().message());
  std::string out;
  const absl::Status status = parsed->Execute(data, &out, missing_key);
  return status.ok() ? out : absl::StrCat(out, "!", status.message());
}

TEST(Template, FieldsAndVariables) {
  EXPECT_EQ(Render("{{.name}} {{.map.b.c}} {{(.map).b.c}} {{$.n}}"), "web d d 3");
  EXPECT_EQ(Render("{{.nope}} {{.null}} {{.nope.at.all}}"), "<no value> <no value> <no value>");
  EXPECT_EQ(Render("{{$x := 1}}{{$x}}{{$x = 2}}{{$x}}"), "12");
  EXPECT_EQ(Render("{{$x := .map}}{{$x.b.c}}"), "d");
}

TEST(Template, Conditions) {
  EXPECT_EQ(Render("{{if .no}}a{{else if .n}}b{{else}}c{{end}}"), "b");
  EXPECT_EQ(Render("{{with .map.b}}{{.c}}{{else}}no{{end}}"), "d");
  EXPECT_EQ(Render("{{with .nope}}{{.}}{{else with .name}}{{.}}{{end}}"), "web");
  EXPECT_EQ(Render("{{if and .n (or .no .name)}}yes{{end}}{{if not .no}}!{{end}}"), "yes!");
}

TEST(Template, Ranges) {
  EXPECT_EQ(Render("{{range .list}}<{{.}}>{{end}}"), "<1><b><<no value>>");
  EXPECT_EQ(Render("{{range $i, $e := .names}}{{$i}}{{$e}} {{end}}"), "0x 1y ");
  EXPECT_EQ(Render("{{range $k, $v := .map}}{{$k}}={{$v}} {{end}}"), "a=1 b=map[c:d] ");
  EXPECT_EQ(Render("{{range .nope}}x{{else}}none{{end}}"), "none");
  EXPECT_EQ(Render("{{range .names}}{{if eq . `x`}}{{continue}}{{end}}{{.}}{{break}}{{end}}"), "y");
  EXPECT_EQ(Render("{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}"), "01201");
  EXPECT_EQ(Render("{{$l := 0}}{{range $l = .names}}{{end}}{{$l}}"), "y");
}

TEST(Template, Templates) {
  EXPECT_EQ(Render("{{define `x`}}[{{.}}{{$}}]{{end}}{{template `x` .n}}{{block `y` .name}}({{.}})"
                   "{{end}}{{template `x`}}"),
            "[33](web)[<no value><no value>]");
  EXPECT_EQ(Render("{{template `x`}}"),
            "!template: :1:11: executing \"\" at <{{template \"x\"}}>: template \"x\" not defined");
}

TEST(Template, Functions) {
  EXPECT_EQ(Render("{{len .list}} {{index .list 1}} {{index .map `b` `c`}} {{slice .name 1 2}}"),
            "3 b d e");
  EXPECT_EQ(Render("{{printf `%5d|%-5s|` .n .name}}{{print 1 2 `a`}}{{println}}"),
            "    3|web  |1 2a\n");
  EXPECT_EQ(Render("{{eq .n 1 3}} {{ne .n 3}} {{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 1 2}}"),
            "true false true true false false");
  EXPECT_EQ(Render("{{`<a>` | html}} {{`'` | js}} {{`a b` | urlquery}}"), "&lt;a&gt; \\' a+b");
  EXPECT_EQ(Render("{{json .map}} {{split `a,b` `,`}} {{join (split `a,b` `,`) `-`}}"),
            "{\"a\":1,\"b\":{\"c\":\"d\"}} [a b] a-b");
  EXPECT_EQ(Render("{{title .name}} {{upper .name}} {{lower `ABC`}} [{{pad .name 1 2}}] "
                   "{{truncate .name 2}}"),
            "Web WEB abc [ web  ] we");
}

TEST(Template, ErrorsAreGos) {
  EXPECT_EQ(Render("{{.name.x}}"),
            "!template: :1:7: executing \"\" at <.name.x>: can't evaluate field x in type "
            "interface {}");
  EXPECT_EQ(Render("a{{.null.x}}"),
            "a!template: :1:8: executing \"\" at <.null.x>: nil pointer evaluating interface {}.x");
  EXPECT_EQ(Render("{{index .list 9}}"),
            "!template: :1:2: executing \"\" at <index .list 9>: error calling index: index out of "
            "range: 9");
  EXPECT_EQ(Render("{{upper .n}}"),
            "!template: :1:8: executing \"\" at <.n>: wrong type for value; expected string; got "
            "int");
  EXPECT_EQ(Render("{{len}}"),
            "!template: :1:2: executing \"\" at <len>: wrong number of args for len: want 1 got 0");
  EXPECT_EQ(Render("{{range .n}}{{end}}{{range .name}}{{end}}"),
            "!template: :1:27: executing \"\" at <.name>: range can't iterate over web");
  EXPECT_EQ(Render("{{.nope}}", Data(), MissingKey::kError),
            "!template: :1:2: executing \"\" at <.nope>: map has no entry for key \"nope\"");
}

class Row : public StructData {
 public:
  Value Field(size_t index) const override { return Value::Int(static_cast<int64_t>(index)); }
  absl::StatusOr<Value> Call(size_t method, absl::Span<const Value> arguments) const override {
    if (method == 1) return absl::InvalidArgumentError("out of luck");
    return Value::String(absl::StrCat("label ", arguments[0].text()));
  }
};

TEST(Template, Structs) {
  auto type = std::make_shared<StructType>();
  type->name = "*x.Row";
  type->fields = {"A", "B"};
  type->methods = {{"Label", {Parameter::kString}}, {"Fail", {}}};
  const Value row = Value::Struct(type, std::make_shared<Row>());
  EXPECT_EQ(Render("{{.B}} {{.Label `x`}} {{`y` | .Label}} {{.}}", row), "1 label x label y {0 1}");
  EXPECT_EQ(Render("{{.C}}", row),
            "!template: :1:2: executing \"\" at <.C>: can't evaluate field C in type *x.Row");
  EXPECT_EQ(Render("{{.Fail}}", row),
            "!template: :1:2: executing \"\" at <.Fail>: error calling Fail: out of luck");
  EXPECT_EQ(Render("{{.A 1}}", row),
            "!template: :1:2: executing \"\" at <.A>: A has arguments but cannot be invoked as "
            "function");
}

TEST(Template, OtherFunctions) {
  const Template parsed = Template::Parse("", "{{upper .}} {{json .}}").value();
  std::string out;
  ASSERT_TRUE(
      parsed.WithFunctions(DockerHeaderFunctions()).Execute(Value::String("Title"), &out).ok());
  EXPECT_EQ(out, "Title Title");
}

std::string WordOf(absl::string_view text) {
  std::string out;
  return base::ErrorWord(Template::Parse("", text).value().Execute(Data(), &out));
}

TEST(Template, IsBounded) {
  EXPECT_EQ(WordOf("{{define `a`}}{{template `a`}}{{end}}{{template `a`}}"), "E_LIMIT");
  EXPECT_EQ(WordOf("{{range 1000000000}}{{end}}"), "E_LIMIT");
  EXPECT_EQ(WordOf("{{$x := `0123456789`}}{{range 100}}{{$x = print $x $x}}{{end}}"), "E_LIMIT");
  EXPECT_EQ(WordOf("{{range 1000}}{{printf `%1000000d` 1}}{{end}}"), "E_LIMIT");
  EXPECT_EQ(WordOf("{{pad `x` 1000000000000 0}}"), "E_LIMIT");
  EXPECT_EQ(WordOf("{{.name.x}}"), "E_TEMPLATE");
}

}  // namespace
}  // namespace stave::templates
