// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/manifest.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/oci/media_type.h"

namespace stave::oci {
namespace {

std::string HexOf(char c) { return std::string(64, c); }

std::string Entry(absl::string_view type, char digest, absl::string_view platform = "") {
  return absl::StrCat(R"({"mediaType":")", type, R"(","digest":"sha256:)", HexOf(digest),
                      R"(","size":100)", platform.empty() ? "" : ",\"platform\":", platform, "}");
}

std::string ManifestText(absl::string_view config_type, const std::vector<std::string>& layers,
                         absl::string_view media_type = kOciManifest) {
  return absl::StrCat(R"({"schemaVersion":2,"mediaType":")", media_type, R"(","config":)",
                      Entry(config_type, 'c'), R"(,"layers":[)", absl::StrJoin(layers, ","), "]}");
}

std::string IndexText(const std::vector<std::string>& entries) {
  return absl::StrCat(R"({"schemaVersion":2,"mediaType":")", kOciIndex, R"(","manifests":[)",
                      absl::StrJoin(entries, ","), "]}");
}

std::string On(absl::string_view os, absl::string_view arch, absl::string_view variant = "") {
  return absl::StrCat(R"({"os":")", os, R"(","architecture":")", arch, "\"",
                      variant.empty() ? "" : absl::StrCat(",\"variant\":\"", variant, "\""), "}");
}

std::string Refusal(absl::string_view text, absl::string_view content_type = "") {
  const absl::Status status = ParseManifestOrIndex(text, content_type).status();
  return absl::StrCat(base::ErrorWord(status), " ", status.message());
}

Index IndexOf(const std::vector<std::string>& entries) {
  return std::get<Index>(*ParseManifestOrIndex(IndexText(entries), kOciIndex));
}

char Chosen(const Index& index, absl::string_view platform) {
  const auto entry = ChooseManifest(index, *ParsePlatform(platform));
  return entry.ok() ? entry->digest.hex()[0] : '-';
}

TEST(ParseManifestTest, OciManifest) {
  const auto parsed = ParseManifestOrIndex(
      ManifestText(kOciConfig, {Entry(kOciLayerGzip, 'a'), Entry(kOciLayerGzip, 'a')}),
      "application/vnd.oci.image.manifest.v1+json; charset=utf-8");

  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const auto& manifest = std::get<Manifest>(*parsed);
  EXPECT_EQ(manifest.config.digest.hex(), HexOf('c'));
  EXPECT_EQ(manifest.layers.size(), 2u);
  EXPECT_EQ(manifest.media_type, kOciManifest);
}

TEST(ParseManifestTest, DockerManifestAndNoLayers) {
  const auto parsed =
      ParseManifestOrIndex(ManifestText(kDockerConfig, {}, kDockerManifest), kDockerManifest);

  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(std::get<Manifest>(*parsed).layers.empty());
}

TEST(ParseManifestTest, ShapeDecidesWhereNobodySays) {
  const std::string index = R"({"schemaVersion":2,"manifests":[]})";

  EXPECT_TRUE(std::holds_alternative<Index>(*ParseManifestOrIndex(index, "")));
  EXPECT_TRUE(std::holds_alternative<Index>(*ParseManifestOrIndex(index, "application/json")));
  EXPECT_EQ(Refusal(index, kOciManifest), "E_MANIFEST /config: is missing");
}

TEST(ParseManifestTest, RefusesTwoFaces) {
  const std::string both = absl::StrCat(R"({"schemaVersion":2,"config":)", Entry(kOciConfig, 'c'),
                                        R"(,"layers":[],"manifests":[]})");
  const std::string want =
      "E_MANIFEST has the members of a manifest (\"layers\", \"config\") and of an index "
      "(\"manifests\")";

  EXPECT_EQ(Refusal(both, kOciManifest), want);
  EXPECT_EQ(Refusal(both, kOciIndex), want);
  EXPECT_EQ(Refusal(R"({"schemaVersion":2,"layers":[],"manifests":[]})"), want);
}

TEST(ParseManifestTest, TypesMustAgree) {
  EXPECT_EQ(Refusal(ManifestText(kOciConfig, {}), kOciIndex),
            absl::StrCat("E_MANIFEST /mediaType: \"", kOciManifest, "\": was announced as \"",
                         kOciIndex, "\""));
}

TEST(ParseManifestTest, SchemaVersions) {
  EXPECT_EQ(Refusal(R"({"schemaVersion":1,"fsLayers":[]})"),
            "E_MANIFEST manifest is of schema 1, which is not supported");
  EXPECT_EQ(Refusal("x", "application/vnd.docker.distribution.manifest.v1+prettyjws"),
            "E_MANIFEST manifest is of schema 1, which is not supported");
  EXPECT_EQ(Refusal(R"({"schemaVersion":3})"), "E_MANIFEST /schemaVersion: 3: only 2 is known");
  EXPECT_EQ(Refusal("{}"), "E_MANIFEST /schemaVersion: is missing");
}

