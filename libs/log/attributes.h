// SPDX-License-Identifier: Apache-2.0
//
// What is said about a container beside each line of its log (Docker's --log-opt labels, env, tag):
// the JSON object "attrs" of a line, and the text that `log-read --details` shows for it.
//
// Source: docker logs --details.

#ifndef STAVE_LIBS_LOG_ATTRIBUTES_H_
#define STAVE_LIBS_LOG_ATTRIBUTES_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace stave::log {

// {"a":"1","b":"2"}, by key; "" if there are none.
std::string FormatAttributes(const std::map<std::string, std::string>& attributes);

// "a=1,b=2" by key, both sides escaped as in the query of a URL: letters, digits and "-_.~" stay, a
// space is "+", others are %XX. Members that are no strings are left out; what is no object is "".
std::string AttributesText(absl::string_view object);

}  // namespace stave::log

#endif  // STAVE_LIBS_LOG_ATTRIBUTES_H_
