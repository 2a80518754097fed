// SPDX-License-Identifier: Apache-2.0
#include "libs/store/mark.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/store/lease.h"
#include "libs/store/test_images.h"

namespace stave::store {
namespace {

const std::string kId(64, 'a');

class MarkTest : public ImagesTest {
 protected:
  Marked MarkAll() {
    const auto origins = FindOrigins(store());
    EXPECT_TRUE(origins.ok()) << origins.status();
    return Mark(store(), *origins);
  }
  static bool Needs(const Marked& marked, const TestImage& image) {
    bool all =
        marked.blobs.count(image.id()) == 1 && marked.blobs.count(image.manifest_digest()) == 1;
    for (const std::string& blob : image.blobs) {
      all = all && marked.blobs.count(oci::DigestOf(blob)) == 1;
    }
    for (const oci::Digest& key : image.layers) all = all && marked.layers.count(key) == 1;
    return all;
  }
};

TEST_F(MarkTest, ANameLeadsToEverythingOfItsImage) {
  const TestImage image = Image({"base", "top"});
  const TestImage other = Image({"other"});
  SetName("a:1", oci::kOciManifest, image.manifest);

  const Marked marked = MarkAll();

  EXPECT_TRUE(marked.damage.empty());
  EXPECT_TRUE(Needs(marked, image));
  EXPECT_EQ(marked.layers.count(oci::DigestOf("top")), 1u);  // it may be under either key
  EXPECT_EQ(marked.blobs.count(other.id()), 0u);
  EXPECT_EQ(marked.configs, std::vector<oci::Digest>{image.id()});
}

TEST_F(MarkTest, AnIndexLeadsToTheManifestsThatAreHere) {
  const TestImage one = Image({"base", "one"});
  const TestImage two = Image({"base", "two"});
  const std::string index = Index({one.manifest, "not pulled", two.manifest});
  SetName("a:1", oci::kOciIndex, index);

  const Marked marked = MarkAll();

  EXPECT_TRUE(marked.damage.empty()) << marked.damage[0].why;
  EXPECT_TRUE(Needs(marked, one) && Needs(marked, two));
  EXPECT_EQ(marked.blobs.count(oci::DigestOf(index)), 1u);
  EXPECT_EQ(marked.configs.size(), 2u);
}

TEST_F(MarkTest, AContainerNeedsItsImageWithoutAName) {
  const TestImage image = Image({"base", "top"});
  Container(kId, image);

  EXPECT_TRUE(Needs(MarkAll(), image));
  Remove(BlobPath(image.manifest));  // and its layers in any case
  EXPECT_EQ(MarkAll().layers.count(image.layers[1]), 1u);
}

TEST_F(MarkTest, WhatAPullNamesIsHeld) {
  const TestImage image = Image({"base"});
  auto lease = PullLease::Begin(store());
  ASSERT_TRUE(lease->Add({image.id(), image.layers[0]}).ok());

  const Marked marked = MarkAll();

  EXPECT_EQ(marked.blobs.count(image.id()), 1u);
  EXPECT_EQ(marked.layers.count(image.layers[0]), 1u);
}

TEST_F(MarkTest, LayersOfOverlaysAreFoundInMountinfo) {
  const std::string a(64, 'a'), b(64, 'b');
  const std::string line =
      "31 1 0:40 / /mnt rw - overlay /s/mounts/u/upper rw,lowerdir+=/s\\040x/layers/" + a +
      "/fs,lowerdir+=/t/layers/" + b + "/fs,upperdir=/s/mounts/u/upper\n";

  const auto layers = MountedLayers(line + "32 1 0:4 / /layers/" + a + "/fs rw - tmpfs tmpfs rw\n");

  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].folder, "/s x/layers");
  EXPECT_EQ(layers[0].key.hex(), a);
  EXPECT_EQ(layers[1].folder, "/t/layers");
  EXPECT_EQ(layers[1].key.hex(), b);
  // Before Linux 6.7 only the top one is told, as the source.
  EXPECT_EQ(
      MountedLayers("1 1 0:4 / /x ro - overlay /s/layers/" + a + "/fs ro,lowerdir=0:1").size(), 1u);
  EXPECT_TRUE(MountedLayers("1 1 0:4 / /x rw - overlay /layers/short rw,lowerdir=1:2").empty());
}

