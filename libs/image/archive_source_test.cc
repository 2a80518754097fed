// SPDX-License-Identifier: Apache-2.0
#include "libs/image/archive_source.h"

#include <string>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/image/tar_text.h"
#include "libs/oci/digest.h"
#include "libs/oci/manifest.h"
#include "libs/oci/media_type.h"

namespace stave::image {
namespace {

const char kLayer[] = "the layer";

std::string Config(int layers) {
  std::string ids;
  for (int i = 0; i < layers; ++i) {
    absl::StrAppend(&ids, i == 0 ? "" : ",", "\"", oci::DigestOf(kLayer).ToString(), "\"");
  }
  return absl::StrCat(
      R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[)", ids, "]}}");
}

absl::StatusOr<std::unique_ptr<Source>> Open(const std::string& manifest, const std::string& name,
                                             int layers = 1) {
  return OpenDockerArchive(WriteTestFile("image.tar", MakeTar({{"c.json", Config(layers)},
                                                               {"l/layer.tar", kLayer},
                                                               {"manifest.json", manifest}})),
                           name);
}

std::string Word(const std::string& manifest, const std::string& name, int layers = 1) {
  return base::ErrorWord(Open(manifest, name, layers).status());
}

constexpr char kOne[] = R"([{"Config":"c.json","RepoTags":["web:1"],"Layers":["l/layer.tar"]}])";
constexpr char kTwo[] = R"([{"Config":"c.json","RepoTags":["web:1"],"Layers":["l/layer.tar"]},)"
                        R"({"Config":"c.json","RepoTags":["web:2"],"Layers":["l/layer.tar"]}])";

TEST(DockerArchiveTest, AManifestIsMadeAndBlobsAreRead) {
  const auto source = Open(kOne, "");
  ASSERT_TRUE(source.ok()) << source.status();

  const auto top = (*source)->GetTop();

  ASSERT_TRUE(top.ok()) << top.status();
  const auto& manifest = std::get<oci::Manifest>(top->parsed);
  EXPECT_EQ(manifest.config.digest, oci::DigestOf(Config(1)));
  ASSERT_EQ(manifest.layers.size(), 1u);
  EXPECT_EQ(manifest.layers[0].media_type, oci::kOciLayer);
  EXPECT_EQ(manifest.layers[0].digest, oci::DigestOf(kLayer));
  std::string bytes;
  const auto status =
      (*source)->GetBlob(manifest.layers[0].digest, 9, 4, [&](absl::string_view data) {
        absl::StrAppend(&bytes, data);
        return absl::OkStatus();
      });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(bytes, "layer");
  EXPECT_TRUE(absl::IsNotFound((*source)->GetBlob(oci::DigestOf("x"), 1, 0, nullptr)));
}

TEST(DockerArchiveTest, NamesAreComparedAsReferences) {
  EXPECT_TRUE(Open(kTwo, "web:2").ok());
  EXPECT_TRUE(Open(kTwo, "docker.io/library/web:2").ok());
  EXPECT_EQ(Word(kTwo, "web:3"), "E_TAG");
}

TEST(DockerArchiveTest, SeveralImagesWantAName) {
  const auto source = Open(kTwo, "");

  EXPECT_EQ(base::ErrorWord(source.status()), "E_TAG");
  EXPECT_TRUE(absl::StrContains(source.status().message(), "web:1, web:2"));
}

TEST(DockerArchiveTest, BrokenTables) {
  EXPECT_EQ(Word("[]", ""), "E_TAG");
  EXPECT_EQ(Word("{}", ""), "E_MANIFEST");
  EXPECT_EQ(Word("[5]", ""), "E_MANIFEST");
  EXPECT_EQ(Word("[{}]", ""), "E_MANIFEST");
  EXPECT_EQ(Word("[", ""), "E_JSON");
  EXPECT_EQ(Word(R"([{"Config":"c.json","Layers":["../../x"]}])", ""), "E_TAR_ESCAPE");
  EXPECT_EQ(Word(R"([{"Config":"c.json","Layers":["none"]}])", ""), "E_NOT_FOUND");
  EXPECT_EQ(Word(R"([{"Config":"none","Layers":[]}])", ""), "E_NOT_FOUND");
  EXPECT_EQ(Word(kOne, "", 2), "E_MANIFEST");
}

TEST(DockerArchiveTest, NoFileNoManifest) {
  EXPECT_TRUE(absl::IsNotFound(OpenDockerArchive("/nowhere/x.tar", "").status()));
  EXPECT_TRUE(absl::IsNotFound(
      OpenDockerArchive(WriteTestFile("other.tar", MakeTar({{"a", "b"}})), "").status()));
}

}  // namespace
}  // namespace stave::image
