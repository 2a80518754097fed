// SPDX-License-Identifier: Apache-2.0
#include "libs/image/layout_source.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/image/tar_text.h"
#include "libs/oci/digest.h"

namespace stave::image {
namespace {

constexpr char kMarker[] = R"({"imageLayoutVersion":"1.0.0"})";

class LayoutTest : public ::testing::Test {
 protected:
  LayoutTest() {
    std::string pattern = absl::StrCat(::getenv("TEST_TMPDIR"), "/layoutXXXXXX");
    dir_ = ::mkdtemp(pattern.data());
    ::mkdir((dir_ + "/blobs").c_str(), 0755);
    ::mkdir((dir_ + "/blobs/sha256").c_str(), 0755);
    name_ = dir_.substr(dir_.rfind('/') + 1) + "/";
    Write("oci-layout", kMarker);
  }
  void Write(const std::string& name, const std::string& text) {
    WriteTestFile(name_ + name, text);
  }
  std::string BlobPath(const std::string& bytes) {
    return absl::StrCat("blobs/sha256/", oci::DigestOf(bytes).hex());
  }
  std::string Entry(const std::string& bytes, const std::string& tag) {
    return absl::StrCat(R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")",
                        oci::DigestOf(bytes).ToString(), R"(","size":)", bytes.size(),
                        R"(,"annotations":{"org.opencontainers.image.ref.name":")", tag, R"("}})");
  }
  void WriteIndex(const std::string& entries) {
    Write("index.json", absl::StrCat(R"({"schemaVersion":2,"manifests":[)", entries, "]}"));
  }
  std::string Word(const std::string& tag) {
    const auto source = OpenLayout(dir_, tag);
    if (!source.ok()) return base::ErrorWord(source.status());
    return base::ErrorWord((*source)->GetTop().status());
  }

  const std::string manifest_ = absl::StrCat(
      R"({"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json",)",
      R"("digest":")", oci::DigestOf("").ToString(), R"(","size":0},"layers":[]})");
  std::string dir_, name_;
};

TEST_F(LayoutTest, ByTagAndTheOnlyOne) {
  Write(BlobPath(manifest_), manifest_);
  WriteIndex(Entry(manifest_, "v1"));

  EXPECT_EQ(Word("v1"), "");
  EXPECT_EQ(Word(""), "");
  EXPECT_EQ(Word("v2"), "E_TAG");
}

TEST_F(LayoutTest, SeveralImagesWantATag) {
  Write(BlobPath(manifest_), manifest_);
  WriteIndex(Entry(manifest_, "b") + "," + Entry(manifest_, "a"));

  const auto top = (*OpenLayout(dir_, ""))->GetTop();

  EXPECT_EQ(base::ErrorWord(top.status()), "E_TAG");
  EXPECT_TRUE(absl::StrContains(top.status().message(), "a, b"));
  EXPECT_EQ(Word("a"), "");
}

TEST_F(LayoutTest, NoLayout) {
  EXPECT_TRUE(absl::IsNotFound(OpenLayout("/nowhere/at/all", "").status()));
  EXPECT_EQ(base::ErrorWord(OpenLayout("/", "").status()), "E_LAYOUT");
  WriteIndex("");
  EXPECT_EQ(Word(""), "E_TAG");
  Write("oci-layout", R"({"imageLayoutVersion":"2.0.0"})");
  EXPECT_EQ(Word(""), "E_LAYOUT");
  Write("oci-layout", "{");
  EXPECT_EQ(Word(""), "E_JSON");
}

TEST_F(LayoutTest, WrongBytesAndSizes) {
  WriteIndex(Entry(manifest_, "v1"));
  EXPECT_EQ(Word("v1"), "E_NOT_FOUND");
  Write(BlobPath(manifest_), manifest_ + " ");
  EXPECT_EQ(Word("v1"), "E_SIZE");
  Write(BlobPath(manifest_), manifest_.substr(0, manifest_.size() - 2) + " }");
  EXPECT_NE(Word("v1"), "");
}

TEST_F(LayoutTest, SymlinksAndFifosAreNotRead) {
  WriteIndex(Entry(manifest_, "v1"));
  const std::string blob = dir_ + "/" + BlobPath(manifest_);
  WriteTestFile("outside", manifest_);
  ASSERT_EQ(::symlink((dir_ + "/../outside").c_str(), blob.c_str()), 0);
  EXPECT_NE(Word("v1"), "");
  ASSERT_EQ(::unlink(blob.c_str()), 0);
  ASSERT_EQ(::mkfifo(blob.c_str(), 0600), 0);
  EXPECT_EQ(Word("v1"), "E_LAYOUT");
}

}  // namespace
}  // namespace stave::image
