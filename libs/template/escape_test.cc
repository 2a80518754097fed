// SPDX-License-Identifier: Apache-2.0
#include "libs/template/escape.h"

#include "gtest/gtest.h"

namespace stave::templates {
namespace {

TEST(Escape, Html) {
  EXPECT_EQ(HtmlEscape("<a b=\"c\">'&"), "&lt;a b=&#34;c&#34;&gt;&#39;&amp;");
  EXPECT_EQ(HtmlEscape(absl::string_view("\0", 1)), "\uFFFD");
}

TEST(Escape, Js) {
  EXPECT_EQ(JsEscape("a'\"\\<>&=\n\u00E9\u2028"),
            "a\\'\\\"\\\\\\u003C\\u003E\\u0026\\u003D\\u000A\u00E9\\u2028");
}

TEST(Escape, UrlQuery) { EXPECT_EQ(UrlQueryEscape("a b/\u00E9?~-_."), "a+b%2F%C3%A9%3F~-_."); }

}  // namespace
}  // namespace stave::templates
