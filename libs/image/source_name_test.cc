// SPDX-License-Identifier: Apache-2.0
#include "libs/image/source_name.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::image {
namespace {

std::string Named(absl::string_view text) {
  const auto name = ParseSourceName(text);
  return name.ok() ? name->reference.String() : name.status().ToString();
}

TEST(ParseSourceNameTest, ARegistryReference) {
  const auto name = ParseSourceName("alpine:3.18");

  ASSERT_TRUE(name.ok()) << name.status();
  EXPECT_EQ(name->kind, SourceKind::kRegistry);
  EXPECT_EQ(name->reference.String(), "docker.io/library/alpine:3.18");
  EXPECT_EQ(name->path, "");
}

TEST(ParseSourceNameTest, ALayoutWithATag) {
  const auto name = ParseSourceName("oci:/srv/My Layout_/:v1.2");

  ASSERT_TRUE(name.ok()) << name.status();
  EXPECT_EQ(name->kind, SourceKind::kOciLayout);
  EXPECT_EQ(name->path, "/srv/My Layout_/");
  EXPECT_EQ(name->tag, "v1.2");
  EXPECT_EQ(name->reference.String(), "localhost/my-layout:v1.2");
}

TEST(ParseSourceNameTest, NamesOfLocalImages) {
  EXPECT_EQ(Named("oci:layout"), "localhost/layout:latest");
  EXPECT_EQ(Named("oci:."), "localhost/image:latest");
  EXPECT_EQ(Named("oci:/"), "localhost/image:latest");
  EXPECT_EQ(Named("oci:a..__b"), "localhost/a.b:latest");
  EXPECT_EQ(Named("oci:x:docker.io/library/alpine:1"), "localhost/x:docker.io-library-alpine-1");
  EXPECT_EQ(Named("docker-archive:/tmp/Web.tar"), "localhost/web.tar:latest");
  EXPECT_EQ(Named("docker-archive:w.tar:reg:5000/web:1"), "localhost/w.tar:1");
  EXPECT_EQ(Named("docker-archive:w.tar:reg:5000/web"), "localhost/w.tar:latest");
}

TEST(ParseSourceNameTest, NothingWhereSomethingIsDue) {
  for (const char* text :
       {"oci:", "oci::tag", "oci:dir:", "docker-archive:", "docker-archive::x", ""}) {
    const auto name = ParseSourceName(text);
    ASSERT_FALSE(name.ok()) << text;
    EXPECT_EQ(base::ErrorWord(name.status()), "E_REFERENCE") << text;
  }
}

TEST(ParseSourceNameTest, PlacesOfOtherProgramsAreRefused) {
  for (const char* text : {"dir:/x", "dir:x", "oci-archive:x.tar", "docker-daemon:alpine:1",
                           "containers-storage:alpine", "docker://alpine"}) {
    const auto name = ParseSourceName(text);
    ASSERT_FALSE(name.ok()) << text;
    EXPECT_EQ(base::ErrorWord(name.status()), "E_REFERENCE") << text;
    EXPECT_NE(base::ErrorHint(name.status()).find("oci:DIR"), std::string::npos) << text;
  }
  EXPECT_EQ(Named("dir"), "docker.io/library/dir:latest");
  EXPECT_EQ(Named("me/dir:1"), "docker.io/me/dir:1");
}

}  // namespace
}  // namespace stave::image
