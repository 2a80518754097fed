// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/inspect.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/cli/object_format.h"
#include "libs/json/parse.h"
#include "libs/oci/default_config.h"

namespace stave::tools {
namespace {

const absl::Time kTime = absl::FromUnixNanos(1700000000600000000);
const std::string kId(64, 'a');

Facts Running() {
  Facts facts;
  store::ContainerView& view = facts.view;
  view.record.id = kId;
  view.record.name = "web";
  view.record.image = "docker.io/library/x:1";
  view.record.image_id = "sha256:" + std::string(64, '2');
  view.record.image_asked = "x:1";
  view.record.command = {"httpd", "-f"};
  view.record.created = kTime;
  view.record.ports = {"80/tcp"};
  view.status = store::Status::kRunning;
  view.state = store::State();
  view.state->init = base::ProcessIdentity{"boot", 4711, 1};
  view.state->started = kTime;
  facts.document = oci::DefaultConfig();
  facts.document.Make({"process"}).Set("args", json::Value::Strings({"httpd", "-f"}));
  json::Value& mounts = *facts.document.Find("mounts");
  mounts.elements().push_back(*json::Parse(R"({"destination":"/b","type":"bind","source":"/a",
                                               "options":["rbind","rslave","ro"]})"));
  mounts.elements().push_back(*json::Parse(
      absl::StrCat(R"({"destination":"/etc/hosts","type":"bind","source":"/run/containers/)", kId,
                   R"(/hosts"})")));
  facts.document.Make({"stave", "image"})
      .Set("layers", json::Value::Strings({"sha256:1", "sha256:2"}));
  facts.folder = "/state/containers/" + kId;
  facts.layers = "/state/layers";
  return facts;
}

std::string At(const json::Value& object, std::initializer_list<absl::string_view> path) {
  const json::Value* found = object.Find(path);
  return found == nullptr ? "absent" : json::Print(*found);
}

std::string Formatted(const Facts& facts, const std::string& text) {
  const auto format = cli::ObjectFormat::Parse(text, InspectShape());
  if (!format.ok()) return std::string(format.status().message());
  const auto one = format->One(Inspect(facts));
  return one.ok() ? *one : std::string(one.status().message());
}

TEST(InspectTest, HasDockersMembers) {
  const json::Value object = WithoutNulls(Inspect(Running()));
  std::string members;
  for (const auto& [name, unused] : object.members()) absl::StrAppend(&members, name, " ");
  EXPECT_EQ(members,
            "Id Created Path Args State Image ResolvConfPath HostnamePath HostsPath LogPath Name "
            "RestartCount Driver Platform MountLabel ProcessLabel AppArmorProfile ExecIDs "
            "HostConfig GraphDriver Mounts Config NetworkSettings stave ");
  EXPECT_EQ(At(object, {"Created"}), "\"2023-11-14T22:13:20.6Z\"");
  EXPECT_EQ(At(object, {"Path"}), "\"httpd\"");
  EXPECT_EQ(At(object, {"Args"}), R"(["-f"])");
  EXPECT_EQ(At(object, {"Name"}), "\"/web\"");
  EXPECT_EQ(At(object, {"HostsPath"}), absl::StrCat("\"/run/containers/", kId, "/hosts\""));
  EXPECT_EQ(At(object, {"GraphDriver", "Data", "LowerDir"}),
            "\"/state/layers/2/fs:/state/layers/1/fs\"");
  EXPECT_EQ(At(object, {"Mounts"}),
            R"([{"Type":"bind","Source":"/a","Destination":"/b","Mode":"rslave,ro","RW":false,)"
            R"("Propagation":"rslave"}])");
  EXPECT_EQ(At(object, {"NetworkSettings", "Ports"}), R"({"80/tcp":null})");
  EXPECT_EQ(At(object, {"stave", "bundle"}), absl::StrCat("\"/state/containers/", kId, "\""));
}

TEST(InspectTest, States) {
  Facts facts = Running();
  EXPECT_EQ(At(WithoutNulls(Inspect(facts)), {"State"}),
            R"({"Status":"running","Running":true,"Paused":false,"Restarting":false,)"
            R"("OOMKilled":false,"Dead":false,"Pid":4711,"ExitCode":0,"Error":"",)"
            R"("StartedAt":"2023-11-14T22:13:20.6Z","FinishedAt":"0001-01-01T00:00:00Z"})");
  facts.health = store::Health{store::Wellness::kHealthy, 0, {{kTime, kTime, 0, "ok\n"}}};
  EXPECT_EQ(At(Inspect(facts), {"State", "Health"}),
            R"({"Status":"healthy","FailingStreak":0,"Log":[{"Start":"2023-11-14T22:13:20.6Z",)"
            R"("End":"2023-11-14T22:13:20.6Z","ExitCode":0,"Output":"ok\n"}]})");
  facts.view.status = store::Status::kExited;
  facts.view.state.reset();
  facts.view.exit = store::Exit();
  EXPECT_EQ(At(Inspect(facts), {"State", "ExitCode"}), "-1");
  facts.view.exit->code = 137;
  facts.view.exit->oom = true;
  EXPECT_EQ(At(Inspect(facts), {"State", "ExitCode"}), "137");
  EXPECT_EQ(At(Inspect(facts), {"State", "OOMKilled"}), "true");
  EXPECT_EQ(At(Inspect(facts), {"NetworkSettings", "Ports"}), "{}");
}

TEST(InspectTest, TemplatesOfScriptsWork) {
  Facts facts = Running();
  EXPECT_EQ(Formatted(facts, "{{.State.Status}} {{.State.Pid}} {{.Name}}"), "running 4711 /web\n");
  EXPECT_EQ(Formatted(facts, "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}"),
            "none\n");
  EXPECT_EQ(Formatted(facts, "{{range .NetworkSettings.Networks}}<{{.IPAddress}}>{{end}}"), "<>\n");
  EXPECT_EQ(Formatted(facts, "{{range $k, $v := .NetworkSettings.Ports}}{{$k}}{{end}}"),
            "80/tcp\n");
  EXPECT_EQ(Formatted(facts, "{{range .Mounts}}{{.Source}}:{{.Destination}}{{end}}"), "/a:/b\n");
  EXPECT_EQ(Formatted(facts, "{{.HostConfig.RestartPolicy.Name}} {{json .Config.Cmd}}"),
            "no [\"httpd\",\"-f\"]\n");
  EXPECT_EQ(Formatted(facts, "{{index .Config.Cmd 0}} {{len .Args}}"), "httpd 1\n");
  EXPECT_NE(Formatted(facts, "{{.Nope}}").find("map has no entry for key \"Nope\""),
            std::string::npos);
}

TEST(InspectTest, ADamagedOneIsDead) {
  Facts facts;
  facts.view.record.id = kId;
  facts.view.record.created = absl::InfinitePast();
  facts.view.damage = absl::DataLossError("broken");
  EXPECT_EQ(At(Inspect(facts), {"State", "Status"}), "\"dead\"");
  EXPECT_EQ(At(Inspect(facts), {"Created"}), "\"0001-01-01T00:00:00Z\"");
}

TEST(OwnWordsTest, AreTheFilesOfTheStore) {
  const json::Value own = OwnWords(Running(), json::Value::Object());
  EXPECT_EQ(At(own, {"state", "init", "pid"}), "4711");
  EXPECT_EQ(At(own, {"exit"}), "null");
  EXPECT_EQ(At(own, {"document", "process", "args"}), R"(["httpd","-f"])");
}

}  // namespace
}  // namespace stave::tools
