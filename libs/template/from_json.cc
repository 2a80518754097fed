// SPDX-License-Identifier: Apache-2.0
#include "libs/template/from_json.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace stave::templates {
namespace {

using Json = json::Value;
using Type = Json::Type;
using Path = std::vector<absl::string_view>;

Value FromNumber(const std::string& text) {
  int64_t integer = 0;
  if (absl::SimpleAtoi(text, &integer)) return Value::Int(integer);
  uint64_t natural = 0;
  if (absl::SimpleAtoi(text, &natural)) return Value::Uint(natural);
  double real = 0;
  return absl::SimpleAtod(text, &real) ? Value::Float(real) : Value::String(text);
}

// What is neither an object nor an array.
Value FromScalar(const Json& scalar) {
  switch (scalar.type()) {
    case Type::kBool:
      return Value::Bool(scalar.boolean());
    case Type::kNumber:
      return FromNumber(scalar.text());
    case Type::kString:
      return Value::String(scalar.text());
    default:
      return Value::Null();
  }
}

bool Matches(absl::string_view pattern, const Path& path) {
  size_t at = 0;
  for (absl::string_view step : absl::StrSplit(pattern, '.')) {
    if (at == path.size() || (step != "*" && step != path[at])) return false;
    ++at;
  }
  return at == path.size();
}

// Converts with the shape's knowledge; `path_` leads to the place.
class Typed {
 public:
  explicit Typed(const Shape& shape) : shape_(shape) {}

  Value Convert(const Json& value) {
    const MapShape* map = MapHere();
    if (map != nullptr && (value.is_object() || value.is_null())) return ConvertMap(value, *map);
    if (value.is_object()) return ConvertStruct(value);
    if (value.is_array()) return ConvertArray(value);
    return value.is_null() ? ConvertNull() : FromScalar(value);
  }

 private:
  const MapShape* MapHere() const {
    for (const MapShape& map : shape_.maps) {
      if (Matches(map.path, path_)) return &map;
    }
    return nullptr;
  }

  Value At(absl::string_view step, const Json& value) {
    path_.push_back(step);
    Value result = Convert(value);
    path_.pop_back();
    return result;
  }

  static Value Zero(Element element) {
    switch (element) {
      case Element::kString:
        return Value::String("");
      case Element::kList:
        return Value::List({}).AsNil();
      case Element::kStruct: {
        static const auto* const kType = new std::shared_ptr<const StructType>(
            std::make_shared<StructType>(StructType{"struct {}", {}, {}}));
        return Value::Struct(*kType, Value::Elements());
      }
      case Element::kAny:
        break;
    }
    return Value::Null();
  }

  Value ConvertMap(const Json& value, const MapShape& shape) {
    Value::Members members;
    for (const auto& [key, member] : value.members()) members.emplace_back(key, At(key, member));
    Value map = Value::Map(std::move(members), Zero(shape.element), shape.key_type);
    return value.is_null() ? map.AsNil() : map;
  }

  Value ConvertStruct(const Json& value) {
    auto type = std::make_shared<StructType>();
    type->name =
        path_.empty() ? std::string(shape_.name) : absl::StrCat(shape_.name, ".", path_.back());
    Value::Elements fields;
    for (const auto& [name, member] : value.members()) {
      type->fields.push_back(name);
      fields.push_back(At(name, member));
    }
    return Value::Struct(std::move(type), std::move(fields));
  }

  Value ConvertArray(const Json& value) {
    Value::Elements elements;
    bool uniform = !value.elements().empty();
    for (const Json& element : value.elements()) {
      uniform = uniform && element.type() == value.elements()[0].type() && !element.is_null();
      elements.push_back(At("*", element));
    }
    Value zero = Value::Null();
    if (uniform) zero = value.elements()[0].is_string() ? Zero(Element::kString) : elements[0];
    return Value::List(std::move(elements), std::move(zero));
  }

  Value ConvertNull() const {
    for (absl::string_view pointer : shape_.pointers) {
      if (Matches(pointer, path_)) {
        return Value::NilPointer(absl::StrCat("*", shape_.name, ".", path_.back()));
      }
    }
    return Value::List({}, Zero(Element::kString)).AsNil();
  }

  const Shape& shape_;
  Path path_;
};

}  // namespace

Value FromJson(const json::Value& document) {
  if (document.is_array()) {
    Value::Elements elements;
    for (const json::Value& element : document.elements()) elements.push_back(FromJson(element));
    return Value::List(std::move(elements));
  }
  if (document.is_object()) {
    Value::Members members;
    for (const auto& [key, member] : document.members()) {
      members.emplace_back(key, FromJson(member));
    }
    return Value::Map(std::move(members));
  }
  return FromScalar(document);
}

Value FromJson(const json::Value& document, const Shape& shape) {
  return Typed(shape).Convert(document);
}

}  // namespace stave::templates
