// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/digest.h"

#include <string>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::oci {
namespace {

constexpr char kEmpty[] = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr char kAbc[] = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

std::string WordOf(absl::string_view text) { return base::ErrorWord(Digest::Parse(text).status()); }

TEST(DigestTest, ParsesWhatItPrints) {
  const auto digest = Digest::Parse(kAbc);

  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(digest->ToString(), kAbc);
  EXPECT_EQ(digest->hex(), std::string(kAbc).substr(7));
}

TEST(DigestTest, RefusesWhatIsNoDigest) {
  const std::string hex = std::string(kAbc).substr(7);

  EXPECT_EQ(WordOf(""), "E_DIGEST");
  EXPECT_EQ(WordOf("sha256:"), "E_DIGEST");
  EXPECT_EQ(WordOf(hex), "E_DIGEST");
  EXPECT_EQ(WordOf(absl::StrCat("sha256:", hex.substr(1))), "E_DIGEST");
  EXPECT_EQ(WordOf(absl::StrCat("sha256:", hex, "0")), "E_DIGEST");
  EXPECT_EQ(WordOf(absl::StrCat("sha256:", hex.substr(1), "A")), "E_DIGEST");
  EXPECT_EQ(WordOf(absl::StrCat("sha256:", hex.substr(1), absl::string_view("\0", 1))), "E_DIGEST");
  EXPECT_EQ(WordOf(absl::StrCat("SHA256:", hex)), "E_DIGEST");
  EXPECT_EQ(WordOf("md5:d41d8cd98f00b204e9800998ecf8427e"), "E_DIGEST");
  EXPECT_EQ(WordOf("sha256:../../../../../../../../../../../../../../../../../../../../etc/x"),
            "E_DIGEST");
}

TEST(DigestTest, NamesSha512) {
  const auto digest = Digest::Parse(absl::StrCat("sha512:", std::string(128, 'a')));

  EXPECT_EQ(base::ErrorWord(digest.status()), "E_UNSUPPORTED");
}

TEST(DigestTest, OrdersAndHashes) {
  const Digest a = DigestOf("abc");
  const Digest b = DigestOf("");

  EXPECT_TRUE(a < b);
  EXPECT_TRUE(a != b);
  EXPECT_EQ((std::unordered_set<Digest>{a, b, a}.size()), 2u);
}

TEST(Sha256Test, KnownAnswers) {
  EXPECT_EQ(DigestOf("").ToString(), kEmpty);
  EXPECT_EQ(DigestOf("abc").ToString(), kAbc);
}

TEST(Sha256Test, PiecesAreTheWhole) {
  Sha256 sha;
  sha.Update("a");
  sha.Update("");
  sha.Update("bc");

  EXPECT_EQ(sha.Finish().ToString(), kAbc);
  EXPECT_EQ(sha.Finish().ToString(), kEmpty);
}

TEST(ChainIdsTest, FollowTheSpec) {
  const Digest a = DigestOf("a");
  const Digest b = DigestOf("b");

  const std::vector<Digest> chain = ChainIds({a, b, a});

  ASSERT_EQ(chain.size(), 3u);
  EXPECT_EQ(chain[0], a);
  // printf 'sha256:ca97.. sha256:3e23..' | sha256sum
  EXPECT_EQ(chain[1].ToString(),
            "sha256:51c0c8ace48498d6f5fee6b0592cc06f2da0f3cbe09c5a34a97dce85c3889676");
  EXPECT_EQ(chain[2], DigestOf(absl::StrCat(chain[1].ToString(), " ", a.ToString())));
  EXPECT_TRUE(ChainIds({}).empty());
}

}  // namespace
}  // namespace stave::oci
