// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/descriptor.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"

namespace stave::oci {
namespace {

const std::string kDigest = absl::StrCat("sha256:", std::string(64, 'a'));

absl::StatusOr<Descriptor> Parse(absl::string_view text) {
  return ParseDescriptor(*json::Parse(text), "/d", "E_MANIFEST");
}

std::string With(absl::string_view digest, absl::string_view size) {
  return absl::StrCat(R"({"mediaType":"m","digest":")", digest, R"(","size":)", size, "}");
}

std::string Word(absl::string_view text) { return base::ErrorWord(Parse(text).status()); }

TEST(DescriptorTest, KeepsItsMembers) {
  const std::string text =
      absl::StrCat(R"({"mediaType":"m","digest":")", kDigest,
                   R"(","size":7,"platform":{"architecture":"arm","os":"linux","variant":"v6"},)",
                   R"("annotations":{"k":"v"}})");

  const auto descriptor = Parse(text);

  ASSERT_TRUE(descriptor.ok()) << descriptor.status();
  EXPECT_EQ(descriptor->size, 7);
  EXPECT_EQ(PlatformName(*descriptor->platform), "linux/arm/v6");
  EXPECT_EQ(*descriptor->FindAnnotation("k"), "v");
  EXPECT_EQ(descriptor->FindAnnotation("x"), nullptr);
  EXPECT_EQ(json::Print(ToJson(*descriptor)), text);
}

TEST(DescriptorTest, RefusesBadSizes) {
  for (const char* size :
       {"-1", "9223372036854775808", "1.5", "\"7\"", "null", "1e30", "1099511627777"}) {
    EXPECT_EQ(Word(With(kDigest, size)), "E_MANIFEST") << size;
  }
  EXPECT_TRUE(Parse(With(kDigest, "0")).ok());
}

TEST(DescriptorTest, RefusesBadDigests) {
  EXPECT_EQ(Word(R"({"size":1})"), "E_MANIFEST");
  EXPECT_EQ(Word(With("sha256:../../etc/x", "1")), "E_DIGEST");
  EXPECT_EQ(Word(With(absl::StrCat("sha512:", std::string(128, 'a')), "1")), "E_UNSUPPORTED");
  EXPECT_EQ(Word("[]"), "E_MANIFEST");
}

}  // namespace
}  // namespace stave::oci
