// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/filter.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/store/containers.h"

namespace stave::tools {
namespace {

const absl::Time kTime = absl::FromUnixSeconds(1700000000);

store::ContainerView Web() {
  store::ContainerView view;
  view.record.id = "4f2a" + std::string(60, '0');
  view.record.name = "web";
  view.record.image_id = "sha256:ab12" + std::string(60, '3');
  view.record.ports = {"80/tcp", "8000-8010/udp"};
  view.record.mounts = {{"/srv", "/data"}};
  view.record.labels = {{"tier", "front"}, {"keep", ""}};
  view.record.created = kTime;
  view.status = store::Status::kRunning;
  return view;
}

store::ContainerView Ended(std::optional<int> code) {
  store::ContainerView view = Web();
  view.status = store::Status::kExited;
  view.exit = store::Exit();
  view.exit->code = code;
  return view;
}

bool Takes(const std::vector<std::string>& filters, const store::ContainerView& view) {
  const auto filter = PsFilter::Parse(filters);
  EXPECT_TRUE(filter.ok()) << filter.status();
  return filter.ok() && filter->Takes(view);
}

std::string Refusal(const std::string& filter) {
  return std::string(PsFilter::Parse({filter}).status().message());
}

TEST(PsFilterTest, NoneTakesAll) {
  EXPECT_TRUE(Takes({}, Web()));
  EXPECT_TRUE(Takes({""}, Web()));
}

TEST(PsFilterTest, NamesAreFoundAnywhereAndWithTheirSlash) {
  for (const char* name : {"web", "we", "eb$", "^web$", "^/web$", "/we", "w.b", "(?i)WEB"}) {
    EXPECT_TRUE(Takes({std::string("name=") + name}, Web())) << name;
  }
  for (const char* name : {"^we$", "webx", "^eb", "WEB", "^/eb"}) {
    EXPECT_FALSE(Takes({std::string("name=") + name}, Web())) << name;
  }
}

TEST(PsFilterTest, IdsAreBeginningsOrPatterns) {
  EXPECT_TRUE(Takes({"id=4f2"}, Web()));
  EXPECT_FALSE(Takes({"id=f2a"}, Web()));
  EXPECT_TRUE(Takes({"id=^4f.a0+$"}, Web()));
  EXPECT_TRUE(Takes({"id= 4f2 "}, Web()));
}

TEST(PsFilterTest, ValuesOfOneKeyAreAlternativesButOfLabels) {
  EXPECT_TRUE(Takes({"name=db", "name=web"}, Web()));
  EXPECT_FALSE(Takes({"name=web", "id=5"}, Web()));
  EXPECT_TRUE(Takes({"label=keep", "label=tier=front"}, Web()));
  EXPECT_FALSE(Takes({"label=keep", "label=tier=back"}, Web()));
  EXPECT_FALSE(Takes({"label=nope"}, Web()));
  EXPECT_TRUE(Takes({"label=keep="}, Web()));
  EXPECT_FALSE(Takes({"label=keep=x"}, Web()));
}

TEST(PsFilterTest, States) {
  EXPECT_TRUE(PsFilter::Parse({"status=exited"})->wants_all());
  EXPECT_FALSE(PsFilter::Parse({"exited=0"})->wants_all());
  EXPECT_TRUE(PsFilter::Parse({"exited=0"})->needs_state());
  EXPECT_FALSE(PsFilter::Parse({"name=x", "label=k"})->needs_state());
  EXPECT_TRUE(Takes({"status=exited", "status=running"}, Web()));
  EXPECT_FALSE(Takes({"status=paused"}, Web()));
  store::ContainerView paused = Web();
  paused.marked_paused = true;
  EXPECT_TRUE(Takes({"STATUS=paused"}, paused));
  EXPECT_FALSE(Takes({"status=running"}, paused));
  store::ContainerView damaged;
  damaged.damage = absl::DataLossError("x");
  EXPECT_TRUE(Takes({"status=dead"}, damaged));
}

TEST(PsFilterTest, ExitCodesAreThoseOfEnds) {
  EXPECT_TRUE(Takes({"exited=137"}, Ended(137)));
  EXPECT_TRUE(Takes({"exited=0", "exited=137"}, Ended(137)));
  EXPECT_FALSE(Takes({"exited=0"}, Ended(137)));
  EXPECT_FALSE(Takes({"exited=0"}, Ended(std::nullopt)));
  EXPECT_FALSE(Takes({"exited=0"}, Web()));
}

TEST(PsFilterTest, Health) {
  EXPECT_TRUE(Takes({"health=none"}, Web()));
  store::ContainerView well = Web();
  well.health = store::Wellness::kHealthy;
  EXPECT_TRUE(Takes({"health=healthy"}, well));
  EXPECT_FALSE(Takes({"health=none"}, well));
}

TEST(PsFilterTest, AncestorsByIdAndByWhatNamesMean) {
  EXPECT_TRUE(Takes({"ancestor=ab12"}, Web()));
  EXPECT_TRUE(Takes({"ancestor=sha256:ab12"}, Web()));
  EXPECT_FALSE(Takes({"ancestor=b12"}, Web()));
  EXPECT_FALSE(Takes({"ancestor=alpine"}, Web()));
  auto filter = *PsFilter::Parse({"ancestor=alpine"});
  filter.SetAncestors({Web().record.image_id});
  EXPECT_TRUE(filter.Takes(Web()));
}

TEST(PsFilterTest, BeforeAndSince) {
  store::ContainerView older = Web(), newer = Web(), twin = Web();
  older.record.created -= absl::Seconds(1);
  newer.record.created += absl::Seconds(1);
  twin.record.id = std::string(64, 'f');  // of the same moment: after Web() in the list
  auto before = *PsFilter::Parse({"before=web"});
  before.AddBefore(Web().record);
  EXPECT_TRUE(before.Takes(older));
  EXPECT_TRUE(before.Takes(twin));
  EXPECT_FALSE(before.Takes(Web()));
  EXPECT_FALSE(before.Takes(newer));
  before.AddBefore(older.record);  // the wider one stays
  EXPECT_TRUE(before.Takes(twin));
  auto since = *PsFilter::Parse({"since=web"});
  since.AddSince(Web().record);
  EXPECT_FALSE(since.Takes(older));
  EXPECT_FALSE(since.Takes(twin));
  EXPECT_FALSE(since.Takes(Web()));
  EXPECT_TRUE(since.Takes(newer));
}

TEST(PsFilterTest, MountsNetworksAndPorts) {
  EXPECT_TRUE(Takes({"volume=/srv"}, Web()));
  EXPECT_TRUE(Takes({"volume=/nope", "volume=/data"}, Web()));
  EXPECT_FALSE(Takes({"volume=/dat"}, Web()));
  EXPECT_TRUE(Takes({"network=none"}, Web()));
  EXPECT_FALSE(Takes({"network=host"}, Web()));
  EXPECT_TRUE(Takes({"expose=80"}, Web()));
  EXPECT_TRUE(Takes({"expose=8005/udp"}, Web()));
  EXPECT_FALSE(Takes({"expose=80/udp"}, Web()));
  EXPECT_FALSE(Takes({"expose=80"}, Ended(0)));
  EXPECT_FALSE(Takes({"publish=80"}, Web()));
  EXPECT_TRUE(Takes({"is-task=false"}, Web()));
  EXPECT_FALSE(Takes({"is-task=true"}, Web()));
}

TEST(PsFilterTest, RefusesInDockersWords) {
  EXPECT_EQ(Refusal("web"), "bad format of filter (expected name=value)");
  EXPECT_EQ(Refusal("nope=1"), "invalid filter 'nope'");
  EXPECT_EQ(Refusal("status=gone"), "invalid filter 'status=gone'");
  EXPECT_EQ(Refusal("health=good"), "invalid filter 'health=good'");
  EXPECT_EQ(Refusal("exited=x"), "invalid filter 'exited=x'");
  EXPECT_EQ(Refusal("is-task=maybe"), "invalid filter 'is-task=[maybe]'");
  EXPECT_EQ(Refusal("expose=8080:80"), "filter for 'expose' should not contain ':': 8080:80");
  EXPECT_EQ(Refusal("publish=x").substr(0, 40), "error while looking up for publish x: \"x");
  EXPECT_EQ(Refusal("name=[").substr(0, 23), "invalid filter 'name=['");
}

}  // namespace
}  // namespace stave::tools
