// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/media_type.h"

#include "gtest/gtest.h"

namespace stave::oci {
namespace {

TEST(MediaKindTest, KnowsBothFamilies) {
  EXPECT_EQ(MediaKindOf(kOciIndex), MediaKind::kIndex);
  EXPECT_EQ(MediaKindOf(kDockerIndex), MediaKind::kIndex);
  EXPECT_EQ(MediaKindOf(kOciManifest), MediaKind::kManifest);
  EXPECT_EQ(MediaKindOf(kDockerManifest), MediaKind::kManifest);
  EXPECT_EQ(MediaKindOf(kDockerConfig), MediaKind::kConfig);
  EXPECT_EQ(MediaKindOf(kOciLayerZstd), MediaKind::kLayer);
  EXPECT_EQ(MediaKindOf(kDockerLayerGzip), MediaKind::kLayer);
}

TEST(MediaKindTest, IgnoresCaseAndParameters) {
  EXPECT_EQ(MediaKindOf("Application/VND.oci.image.index.v1+JSON ; charset=utf-8"),
            MediaKind::kIndex);
  EXPECT_EQ(BareMediaType(" text/HTML; charset=x"), "text/html");
}

TEST(MediaKindTest, NamesWhatCannotBeUsed) {
  EXPECT_EQ(MediaKindOf("application/vnd.docker.distribution.manifest.v1+prettyjws"),
            MediaKind::kSchema1);
  EXPECT_EQ(MediaKindOf("application/vnd.oci.image.layer.v1.tar+gzip+encrypted"),
            MediaKind::kEncryptedLayer);
  EXPECT_EQ(MediaKindOf("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
            MediaKind::kForeignLayer);
  EXPECT_EQ(MediaKindOf("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"),
            MediaKind::kForeignLayer);
  EXPECT_EQ(MediaKindOf("application/vnd.oci.image.layer.v1.tar+brotli"), MediaKind::kUnknown);
  EXPECT_EQ(MediaKindOf(""), MediaKind::kUnknown);
}

}  // namespace
}  // namespace stave::oci
