// SPDX-License-Identifier: Apache-2.0
#include "libs/template/container.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/status_macros.h"

namespace stave::templates {
namespace {

using Kind = Value::Kind;

template <typename... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// The type's name, of a pointer that of what it points to.
std::string PlainType(const Value& value) {
  const std::string name = value.TypeName();
  return value.kind() == Kind::kStruct && name[0] == '*' ? name.substr(1) : name;
}

// `index` as a number from 0 to `most`.
absl::StatusOr<size_t> AsIndex(const Value& index, size_t most) {
  int64_t number = 0;
  switch (index.kind()) {
    case Kind::kInt:
      number = index.integer();
      break;
    case Kind::kUint:
      number = static_cast<int64_t>(index.unsigned_integer());
      break;
    case Kind::kMissing:
    case Kind::kNull:
      return Wrong("cannot index slice/array with nil");
    default:
      return Wrong("cannot index slice/array with type ", index.TypeName());
  }
  if (number < 0 || static_cast<uint64_t>(number) > most) {
    return Wrong("index out of range: ", number);
  }
  return static_cast<size_t>(number);
}

absl::StatusOr<Value> IndexMap(const Value& map, const Value& key) {
  if (key.is_nothing()) return Wrong("value is nil; should be of type ", map.key_type());
  if (key.kind() != Kind::kString || map.key_type() != "string") {
    return Wrong("value has type ", key.TypeName(), "; should be ", map.key_type());
  }
  const Value* member = map.Find(key.text());
  return member != nullptr ? *member : map.zero();
}

absl::StatusOr<Value> IndexOnce(const Value& item, const Value& index) {
  switch (item.kind()) {
    case Kind::kMissing:
    case Kind::kNull:
    case Kind::kNilPointer:
      return Wrong("index of nil pointer");
    case Kind::kMap:
      return IndexMap(item, index);
    case Kind::kList:
    case Kind::kString: {
      STAVE_ASSIGN_OR_RETURN(const size_t at, AsIndex(index, item.size()));
      const bool is_list = item.kind() == Kind::kList;
      if (at == item.size()) {
        return Wrong("reflect: ", is_list ? "slice" : "string", " index out of range");
      }
      if (is_list) return item.elements()[at];
      return Value::Byte(static_cast<uint8_t>(item.text()[at]));
    }
    default:
      return Wrong("can't index item of type ", PlainType(item));
  }
}

}  // namespace

absl::StatusOr<Value> Index(Value item, absl::Span<const Value> indexes) {
  if (item.is_nothing()) return Wrong("index of untyped nil");
  for (const Value& index : indexes) {
    STAVE_ASSIGN_OR_RETURN(item, IndexOnce(item, index));
  }
  return item;
}

absl::StatusOr<Value> Slice(const Value& item, absl::Span<const Value> indexes) {
  if (item.is_nothing()) return Wrong("slice of untyped nil");
  if (indexes.size() > 3) return Wrong("too many slice indexes: ", indexes.size());
  if (item.kind() == Kind::kString && indexes.size() == 3) {
    return Wrong("cannot 3-index slice a string");
  }
  if (item.kind() != Kind::kString && item.kind() != Kind::kList) {
    return Wrong("can't slice item of type ", item.TypeName());
  }
  size_t bounds[3] = {0, item.size(), item.size()};
  for (size_t i = 0; i < indexes.size(); ++i) {
    if (indexes[i].boxed()) return Wrong("cannot index slice/array with type interface {}");
    STAVE_ASSIGN_OR_RETURN(bounds[i], AsIndex(indexes[i], item.size()));
  }
  for (size_t i = 0; i < 2; ++i) {
    if (bounds[i] > bounds[i + 1]) {
      return Wrong("invalid slice index: ", bounds[i], " > ", bounds[i + 1]);
    }
  }
  if (item.kind() == Kind::kString) {
    return Value::String(absl::string_view(item.text()).substr(bounds[0], bounds[1] - bounds[0]));
  }
  const auto begin = item.elements().begin();
  return Value::List(
      {begin + static_cast<int64_t>(bounds[0]), begin + static_cast<int64_t>(bounds[1])},
      item.zero());
}

absl::StatusOr<Value> Length(const Value& item) {
  switch (item.kind()) {
    case Kind::kMissing:
      return Wrong("reflect: call of reflect.Value.Type on zero Value");
    case Kind::kNull:
    case Kind::kNilPointer:
      return Wrong("len of nil pointer");
    case Kind::kString:
    case Kind::kList:
    case Kind::kMap:
      return Value::Int(static_cast<int64_t>(item.size()));
    default:
      return Wrong("len of type ", PlainType(item));
  }
}

}  // namespace stave::templates
