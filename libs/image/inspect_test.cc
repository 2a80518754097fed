// SPDX-License-Identifier: Apache-2.0
#include "libs/image/inspect.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/json/parse.h"
#include "libs/oci/media_type.h"
#include "libs/store/test_images.h"

namespace stave::image {
namespace {

class InspectTest : public store::ImagesTest {};

TEST_F(InspectTest, InspectsAsDockerDoes) {
  const std::string config = Blob(
      R"({"architecture":"arm64","variant":"v8","os":"linux","created":"2026-01-02T03:04:05Z",)"
      R"("author":"me","config":{"Cmd":["sh"],"ExposedPorts":{"80/tcp":{}},"Hostname":"x"},)"
      R"("history":[{"created_by":"x","comment":"last"}],)"
      R"("rootfs":{"type":"layers","diff_ids":[]}})");
  const std::string manifest =
      Blob(R"({"schemaVersion":2,"mediaType":")" + std::string(oci::kOciManifest) +
           R"(","config":)" + Descriptor(oci::kOciConfig, config) + R"(,"layers":[]})");
  SetName("mine:1", oci::kOciManifest, manifest);

  auto json = InspectImage(store(), "mine:1");

  ASSERT_TRUE(json.ok()) << json.status();
  json->Remove("Metadata");
  EXPECT_EQ(json::Print(*json),
            R"({"Id":")" + oci::DigestOf(config).ToString() +
                R"(","RepoTags":["mine:1"],"RepoDigests":["mine@)" +
                oci::DigestOf(manifest).ToString() +
                R"("],"Parent":"","Comment":"last",)"
                R"("Created":"2026-01-02T03:04:05Z","DockerVersion":"","Author":"me",)"
                R"("Config":{"Cmd":["sh"],"Entrypoint":null,"Env":null,)"
                R"("ExposedPorts":{"80/tcp":{}},"Labels":null,"OnBuild":null,"User":"",)"
                R"("Volumes":null,"WorkingDir":""},"Architecture":"arm64","Variant":"v8",)"
                R"("Os":"linux","Size":0,"GraphDriver":{"Data":{},"Name":"overlay2"},)"
                R"("RootFS":{"Type":"layers","Layers":[]}})");
}

TEST_F(InspectTest, TellsWhereItsLayersAre) {
  const store::TestImage one = Image({"base", "top"});
  SetName("alpine:3", oci::kOciManifest, one.manifest);

  const json::Value json = *InspectImage(store(), "alpine:3");

  EXPECT_EQ(json.Find({"GraphDriver", "Data", "UpperDir"})->text(),
            store().state_path() + "/layers/" + one.layers[1].hex() + "/fs");
  EXPECT_EQ(json.Find({"GraphDriver", "Data", "LowerDir"})->text(),
            store().state_path() + "/layers/" + one.layers[0].hex() + "/fs");
  EXPECT_EQ(json.Find("Created")->text(), "0001-01-01T00:00:00Z");
  EXPECT_NE(json.Find({"Metadata", "LastTagTime"})->text(), "0001-01-01T00:00:00Z");
}

}  // namespace
}  // namespace stave::image
