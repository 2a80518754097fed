// SPDX-License-Identifier: Apache-2.0
#include "libs/cli/object_format.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"
#include "libs/template/from_json.h"

namespace stave::cli {
namespace {

constexpr templates::MapShape kMaps[] = {
    {"Config.Labels"},
    {"NetworkSettings.Ports", templates::Element::kList, "nat.Port"},
};
constexpr absl::string_view kPointers[] = {"State.Health"};
constexpr templates::Shape kShape = {"container", kMaps, kPointers};

std::vector<json::Value> Objects() {
  return {json::Parse(R"({"Id": "1", "State": {"Pid": 7}, "Config": {"Labels": {"a": "b"},
      "Cmd": ["x", "y"], "Entrypoint": null}, "NetworkSettings": {"Ports": {"80/tcp":
      [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}}, "Mounts": [{"Type": "bind", "RW": true}]})")
              .value()};
}

std::string Show(absl::string_view text, const std::vector<json::Value>& objects = Objects()) {
  const absl::StatusOr<ObjectFormat> format = ObjectFormat::Parse(text, kShape);
  if (!format.ok()) return "!" + std::string(format.status().message());
  const absl::StatusOr<std::string> all = format->All(objects);
  return all.ok() ? *all : "!" + std::string(all.status().message());
}

TEST(ObjectFormat, Templates) {
  EXPECT_EQ(Show("{{.State.Pid}}"), "7\n");
  EXPECT_EQ(Show("{{.Config.Cmd}} {{.Config.Entrypoint}} {{json .Config.Entrypoint}}"),
            "[x y] [] null\n");
  EXPECT_EQ(Show("{{.Mounts}}"), "[{bind true}]\n");
  EXPECT_EQ(Show("{{.NetworkSettings.Ports}}"), "map[80/tcp:[{0.0.0.0 8080}]]\n");
  EXPECT_EQ(Show("{{index .Config.Labels \"a\"}}|{{index .Config.Labels \"c\"}}|"
                 "{{.Config.Labels.c}}"),
            "b||<no value>\n");
  EXPECT_EQ(Show("{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}"), "8080\n");
  EXPECT_EQ(Show("{{range $p, $c := .NetworkSettings.Ports}}{{$p}} {{(index $c 0).HostPort}}"
                 "{{end}}"),
            "80/tcp 8080\n");
}

TEST(ObjectFormat, Json) {
  const std::vector<json::Value> one = {json::Parse("{\"b\": 1, \"a\": \"<\"}").value()};
  EXPECT_EQ(Show("json", one), "[{\"b\":1,\"a\":\"<\"}]\n");
  EXPECT_EQ(Show("", one), "[\n    {\n        \"b\": 1,\n        \"a\": \"<\"\n    }\n]\n");
  EXPECT_EQ(*ObjectFormat::Parse("json")->One(one[0]), "{\"b\":1,\"a\":\"<\"}\n");
  EXPECT_EQ(Show("json", {}), "[]\n");
  EXPECT_EQ(Show("", {}), "[]\n");
  EXPECT_EQ(Show("{{.}}", {}), "\n");
}

TEST(ObjectFormat, ErrorsAreDockers) {
  EXPECT_EQ(Show("{{.State.Health.Status}}"),
            "!template parsing error: template: :1:8: executing \"\" at <.State.Health.Status>: "
            "map has no entry for key \"Health\"");
  EXPECT_EQ(Show("{{.Id"), "!template parsing error: template: :1: unclosed action");
  EXPECT_EQ(Show("{{index (index .NetworkSettings.Ports \"81/tcp\") 0}}"),
            "!template parsing error: template: :1:2: executing \"\" at <index (index "
            ".NetworkSettings.Ports \"81/tcp\") 0>: error calling index: index of untyped nil");
  EXPECT_EQ(base::ErrorWord(ObjectFormat::Parse("{{").status()), "E_TEMPLATE");
}

TEST(ObjectFormat, OthersHaveOtherManners) {
  const ObjectManner manner = {"Error parsing format", "", false};
  EXPECT_EQ(ObjectFormat::Parse("{{", kShape, manner).status().message(),
            "Error parsing format: template: :1: unclosed action");
  const ObjectFormat format = ObjectFormat::Parse("{{.Nope}}", kShape, manner).value();
  EXPECT_EQ(format.One(Objects()[0]).status().message(),
            "template: :1:2: executing \"\" at <.Nope>: can't evaluate field Nope in type "
            "container");
}

}  // namespace
}  // namespace stave::cli
