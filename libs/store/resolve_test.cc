// SPDX-License-Identifier: Apache-2.0
#include "libs/store/resolve.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"
#include "libs/oci/digest.h"
#include "libs/oci/media_type.h"
#include "libs/store/image_document.h"
#include "libs/store/image_user.h"
#include "libs/store/refs.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

const oci::Digest kBase = oci::DigestOf("base");
const oci::Digest kTop = oci::DigestOf("top");

class ResolveTest : public StoreTest {
 protected:
  void SetUp() override {
    config_ = Blob(absl::StrCat(
        R"({"architecture":"amd64","os":"linux","config":{"Env":["A=1"],"Cmd":["sh"],"User":"app",)",
        R"("Labels":{"l":"v"}},"rootfs":{"type":"layers","diff_ids":[")", kBase.ToString(), "\",\"",
        kTop.ToString(), "\"]}}"));
    std::string manifest =
        absl::StrCat(R"({"schemaVersion":2,"mediaType":")", oci::kOciManifest, R"(","config":)",
                     Descriptor(oci::kOciConfig, config_), R"(,"layers":[)");
    absl::StrAppend(&manifest, Descriptor(oci::kOciLayerGzip, "12345"), ",",
                    Descriptor(oci::kOciLayerGzip, "67890"), "]}");
    manifest_ = Blob(manifest);
    std::string entry = Descriptor(oci::kOciManifest, manifest_);
    entry.insert(entry.size() - 1, R"(,"platform":{"os":"linux","architecture":"amd64"})");
    index_ = Blob(absl::StrCat(R"({"schemaVersion":2,"mediaType":")", oci::kOciIndex,
                               R"(","manifests":[)", entry, "]}"));
    Layer(kBase);
    Layer(Chain());
    SetName(oci::kOciIndex, index_);
  }

  static oci::Digest Chain() { return oci::ChainIds({kBase, kTop})[1]; }
  static std::string Path(const std::string& content) {
    return "state/images/blobs/sha256/" + oci::DigestOf(content).hex();
  }
  std::string Blob(const std::string& content) {
    Write(Path(content), content);
    return content;
  }
  static std::string Descriptor(const std::string& type, const std::string& content) {
    return absl::StrCat("{\"mediaType\":\"", type, "\",\"digest\":\"",
                        oci::DigestOf(content).ToString(), "\",\"size\":", content.size(), "}");
  }
  void Layer(const oci::Digest& key) {
    MakeDir("state/layers/" + key.hex());
    MakeDir("state/layers/" + key.hex() + "/fs");
    MakeDir("state/layers/" + key.hex() + "/fs/etc");
  }
  void SetName(const std::string& type, const std::string& content) {
    ASSERT_TRUE(
        SetRef(store(), Name(),
               {type, oci::DigestOf(content), static_cast<int64_t>(content.size()), {}, {}, {}})
            .ok());
  }
  static oci::Reference Name() { return *oci::Reference::Parse("alpine"); }
  absl::StatusOr<ResolvedImage> Resolve(const std::string& platform = "linux/amd64") {
    return ResolveImage(store(), Name(), *oci::ParsePlatform(platform));
  }
  std::string Missing() {
    const auto resolved = Resolve();
    EXPECT_TRUE(absl::IsNotFound(resolved.status())) << resolved.status();
    return std::string(resolved.status().message());
  }

  std::string config_, manifest_, index_;
};

TEST_F(ResolveTest, FollowsTheIndexToLayersUnderEitherKey) {
  const auto image = Resolve();

  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->manifest_digest, oci::DigestOf(manifest_));
  EXPECT_EQ(image->manifest.config.digest, oci::DigestOf(config_));
  EXPECT_EQ(image->layers, (std::vector<oci::Digest>{kBase, Chain()}));
}

TEST_F(ResolveTest, TakesAManifestWithoutAnIndex) {
  SetName(oci::kOciManifest, manifest_);

  EXPECT_TRUE(Resolve().ok());
}

TEST_F(ResolveTest, SaysWhatIsMissing) {
  Remove("state/layers/" + Chain().hex());
  EXPECT_TRUE(absl::StrContains(Missing(), kTop.ToString()));
  Remove(Path(config_));
  EXPECT_TRUE(absl::StrContains(Missing(), oci::DigestOf(config_).ToString()));
  Remove(Path(manifest_));
  EXPECT_TRUE(absl::StrContains(Missing(), oci::DigestOf(manifest_).ToString()));
  Remove(Path(index_));
  EXPECT_TRUE(absl::StrContains(Missing(), oci::DigestOf(index_).ToString()));
  ASSERT_TRUE(RemoveRef(store(), Name()).ok());
  EXPECT_EQ(Missing(), "docker.io/library/alpine:latest: no such image here");
}

