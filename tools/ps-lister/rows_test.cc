// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-lister/rows.h"

#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/cli/format.h"
#include "libs/json/parse.h"
#include "libs/store/containers.h"
#include "libs/store/test_images.h"
#include "tools/ps-lister/images.h"

namespace stave::tools {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

class RowsTest : public store::ImagesTest {
 protected:
  void SetUp() override {
    store::ImagesTest::SetUp();
    image_ = Image({"a", "b"});
    SetName("docker.io/library/alpine:latest", oci::kOciManifest, image_.manifest);
    images_.emplace(store());
    look_.now = kNow;
    look_.zone = absl::UTCTimeZone();
    look_.images = &*images_;
  }

  store::ContainerView Running() {
    store::ContainerView view;
    view.record.id = std::string(64, 'a');
    view.record.name = "web";
    view.record.image = "docker.io/library/alpine:latest";
    view.record.image_digest = image_.manifest_digest().ToString();
    view.record.image_id = image_.id().ToString();
    view.record.image_asked = "alpine";
    view.record.command = {"sh", "-c", "sleep"};
    view.record.created = kNow - absl::Minutes(5);
    view.record.ports = {"80/tcp"};
    view.record.labels = {{"k", "v\x1b"}};
    view.status = store::Status::kRunning;
    view.state = store::State();
    view.state->init = base::ProcessIdentity{"boot", 4711, 1};
    view.state->started = kNow - absl::Seconds(31);
    return view;
  }

  std::string Formatted(const std::string& text) {
    auto format = cli::Format::Parse(text, PsListing(false));
    if (!format.ok()) return std::string(format.status().message());
    EXPECT_TRUE(format->Add(FormatRow(Running(), look_, *format, text)).ok());
    return format->Finish();
  }

