// SPDX-License-Identifier: Apache-2.0
#include "libs/image/source.h"

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/oci/digest.h"
#include "libs/oci/media_type.h"

namespace stave::image {
namespace {

TEST(MakeDocumentTest, DigestAndTypeOfAnIndex) {
  const char kText[] = R"({"schemaVersion":2,"manifests":[]})";

  const auto document = MakeDocument(kText, oci::kOciIndex);

  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->digest, oci::DigestOf(kText));
  EXPECT_EQ(document->media_type(), oci::kOciIndex);
  EXPECT_EQ(document->bytes, kText);
}

TEST(MakeDocumentTest, WhatIsNeither) {
  EXPECT_EQ(base::ErrorWord(MakeDocument("{", "").status()), "E_JSON");
  EXPECT_EQ(base::ErrorWord(MakeDocument("{}", "").status()), "E_MANIFEST");
}

}  // namespace
}  // namespace stave::image
