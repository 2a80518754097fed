// SPDX-License-Identifier: Apache-2.0
#include "libs/template/value.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace stave::templates {

struct Value::Composite {
  Elements elements;
  Members members;
  Value zero;
  std::string key_type;
  bool nil = false;
  std::shared_ptr<const StructType> type;
  std::shared_ptr<const StructData> data;
};

namespace {

class StoredFields : public StructData {
 public:
  explicit StoredFields(Value::Elements fields) : fields_(std::move(fields)) {}
  Value Field(size_t index) const override {
    return index < fields_.size() ? fields_[index] : Value();
  }

 private:
  Value::Elements fields_;
};

}  // namespace

absl::StatusOr<Value> StructData::Call(size_t /*method*/,
                                       absl::Span<const Value> /*arguments*/) const {
  return absl::UnimplementedError("it has no methods");
}

Value Value::Null() {
  Value value;
  value.kind_ = Kind::kNull;
  value.boxed_ = true;
  return value;
}

Value Value::Bool(bool boolean) {
  Value value;
  value.kind_ = Kind::kBool;
  value.number_.boolean = boolean;
  return value;
}

Value Value::Int(int64_t integer) {
  Value value;
  value.kind_ = Kind::kInt;
  value.number_.integer = integer;
  return value;
}

Value Value::Uint(uint64_t natural) {
  Value value;
  value.kind_ = Kind::kUint;
  value.number_.natural = natural;
  return value;
}

Value Value::Byte(uint8_t byte) {
  Value value = Uint(byte);
  value.is_byte_ = true;
  return value;
}

Value Value::Float(double real) {
  Value value;
  value.kind_ = Kind::kFloat;
  value.number_.real = real;
  return value;
}

Value Value::String(absl::string_view text) {
  Value value;
  value.kind_ = Kind::kString;
  value.text_ = std::string(text);
  return value;
}

Value Value::List(Elements elements, Value zero) {
  if (zero.is_nothing()) {
    zero = Null();
    for (Value& element : elements) element = element.Boxed();
  }
  auto composite = std::make_shared<Composite>();
  composite->elements = std::move(elements);
  composite->zero = std::move(zero);
  Value value;
  value.kind_ = Kind::kList;
  value.composite_ = std::move(composite);
  return value;
}

Value Value::Strings(const std::vector<std::string>& texts) {
  Elements elements;
  elements.reserve(texts.size());
  for (const std::string& text : texts) elements.push_back(String(text));
  return List(std::move(elements), String(""));
}

Value Value::Map(Members members, Value zero, absl::string_view key_type) {
  std::stable_sort(members.begin(), members.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Members unique;
  for (auto& member : members) {
    if (!unique.empty() && unique.back().first == member.first) unique.pop_back();
    unique.push_back(std::move(member));
  }
  if (zero.is_nothing()) {
    zero = Null();
    for (auto& member : unique) member.second = member.second.Boxed();
  }
  auto composite = std::make_shared<Composite>();
  composite->members = std::move(unique);
  composite->zero = std::move(zero);
  composite->key_type = std::string(key_type);
  Value value;
  value.kind_ = Kind::kMap;
  value.composite_ = std::move(composite);
  return value;
}

Value Value::NilPointer(absl::string_view type) {
  Value value;
  value.kind_ = Kind::kNilPointer;
  value.text_ = std::string(type);
  return value;
}

Value Value::Struct(std::shared_ptr<const StructType> type, Elements fields) {
  return Struct(std::move(type), std::make_shared<StoredFields>(std::move(fields)));
}

Value Value::Struct(std::shared_ptr<const StructType> type,
                    std::shared_ptr<const StructData> data) {
  auto composite = std::make_shared<Composite>();
  composite->type = std::move(type);
  composite->data = std::move(data);
  Value value;
  value.kind_ = Kind::kStruct;
  value.composite_ = std::move(composite);
  return value;
}

Value Value::AsNil() const {
  if (kind_ != Kind::kList && kind_ != Kind::kMap) return *this;
  auto composite = std::make_shared<Composite>(*composite_);
  composite->elements.clear();
  composite->members.clear();
  composite->nil = true;
  Value value = *this;
  value.composite_ = std::move(composite);
  return value;
}

bool Value::is_nil() const {
  return is_nothing() || kind_ == Kind::kNilPointer || (composite_ && composite_->nil);
}

const Value::Elements& Value::elements() const {
  static const Elements* const kNone = new Elements();
  return kind_ == Kind::kList ? composite_->elements : *kNone;
}

const Value::Members& Value::members() const {
  static const Members* const kNone = new Members();
  return kind_ == Kind::kMap ? composite_->members : *kNone;
}

const StructType* Value::struct_type() const {
  return kind_ == Kind::kStruct ? composite_->type.get() : nullptr;
}

const StructData* Value::struct_data() const {
  return kind_ == Kind::kStruct ? composite_->data.get() : nullptr;
}

size_t Value::size() const {
  switch (kind_) {
    case Kind::kString:
      return text_.size();
    case Kind::kList:
      return composite_->elements.size();
    case Kind::kMap:
      return composite_->members.size();
    default:
      return 0;
  }
}

const Value* Value::Find(absl::string_view key) const {
  const Members& all = members();
  const auto at = std::lower_bound(all.begin(), all.end(), key,
                                   [](const auto& a, absl::string_view b) { return a.first < b; });
  return at != all.end() && at->first == key ? &at->second : nullptr;
}

const Value& Value::zero() const {
  static const Value* const kNull = new Value(Null());
  return kind_ == Kind::kList || kind_ == Kind::kMap ? composite_->zero : *kNull;
}

const std::string& Value::key_type() const {
  static const std::string* const kNone = new std::string();
  return kind_ == Kind::kMap ? composite_->key_type : *kNone;
}

bool Value::IsTrue() const {
  switch (kind_) {
    case Kind::kMissing:
    case Kind::kNull:
    case Kind::kNilPointer:
      return false;
    case Kind::kBool:
      return number_.boolean;
    case Kind::kInt:
      return number_.integer != 0;
    case Kind::kUint:
      return number_.natural != 0;
    case Kind::kFloat:
      return number_.real != 0;
    case Kind::kString:
    case Kind::kList:
    case Kind::kMap:
      return size() > 0;
    case Kind::kStruct:
      return true;
  }
  return false;
}

std::string Value::TypeName() const {
  const auto of_zero = [this] {
    return zero().is_nothing() ? std::string("interface {}") : zero().TypeName();
  };
  switch (kind_) {
    case Kind::kMissing:
    case Kind::kNull:
      return "<nil>";
    case Kind::kNilPointer:
      return text_;
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kUint:
      return is_byte_ ? "uint8" : "uint";
    case Kind::kFloat:
      return "float64";
    case Kind::kString:
      return "string";
    case Kind::kList:
      return absl::StrCat("[]", of_zero());
    case Kind::kMap:
      return absl::StrCat("map[", key_type(), "]", of_zero());
    case Kind::kStruct:
      return composite_->type->name;
  }
  return "";
}

Value Value::Boxed() const {
  Value value = is_nothing() ? Null() : *this;
  value.boxed_ = true;
  return value;
}

Value Value::Unboxed() const {
  if (is_nothing()) return Value();
  Value value = *this;
  value.boxed_ = false;
  return value;
}

}  // namespace stave::templates
