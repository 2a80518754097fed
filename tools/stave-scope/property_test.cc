// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-scope/property.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace stave::stave_scope {
namespace {

TEST(Property, IsANumberOrBytes) {
  const auto number = ParseProperty("MemoryMax=t:18446744073709551615");
  ASSERT_TRUE(number.ok()) << number.status();
  EXPECT_EQ(number->name, "MemoryMax");
  EXPECT_EQ(std::get<uint64_t>(number->value), UINT64_MAX);
  const auto bytes = ParseProperty("AllowedCPUs=ay:05fF");
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(std::get<std::vector<uint8_t>>(bytes->value), (std::vector<uint8_t>{5, 255}));
  EXPECT_TRUE(std::get<std::vector<uint8_t>>(ParseProperty("AllowedCPUs=ay:")->value).empty());
}

TEST(Property, IsRefusedInAnyOtherForm) {
  for (const char* text : {"", "MemoryMax", "=t:1", "MemoryMax=1", "MemoryMax=t:", "MemoryMax=t:-1",
                           "MemoryMax=t:18446744073709551616", "MemoryMax=s:1", "Memory Max=t:1",
                           "AllowedCPUs=ay:0", "AllowedCPUs=ay:0g"}) {
    const auto property = ParseProperty(text);
    EXPECT_EQ(base::ErrorWord(property.status()), "E_USAGE") << text;
    EXPECT_EQ(property.status().message(),
              absl::StrCat("\"", text, "\": is not NAME=t:NUMBER or NAME=ay:HEX"));
  }
}

}  // namespace
}  // namespace stave::stave_scope
