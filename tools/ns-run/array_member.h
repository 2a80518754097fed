// SPDX-License-Identifier: Apache-2.0
//
// A list in the document, to be added to.

#ifndef STAVE_TOOLS_NS_RUN_ARRAY_MEMBER_H_
#define STAVE_TOOLS_NS_RUN_ARRAY_MEMBER_H_

#include "absl/strings/string_view.h"
#include "libs/json/value.h"

namespace stave::tools {

// The member `key` of `object` as an array: made, and what is no array replaced.
inline json::Value& ArrayMember(json::Value& object, absl::string_view key) {
  json::Value* found = object.Find(key);
  return found != nullptr && found->is_array() ? *found : object.Set(key, json::Value::Array());
}

}  // namespace stave::tools

#endif  // STAVE_TOOLS_NS_RUN_ARRAY_MEMBER_H_