TEST_F(ResolveTest, NamesTheImageOnce) {
  Remove(Path(config_));

  EXPECT_TRUE(absl::StartsWith(Missing(), "docker.io/library/alpine:latest: sha256:"));
}

TEST_F(ResolveTest, AnotherPlatformIsNotThere) {
  const auto resolved = Resolve("linux/s390x");

  EXPECT_TRUE(absl::IsNotFound(resolved.status()));
  EXPECT_EQ(base::ErrorWord(resolved.status()), "E_PLATFORM");
}

TEST_F(ResolveTest, AWrongSizeIsDamage) {
  Write(Path(config_), config_ + " ");

  EXPECT_EQ(base::ErrorWord(Resolve().status()), "E_CORRUPT");
}

TEST_F(ResolveTest, GarbageOfTheRightSizeIsRefused) {
  Write(Path(manifest_), std::string(manifest_.size(), '{'));
  EXPECT_FALSE(Resolve().ok());
  Write(Path(manifest_), std::string(manifest_.size(), '\0'));
  EXPECT_FALSE(Resolve().ok());
}

TEST_F(ResolveTest, IndexesWithinIndexesEnd) {
  std::string inner = manifest_;
  std::string type = oci::kOciManifest;
  for (int depth = 0; depth < 8; ++depth) {
    inner = Blob(absl::StrCat(R"({"schemaVersion":2,"mediaType":")", oci::kOciIndex,
                              R"(","manifests":[)", Descriptor(type, inner), "]}"));
    type = oci::kOciIndex;
  }
  SetName(oci::kOciIndex, inner);

  EXPECT_EQ(base::ErrorWord(Resolve().status()), "E_MANIFEST");
}

TEST_F(ResolveTest, OtherContentOfTheRightSizeIsDamage) {
  std::string other = config_;
  other[other.find("A=1")] = 'B';
  Write(Path(config_), other);

  EXPECT_EQ(base::ErrorWord(Resolve().status()), "E_CORRUPT");
  EXPECT_TRUE(absl::StrContains(base::ErrorHint(Resolve().status()), "store-check --repair"));
}

TEST_F(ResolveTest, TheUserIsLookedUpInTheLayers) {
  const std::string base = "state/layers/" + kBase.hex() + "/fs/etc/";
  const std::string top = "state/layers/" + Chain().hex() + "/fs/etc/";
  Write(base + "passwd", "root:x:0:0::/root:\napp:x:1000:1000::/home/app:\n");
  Write(base + "group", "audio:x:29:app\n");

  auto user = ResolveImageUser(store(), {kBase, Chain()}, "app");
  ASSERT_TRUE(user.ok()) << user.status();
  EXPECT_EQ(user->uid, 1000u);
  EXPECT_EQ(user->home, "/home/app");
  EXPECT_EQ(user->additional_gids, (std::vector<uint32_t>{1000, 29}));

  Write(top + "passwd", "app:x:7:8::/:\n");
  user = ResolveImageUser(store(), {kBase, Chain()}, "app");
  ASSERT_TRUE(user.ok());
  EXPECT_EQ(user->uid, 7u);

  EXPECT_EQ(base::ErrorWord(ResolveImageUser(store(), {kBase, Chain()}, "nobody").status()),
            "E_USER");
  EXPECT_EQ(ResolveImageUser(store(), {}, "5")->uid, 5u);
}

TEST_F(ResolveTest, TheDocumentHasTheImagesWords) {
  Write("state/layers/" + kBase.hex() + "/fs/etc/passwd", "app:x:1000:1000::/home/app:\n");

  const auto document = MakeImageDocument(store(), *Resolve());

  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(json::Print(*document->Find({"process", "args"})), "[\"sh\"]");
  EXPECT_EQ(document->Find({"process", "user", "uid"})->text(), "1000");
  EXPECT_EQ(document->Find({"stave", "store"})->text(), store().state_path());
  EXPECT_EQ(document->Find({"stave", "image", "reference"})->text(),
            "docker.io/library/alpine:latest");
  EXPECT_EQ(json::Print(*document->Find({"stave", "image", "layers"})),
            absl::StrCat("[\"", kBase.ToString(), "\",\"", Chain().ToString(), "\"]"));
  EXPECT_EQ(json::Print(*document->Find({"stave", "labels"})), "{\"l\":\"v\"}");
  EXPECT_EQ(document->Find("annotations"), nullptr);
  EXPECT_EQ(document->Find("root"), nullptr);
}

TEST_F(ResolveTest, AnUnknownUserIsAnError) {
  EXPECT_EQ(base::ErrorWord(MakeImageDocument(store(), *Resolve()).status()), "E_USER");
}

}  // namespace
}  // namespace stave::store