TEST(ParseManifestTest, SaysWhatCameInstead) {
  EXPECT_EQ(Refusal("<!DOCTYPE html>"), "E_MANIFEST registry returned text/html, not a manifest");
  EXPECT_EQ(Refusal("\n <html>", "text/html"),
            "E_MANIFEST registry returned text/html, not a manifest");
  EXPECT_EQ(Refusal(absl::string_view("\x1f\x8b\x08", 3)),
            "E_MANIFEST registry returned compressed bytes, not a manifest");
  EXPECT_EQ(Refusal(std::string(kMaxManifestSize + 1, ' ')),
            "E_LIMIT manifest has more than 4194304 bytes");
  EXPECT_EQ(Refusal("").substr(0, 6), "E_JSON");
  EXPECT_EQ(Refusal("[]"), "E_MANIFEST the text: is an array, not an object");
}

TEST(ParseManifestTest, ArtifactsAreNoImages) {
  EXPECT_EQ(Refusal(ManifestText(kOciEmpty, {})),
            "E_MANIFEST is an artifact (application/vnd.oci.empty.v1+json), not an image");
  EXPECT_EQ(Refusal(ManifestText("application/vnd.cncf.helm.config.v1+json", {})),
            "E_MANIFEST is an artifact (application/vnd.cncf.helm.config.v1+json), not an image");
}

TEST(ParseManifestTest, NamesLayersThatCannotBeUsed) {
  const auto layer = [](absl::string_view type) {
    return Refusal(ManifestText(kOciConfig, {Entry(kOciLayer, 'a'), Entry(type, 'b')}));
  };
  EXPECT_EQ(layer("application/vnd.oci.image.layer.v1.tar+gzip+encrypted"),
            "E_MANIFEST /layers/1/mediaType: "
            "\"application/vnd.oci.image.layer.v1.tar+gzip+encrypted\": layer is encrypted, which "
            "is not supported");
  EXPECT_NE(layer("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip").find("is foreign"),
            std::string::npos);
  EXPECT_NE(layer("text/plain").find("is no known type of layer"), std::string::npos);
}

TEST(ParseManifestTest, NamesBadMembers) {
  EXPECT_EQ(Refusal(R"({"schemaVersion":2,"config":[],"layers":[]})"),
            "E_MANIFEST /config: is an array, not an object");
  EXPECT_EQ(Refusal(absl::StrCat(R"({"schemaVersion":2,"config":)", Entry(kOciConfig, 'c'), "}")),
            "E_MANIFEST /layers: is missing");
  EXPECT_EQ(Refusal(R"({"schemaVersion":2,"manifests":{}})"),
            "E_MANIFEST /manifests: is an object, not an array");
  EXPECT_EQ(Refusal(R"({"schemaVersion":2,"mediaType":"a/b","manifests":[]})"),
            "E_MANIFEST \"a/b\": is neither a manifest nor an index");
}

TEST(ParseManifestTest, EntriesWithSha512AreLeftOut) {
  const std::string other =
      absl::StrCat(R"({"mediaType":")", kOciManifest, R"(","digest":"sha512:)",
                   std::string(128, 'a'), R"(","size":1})");

  EXPECT_EQ(IndexOf({other, Entry(kOciManifest, 'a')}).manifests.size(), 1u);
}

TEST(ChooseManifestTest, BestPlatformThenFirst) {
  const Index index = IndexOf({Entry(kOciManifest, '1', On("linux", "386")),
                               Entry(kOciManifest, '2', On("linux", "amd64")),
                               Entry(kOciManifest, '3', On("linux", "amd64")),
                               Entry(kOciManifest, '4', On("linux", "arm64", "v8")),
                               Entry(kOciManifest, '5', On("linux", "arm", "v6"))});

  EXPECT_EQ(Chosen(index, "linux/amd64"), '2');
  EXPECT_EQ(Chosen(index, "linux/amd64/v3"), '2');
  EXPECT_EQ(Chosen(index, "linux/386"), '1');
  EXPECT_EQ(Chosen(index, "linux/arm64"), '4');
  EXPECT_EQ(Chosen(index, "linux/arm/v7"), '5');
  EXPECT_EQ(Chosen(index, "linux/riscv64"), '-');
}

TEST(ChooseManifestTest, SkipsAttestationsAndUnknownTypes) {
  const Index index = IndexOf({Entry(kOciManifest, '1', On("unknown", "unknown")),
                               Entry("application/x", '2', On("linux", "amd64")),
                               Entry(kOciManifest, '3', On("", "amd64")),
                               Entry(kOciManifest, '4', On("linux", "s390x"))});

  const absl::Status status = ChooseManifest(index, *ParsePlatform("linux/amd64")).status();

  EXPECT_EQ(base::ErrorWord(status), "E_PLATFORM");
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "no image for linux/amd64; there is linux/s390x");
}

TEST(ChooseManifestTest, EntryWithoutPlatformIsTheLastResort) {
  const Index index =
      IndexOf({Entry(kOciIndex, '1'), Entry(kOciManifest, '2', On("linux", "amd64"))});

  EXPECT_EQ(Chosen(index, "linux/amd64"), '2');
  EXPECT_EQ(Chosen(index, "linux/arm64"), '1');
  EXPECT_EQ(ChooseManifest(IndexOf({}), *ParsePlatform("linux/amd64")).status().message(),
            "no image for linux/amd64; there is none at all");
}

}  // namespace
}  // namespace stave::oci
