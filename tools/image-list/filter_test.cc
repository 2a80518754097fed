// SPDX-License-Identifier: Apache-2.0
#include "tools/image-list/filter.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace stave::tools {
namespace {

using Texts = std::vector<std::string>;

const absl::Time kNow = absl::FromUnixSeconds(1700000000);

image::StoredImage Image(const Texts& names) {
  image::StoredImage image{oci::DigestOf("config"), {}, {}, {}, {}, {}, {}, 0, {}, {}};
  for (const std::string& name : names) {
    image.names.push_back(
        {*oci::Reference::Parse(name), {"", oci::DigestOf("index"), 1, {}, {}, {}}});
  }
  image.config.emplace();
  image.config->labels = {{"tier", "web"}};
  image.created = kNow - absl::Hours(2);
  return image;
}

// The names that are left; "none" where the image is not shown.
Texts Left(const Texts& filters, const Texts& names) {
  const auto filter = ImageFilter::Parse(filters, kNow, absl::UTCTimeZone());
  EXPECT_TRUE(filter.ok()) << filter.status();
  const auto image = filter->Apply(Image(names));
  return image.has_value() ? image::RepoTags(*image) : Texts{"none"};
}

TEST(FilterTest, ReferencesLeaveTheNamesThatMatch) {
  const Texts names = {"alpine:3", "alpine:latest", "reg.io/a/web:1"};
  EXPECT_EQ(Left({}, names), names);
  EXPECT_EQ(Left({"reference=alpine"}, names), (Texts{"alpine:3", "alpine:latest"}));
  EXPECT_EQ(Left({"reference=alpine:3*"}, names), Texts{"alpine:3"});
  EXPECT_EQ(Left({"reference=*/*/web", "reference=*:3"}, names),
            (Texts{"alpine:3", "reg.io/a/web:1"}));
  EXPECT_EQ(Left({"reference=web"}, names), Texts{"none"});
}

TEST(FilterTest, DanglingIsWithoutATag) {
  const std::string digest = "alpine@" + oci::DigestOf("index").ToString();
  EXPECT_EQ(Left({"dangling=true"}, {}), Texts());
  EXPECT_EQ(Left({"dangling=true"}, {digest}), Texts());
  EXPECT_EQ(Left({"dangling=true"}, {"a:1"}), Texts{"none"});
  EXPECT_EQ(Left({"dangling=false"}, {"a:1"}), Texts{"a:1"});
  EXPECT_EQ(Left({"dangling=0"}, {}), Texts{"none"});
}

TEST(FilterTest, LabelsAndAge) {
  EXPECT_EQ(Left({"label=tier", "until=1h"}, {"a:1"}), Texts{"a:1"});
  EXPECT_EQ(Left({"label=tier=db"}, {"a:1"}), Texts{"none"});
  EXPECT_EQ(Left({"until=3h"}, {"a:1"}), Texts{"none"});
}

TEST(FilterTest, RefusesWhatIsNone) {
  for (const char* filter : {"", "x", "x=1", "dangling=maybe", "until=soon", "before=", "label"}) {
    EXPECT_FALSE(ImageFilter::Parse({filter}, kNow, absl::UTCTimeZone()).ok()) << filter;
  }
}

}  // namespace
}  // namespace stave::tools
