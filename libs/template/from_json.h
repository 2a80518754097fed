// SPDX-License-Identifier: Apache-2.0
//
// A template's value from a JSON document: plain, as Go's json.Unmarshal makes of a document it
// knows nothing of, or typed, with what Go's types would say and JSON does not.
//
//   constexpr MapShape kMaps[] = {{"Config.Labels", Element::kString},
//                                 {"NetworkSettings.Ports", Element::kList, "nat.Port"}};
//   constexpr absl::string_view kPointers[] = {"State.Health"};
//   Value value = FromJson(document, {"container", kMaps, kPointers});

#ifndef STAVE_LIBS_TEMPLATE_FROM_JSON_H_
#define STAVE_LIBS_TEMPLATE_FROM_JSON_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "libs/json/value.h"
#include "libs/template/value.h"

namespace stave::templates {

// Objects are maps of anything, arrays lists of anything, numbers integers where they are
// integers of 64 bits, else floats.
Value FromJson(const json::Value& document);

enum class Element : uint8_t { kAny, kString, kList, kStruct };

// An object that is a map and not a struct. In paths "*" is any member or element:
// "NetworkSettings.Networks.*.DriverOpts".
struct MapShape {
  absl::string_view path;
  Element element = Element::kString;
  absl::string_view key_type = "string";
};

struct Shape {
  absl::string_view name;  // of the whole's type
  absl::Span<const MapShape> maps = {};
  absl::Span<const absl::string_view> pointers = {};  // where null is a nil pointer
};

// Objects are structs, but for those that `shape` calls maps; so an unknown member is an error
// unless in a map. Arrays of strings are []string. A null is a nil map, a nil pointer or, where the
// shape says neither, a nil list; the document's depth bounds the recursion.
Value FromJson(const json::Value& document, const Shape& shape);

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_FROM_JSON_H_
