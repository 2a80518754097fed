// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/reference.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::oci {
namespace {

const std::string kHex(64, 'a');

std::string Whole(absl::string_view text) {
  const auto reference = Reference::Parse(text);
  return reference.ok() ? reference->String() : std::string(reference.status().message());
}

std::string Familiar(absl::string_view text) { return Reference::Parse(text)->Familiar(); }

// The message; checks that the word is E_REFERENCE.
std::string Refusal(absl::string_view text) {
  const absl::Status status = Reference::Parse(text).status();
  EXPECT_EQ(base::ErrorWord(status), "E_REFERENCE") << text;
  return std::string(status.message());
}

TEST(ReferenceTest, ShortNamesAreOfTheHub) {
  EXPECT_EQ(Whole("alpine"), "docker.io/library/alpine:latest");
  EXPECT_EQ(Whole("alpine:3.20"), "docker.io/library/alpine:3.20");
  EXPECT_EQ(Whole("user/x"), "docker.io/user/x:latest");
  EXPECT_EQ(Whole("docker.io/alpine"), "docker.io/library/alpine:latest");
  EXPECT_EQ(Whole("index.docker.io/user/x:1"), "docker.io/user/x:1");
  EXPECT_EQ(Whole("a__b/c-d.e---f"), "docker.io/a__b/c-d.e---f:latest");
  EXPECT_EQ(Whole("x/0_1.2/9"), "docker.io/x/0_1.2/9:latest");
}

TEST(ReferenceTest, FirstComponentMayBeAHost) {
  EXPECT_EQ(Whole("localhost/x"), "localhost/x:latest");
  EXPECT_EQ(Whole("local/x"), "docker.io/local/x:latest");
  EXPECT_EQ(Whole("reg:5000/x"), "reg:5000/x:latest");
  EXPECT_EQ(Whole("reg.io/a/b:1"), "reg.io/a/b:1");
  EXPECT_EQ(Whole("127.0.0.1:5000/x"), "127.0.0.1:5000/x:latest");
  EXPECT_EQ(Whole("[::1]:5000/x:y"), "[::1]:5000/x:y");
  EXPECT_EQ(Whole("Reg/x"), "Reg/x:latest");
}

TEST(ReferenceTest, DigestDecides) {
  const auto reference = Reference::Parse(absl::StrCat("alpine:3@sha256:", kHex));

  ASSERT_TRUE(reference.ok());
  EXPECT_EQ(reference->tag(), "3");
  EXPECT_TRUE(reference->has_idle_tag());
  EXPECT_EQ(reference->Target(), absl::StrCat("sha256:", kHex));
  EXPECT_EQ(reference->Leaf(), absl::StrCat("@sha256:", kHex));
  EXPECT_EQ(reference->String(), absl::StrCat("docker.io/library/alpine:3@sha256:", kHex));
}

TEST(ReferenceTest, DigestAloneHasNoTag) {
  const auto reference = Reference::Parse(absl::StrCat("reg:5/x@sha256:", kHex));

  ASSERT_TRUE(reference.ok());
  EXPECT_EQ(reference->tag(), "");
  EXPECT_FALSE(reference->has_idle_tag());
}

TEST(ReferenceTest, FamiliarLeavesOutTheDefaults) {
  EXPECT_EQ(Familiar("docker.io/library/alpine:latest"), "alpine:latest");
  EXPECT_EQ(Familiar("docker.io/user/x:1"), "user/x:1");
  EXPECT_EQ(Familiar("reg.io/library/x"), "reg.io/library/x:latest");
  EXPECT_EQ(Reference::Parse("alpine:3")->FamiliarName(), "alpine");
}

TEST(ReferenceTest, ApiHostOfTheHub) {
  EXPECT_EQ(Reference::Parse("alpine")->ApiHost(), "registry-1.docker.io");
  EXPECT_EQ(Reference::Parse("reg:5000/x")->ApiHost(), "reg:5000");
}

TEST(ReferenceTest, RefusesIncompleteReferences) {
  EXPECT_EQ(Refusal(""), "reference is empty");
  EXPECT_EQ(Refusal(":"), "reference has no name");
  EXPECT_EQ(Refusal("@"), "no digest after '@'");
  EXPECT_EQ(Refusal("alpine:"), "no tag after ':'");
  EXPECT_EQ(Refusal("alpine@"), "no digest after '@'");
  EXPECT_EQ(Refusal("alpine@sha256:"), "digest \"sha256:\": has 0 digits, not 64");
  EXPECT_EQ(Refusal(absl::StrCat("@sha256:", kHex)), "reference has no name before '@'");
  EXPECT_EQ(Refusal("/alpine"), "reference \"/alpine\": begins with '/'");
  EXPECT_EQ(Refusal("alpine/"), "repository name \"alpine/\": has an empty component");
  EXPECT_EQ(Refusal("reg.io/"), "reference has no name");
  EXPECT_EQ(Refusal("a//b"), "repository name \"a//b\": has an empty component");
}

TEST(ReferenceTest, RefusesBadDigests) {
  EXPECT_NE(Refusal(absl::StrCat("a@sha256:", kHex.substr(1))).find("has 63 digits, not 64"),
            std::string::npos);
  EXPECT_NE(Refusal(absl::StrCat("a@sha256:", kHex, "a")).find("has 65 digits, not 64"),
            std::string::npos);
  EXPECT_NE(Refusal(absl::StrCat("a@sha256:", std::string(64, 'A'))).find("other characters"),
            std::string::npos);
  EXPECT_NE(Refusal("a@md5:d41d8cd98f00b204e9800998ecf8427e").find("does not begin with"),
            std::string::npos);
  EXPECT_EQ(Refusal(absl::StrCat("a@sha256:", kHex, "@sha256:", kHex)),
            "reference has more than one '@'");
}

TEST(ReferenceTest, RefusesBadNames) {
  EXPECT_EQ(Refusal("ALPINE"), "repository name \"ALPINE\": must be lower case");
  EXPECT_EQ(base::ErrorHint(Reference::Parse("ALPINE").status()), "write alpine");
  const std::string rule = ": only a-z, 0-9 and between them '.', '_', '__' or dashes";
  for (const char* name : {"-alpine", "alp..ine", "a___b", "..", "a.", "a b", "a-", "_a", "a._b",
                           "a-_b", "a__", "a__-b"}) {
    EXPECT_EQ(Refusal(name), absl::StrCat("repository name \"", name, "\": \"", name, "\"", rule));
  }
  EXPECT_EQ(Refusal("../x"), "host \"..\": is not a host name or address");
  EXPECT_EQ(Refusal(kHex),
            absl::StrCat("reference \"", kHex, "\": 64 hexadecimal digits are an id, not a name"));
  EXPECT_NE(Refusal(std::string(256, 'a')).find("more than 255 characters"), std::string::npos);
  EXPECT_NE(Refusal("r\xd0\xb5g/x").find("only ASCII"), std::string::npos);
}

TEST(ReferenceTest, RefusesBadTags) {
  EXPECT_EQ(
      Refusal(absl::StrCat("a:", std::string(129, 'x'))),
      absl::StrCat("tag \"", std::string(32, 'x'), "\"...: has 129 characters, the most is 128"));
  const std::string rule = ": only letters, digits, '_', '.', '-', and the first is no '.' or '-'";
  EXPECT_EQ(Refusal("a:-x"), absl::StrCat("tag \"-x\"", rule));
  EXPECT_EQ(Refusal("a:.x"), absl::StrCat("tag \".x\"", rule));
  EXPECT_EQ(Refusal("reg/x:tag\n"), absl::StrCat("tag \"tag\\x0a\"", rule));
  EXPECT_EQ(Refusal("reg/x:tag%2e%2e"), absl::StrCat("tag \"tag%2e%2e\"", rule));
  EXPECT_TRUE(Reference::Parse(absl::StrCat("a:", std::string(128, 'x'))).ok());
}

TEST(ReferenceTest, RefusesBadHosts) {
  EXPECT_EQ(Refusal("reg:99999/x"), "port \"99999\": is not within 1..65535");
  EXPECT_EQ(Refusal("reg:0/x"), "port \"0\": is not within 1..65535");
  EXPECT_EQ(Refusal("reg:abc/x"), "port \"abc\": is not within 1..65535");
  EXPECT_EQ(Refusal("[::1/x"), "host \"[::1\": the bracket is not closed");
  EXPECT_EQ(Refusal("[fe80::1%eth0]:5000/x"),
            "host \"[fe80::1%eth0]\": an address with a zone cannot be used");
  EXPECT_EQ(Refusal("http://alpine"), "reference has a scheme (\"...://\")");
}

TEST(ReferenceTest, NeverRepeatsAPassword) {
  for (const char* text :
       {"user:s3cret@reg/x", "user:s3cret@reg:5000/x:1", "s3cret@reg/x",
        "https://user:s3cret@reg/x", "user:s3/cret@reg/x", "user:s3cret@reg", "us:s3cret@a:b"}) {
    EXPECT_EQ(Refusal(text).find("s3"), std::string::npos) << text;
  }
  EXPECT_EQ(Refusal("user:s3cret@reg/x"), "reference holds a user name or password before '@'");
}

}  // namespace
}  // namespace stave::oci