TEST_F(MarkTest, ALayerThatIsBoundByItselfIsFoundInMountinfo) {
  const std::string key(64, 'a');

  const auto layers =
      MountedLayers("1 1 8:1 /s\\040x/layers/" + key + "/fs /mnt ro,relatime - ext4 /dev/sda rw\n" +
                    "2 1 0:4 /layers/" + key + "/fs /mnt ro shared:1 - tmpfs tmpfs rw\n");

  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].folder, "");
  EXPECT_EQ(layers[0].key.hex(), key);
  EXPECT_EQ(layers[1].key.hex(), key);
  const std::string no_layers[] = {"/layers/" + key, "/layers/" + key + "/fsx", "/layers/a/fs",
                                   "/layers/" + key + "0/fs", "/"};
  for (const std::string& root : no_layers) {
    EXPECT_TRUE(MountedLayers("1 1 8:1 " + root + " /mnt rw - ext4 /dev/sda rw").empty()) << root;
  }
  EXPECT_TRUE(MountedLayers("1 1 8:1").empty());
}

// --- what cannot be known ------------------------------------------------------------------------

class DamageTest : public MarkTest {
 protected:
  void SetUp() override {
    image_ = Image({"base"});
    SetName("a:1", oci::kOciManifest, image_.manifest);
  }
  std::string DamagedPath() {
    const Marked marked = MarkAll();
    if (marked.damage.size() != 1) return absl::StrCat(marked.damage.size(), " damages");
    EXPECT_EQ(base::ErrorWord(marked.damage[0].why), "E_CORRUPT");
    return marked.damage[0].path.substr(folder().size() + 1);
  }
  TestImage image_;
};

TEST_F(DamageTest, OfAReference) {
  Write("state/refs/docker.io/library/a/:1", "{");
  EXPECT_EQ(DamagedPath(), "state/refs/docker.io/library/a/:1");
  Remove("state/refs/docker.io/library/a/:1");
  Write("state/refs/docker.io/library/a/:1 2", "{}");
  EXPECT_EQ(DamagedPath(), "state/refs/docker.io/library/a/:1 2");
  Remove("state/refs/docker.io/library/a");
  Write("state/refs/stray", "");
  EXPECT_EQ(DamagedPath(), "state/refs/stray");
}

TEST_F(DamageTest, OfAContainer) {
  MakeDir("state/containers/" + kId);
  EXPECT_TRUE(MarkAll().damage.empty());  // being made
  const std::string path = "state/containers/" + kId + "/config.json";
  Write("state/containers/" + kId + "/record.json", "{}");
  EXPECT_EQ(DamagedPath(), path);
  Write(path, "");
  EXPECT_EQ(DamagedPath(), path);
  Write(path, R"({"stave":{"version":1,"image":{"reference":"a"}}})");
  EXPECT_EQ(DamagedPath(), path);
  Write(path, R"({"stave":{"version":1}})");
  EXPECT_TRUE(MarkAll().damage.empty());
}

TEST_F(DamageTest, OfDocuments) {
  Write(BlobPath(image_.config), "{\"architecture\":\"amd64\"}");
  EXPECT_EQ(DamagedPath(), BlobPath(image_.config));
  Remove(BlobPath(image_.config));
  EXPECT_EQ(DamagedPath(), BlobPath(image_.config));
  Write(BlobPath(image_.manifest), "");
  EXPECT_EQ(DamagedPath(), BlobPath(image_.manifest));
  Remove(BlobPath(image_.manifest));
  EXPECT_EQ(DamagedPath(), BlobPath(image_.manifest));
}

// A stranger's index may lie about sizes: that must not make the store look damaged.
TEST_F(DamageTest, IsNotAWrongSizeInAnIndex) {
  std::string index = Index({image_.manifest});
  index = absl::StrCat(index.substr(0, index.rfind("\"size\":")), "\"size\":1}]}");
  Blob(index);
  SetName("a:1", oci::kOciIndex, index);

  EXPECT_TRUE(MarkAll().damage.empty());
  EXPECT_TRUE(Needs(MarkAll(), image_));
}

TEST_F(DamageTest, IsNotAnArtifactThatIsNoImage) {
  const std::string part = Blob("a part");
  const std::string artifact = Blob(absl::StrCat(
      R"({"schemaVersion":2,"mediaType":")", oci::kOciManifest, R"(","config":)",
      Descriptor("application/vnd.x", "{}"), R"(,"layers":[)", Descriptor("text/x", part), "]}"));
  SetName("a:1", oci::kOciIndex, Index({image_.manifest, artifact}));

  const Marked marked = MarkAll();

  EXPECT_TRUE(marked.damage.empty());
  EXPECT_EQ(marked.blobs.count(oci::DigestOf(part)), 1u);
}

}  // namespace
}  // namespace stave::store