  store::TestImage image_;
  std::optional<Images> images_;
  Look look_;
};

TEST_F(RowsTest, LooksLikeDockers) {
  EXPECT_EQ(Row(Running(), look_),
            (cli::TableRow{"aaaaaaaaaaaa", "alpine", "\"sh -c sleep\"", "5 minutes ago",
                           "Up 31 seconds", "80/tcp", "web"}));
  EXPECT_EQ(Header(look_).size(), 7u);
  look_.sizes = [](const store::Record&) { return Sizes{2, 2002}; };
  EXPECT_EQ(Row(Running(), look_).back(), "2B (virtual 2kB)");
  EXPECT_EQ(Header(look_).back(), "SIZE");
}

TEST_F(RowsTest, TheTemplateGivesTheSameTable) {
  EXPECT_EQ(Formatted("table"), cli::FormatTable(Header(look_), {Row(Running(), look_)}));
  EXPECT_EQ(Formatted("{{.ID}} {{.Names}} {{.State}} {{.Networks}} {{.LocalVolumes}}"),
            "aaaaaaaaaaaa web running none 0\n");
  EXPECT_EQ(Formatted("{{.Label \"k\"}}|{{.Label \"x\"}}|{{.Platform}}"), "v\x1b||linux/amd64\n");
  EXPECT_EQ(Formatted("{{if eq .State \"running\"}}{{.Names}}{{end}}"), "web\n");
  EXPECT_EQ(Formatted("table {{.Labels}}"), "LABELS\nk=v\\x1b\n");
  EXPECT_NE(Formatted("{{.Nope}}")
                .find("can't evaluate field Nope in type "
                      "*formatter.ContainerContext"),
            std::string::npos)
      << Formatted("{{.Nope}}");
}

TEST_F(RowsTest, TheImageIsWhatItWasCalledAsLongAsThatIsTrue) {
  store::Record record = Running().record;
  const std::string id = image_.id().hex();
  EXPECT_EQ(images_->Shown(record, Width::kShort), "alpine");
  record.image_asked = "docker.io/library/alpine:latest";
  EXPECT_EQ(images_->Shown(record, Width::kShort), "alpine:latest");
  EXPECT_EQ(images_->Shown(record, Width::kWhole), "docker.io/library/alpine:latest");
  record.image_asked = id.substr(0, 5);
  EXPECT_EQ(images_->Shown(record, Width::kShort), id.substr(0, 12));
  record.image_asked = "";
  EXPECT_EQ(images_->Shown(record, Width::kShort), "alpine");

  record.image_asked = "alpine";
  record.image_id = "sha256:" + std::string(64, '7');  // the name means another one by now
  EXPECT_EQ(images_->Shown(record, Width::kShort), "777777777777");
  EXPECT_EQ(images_->Shown(record, Width::kWhole), record.image_id);
  record.image = record.image_asked = "docker.io/library/gone:latest";
  EXPECT_EQ(images_->Shown(record, Width::kShort), "777777777777");

  record.image = "/root/fs";  // of --rootfs
  record.image_digest = record.image_id = record.image_asked = "";
  EXPECT_EQ(images_->Shown(record, Width::kShort), "/root/fs");
}

TEST_F(RowsTest, ImagesTellWhatIsKnownOfThem) {
  EXPECT_EQ(images_->Of(image_.id().ToString()).bytes, 2000);
  EXPECT_EQ(images_->Of("sha256:" + std::string(64, '7')).platform, "");
  EXPECT_EQ(images_->Meant("alpine").size(), 1u);
  EXPECT_TRUE(images_->Meant("nope").empty());
  EXPECT_TRUE(images_->Meant("No Name").empty());
}

TEST_F(RowsTest, JsonHasTypedMembers) {
  EXPECT_EQ(json::Print(JsonLine(Running(), look_)),
            "{\"id\":\"" + std::string(64, 'a') +
                "\",\"name\":\"web\",\"image\":\"docker.io/library/alpine:latest\","
                "\"imageDigest\":\"" +
                image_.manifest_digest().ToString() +
                "\",\"command\":[\"sh\",\"-c\",\"sleep\"],"
                "\"created\":\"2023-11-14T22:08:20Z\",\"state\":\"running\","
                "\"status\":\"Up 31 seconds\",\"exitCode\":null,\"oom\":false,\"pid\":4711,"
                "\"started\":\"2023-11-14T22:12:49Z\",\"finished\":null,\"restarts\":0,"
                "\"rm\":false,\"labels\":{\"k\":\"v\\u001b\"},\"damage\":null,\"imageId\":\"" +
                image_.id().ToString() +
                "\",\"imageName\":\"alpine\",\"error\":null,\"health\":null,\"network\":\"none\","
                "\"exposed\":[\"80/tcp\"],\"mounts\":[],\"size\":null,\"virtualSize\":null}");
  look_.sizes = [](const store::Record&) { return Sizes{2, 2002}; };
  EXPECT_EQ(JsonLine(Running(), look_).Find("virtualSize")->text(), "2002");
}

TEST_F(RowsTest, JsonSaysNullForWhatNobodyKnows) {
  store::ContainerView view = Running();
  view.status = store::Status::kExited;
  view.state.reset();
  view.exit = store::Exit();
  const json::Value line = JsonLine(view, look_);
  EXPECT_TRUE(line.Find("exitCode")->is_null());
  EXPECT_TRUE(line.Find("pid")->is_null());
  EXPECT_EQ(line.Find("state")->text(), "exited");
}

TEST(FamiliarNameTest, IsWhatWasTypedWithoutWhatGoesWithoutSaying) {
  EXPECT_EQ(FamiliarName("alpine"), "alpine");
  EXPECT_EQ(FamiliarName("alpine:3"), "alpine:3");
  EXPECT_EQ(FamiliarName("docker.io/library/alpine"), "alpine");
  EXPECT_EQ(FamiliarName("docker.io/user/x:1"), "user/x:1");
  EXPECT_EQ(FamiliarName("reg:5000/a/b"), "reg:5000/a/b");
  EXPECT_EQ(FamiliarName("a:1@sha256:" + std::string(64, '1')), "a:1");
  EXPECT_EQ(FamiliarName("a@sha256:" + std::string(64, '1')), "a");
  EXPECT_EQ(FamiliarName("No Name"), "No Name");
}

}  // namespace
}  // namespace stave::tools
