// SPDX-License-Identifier: Apache-2.0
//
// Text made safe for HTML, JavaScript strings and URL queries, as the functions html, js and
// urlquery do.

#ifndef STAVE_LIBS_TEMPLATE_ESCAPE_H_
#define STAVE_LIBS_TEMPLATE_ESCAPE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace stave::templates {

std::string HtmlEscape(absl::string_view text);
std::string JsEscape(absl::string_view text);
std::string UrlQueryEscape(absl::string_view text);

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_ESCAPE_H_
