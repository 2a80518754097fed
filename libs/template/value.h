// SPDX-License-Identifier: Apache-2.0
//
// What a template sees: a value with the type that Go would give it.
//
//   Value::Map({{"a", Value::Int(1)}})                     map[string]interface {}
//   Value::List({Value::String("x")}, Value::String(""))   []string
//   Value::Struct(type, {Value::String("web"), ...})       a named type; an unknown field is an
//   error
//
// Types matter in three places: in the words of errors ("can't evaluate field X in type string"),
// in what an absent key of a map gives ("" for a map of strings, "<no value>" for a map of
// anything), and in what a function's parameter accepts. A list or map knows the type of its
// elements from `zero`, the zero value of that type; null stands for interface {}.
//
// Maps are in the order of their keys, structs in that of their type. Values are immutable, and
// copies of lists, maps and structs share what they hold.

#ifndef STAVE_LIBS_TEMPLATE_VALUE_H_
#define STAVE_LIBS_TEMPLATE_VALUE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace stave::templates {

class Value;

// What the key of a map that is not there gives.
enum class MissingKey : uint8_t {
  kNoValue,  // "<no value>"
  kError,    // the error "map has no entry for key ..."
};

// What a parameter of a method or function takes.
enum class Parameter : uint8_t {
  kAny,      // any value, also null: Go's interface {}
  kReflect,  // the same, of the builtin functions: Go's reflect.Value
  kString,
  kInt,
  kStrings,  // []string
};

struct Method {
  std::string name;
  std::vector<Parameter> parameters;
};

struct StructType {
  std::string name;  // as errors name it: "types.Info"; with "*" before it: a pointer to one
  std::vector<std::string> fields;
  std::vector<Method> methods;  // those with arguments, or that are not fields
  // Whether it is a row of a listing: its fields are methods in Go, and it makes JSON itself, its
  // members sorted by name and <, >, & escaped.
  bool is_row = false;
};

// What a value of a StructType holds.
class StructData {
 public:
  virtual ~StructData() = default;
  virtual Value Field(size_t index) const = 0;
  // Calls a method with arguments of its parameters' types. Errors: the text says why, as
  // "error calling NAME: why" will go on.
  virtual absl::StatusOr<Value> Call(size_t method, absl::Span<const Value> arguments) const;
};

class Value {
 public:
  enum class Kind : uint8_t {
    kMissing,     // no value at all: what an absent key gives
    kNull,        // an interface {} that holds nothing: JSON's null
    kNilPointer,  // to a named type
    kBool,
    kInt,
    kUint,
    kFloat,
    kString,
    kList,
    kMap,
    kStruct,
  };
  using Elements = std::vector<Value>;
  using Members = std::vector<std::pair<std::string, Value>>;

  Value() = default;  // kMissing
  static Value Null();
  static Value Bool(bool value);
  static Value Int(int64_t value);
  static Value Uint(uint64_t value);
  static Value Byte(uint8_t value);  // kUint of type uint8
  static Value Float(double value);
  static Value String(absl::string_view text);
  static Value List(Elements elements, Value zero = Null());
  static Value Strings(const std::vector<std::string>& texts);  // []string
  // Sorts the members by key; of two with the same key the last one stays. `key_type` other than
  // "string": only range reaches the members by their keys, as in Go.
  static Value Map(Members members, Value zero = Null(), absl::string_view key_type = "string");
  static Value NilPointer(absl::string_view type);  // "*container.Health"
  // As many fields as the type has.
  static Value Struct(std::shared_ptr<const StructType> type, Elements fields);
  static Value Struct(std::shared_ptr<const StructType> type,
                      std::shared_ptr<const StructData> data);
  // A list or map that is nil in Go: empty, but null in JSON.
  Value AsNil() const;

  Kind kind() const { return kind_; }
  bool is_nothing() const { return kind_ == Kind::kMissing || kind_ == Kind::kNull; }
  bool is_nil() const;  // nothing, a nil pointer, a nil list or a nil map

  // What it holds; each needs the right kind (else false, 0, "", empty).
  bool boolean() const { return kind_ == Kind::kBool && number_.boolean; }
  int64_t integer() const { return kind_ == Kind::kInt ? number_.integer : 0; }
  uint64_t unsigned_integer() const { return kind_ == Kind::kUint ? number_.natural : 0; }
  double real() const { return kind_ == Kind::kFloat ? number_.real : 0; }
  const std::string& text() const { return text_; }
  const Elements& elements() const;
  const Members& members() const;
  const StructType* struct_type() const;
  const StructData* struct_data() const;
  size_t size() const;  // of a string in bytes, of a list or map in elements

  // The member `key` of a map, or nullptr.
  const Value* Find(absl::string_view key) const;
  const Value& zero() const;            // of a list's or map's elements
  const std::string& key_type() const;  // of a map
  bool IsTrue() const;                  // as `if` sees it: not the zero value of its type
  std::string TypeName() const;         // as Go's %T: "string", "[]interface {}", "<nil>"

  // Whether it lies in a place of type interface {}: an element of a []interface {}. Go tells such
  // a one apart from the value itself in its errors and in what null does.
  bool boxed() const { return boxed_; }
  Value Boxed() const;
  // The value out of its box; null becomes missing.
  Value Unboxed() const;

 private:
  struct Composite;
  union Number {
    bool boolean;
    int64_t integer;
    uint64_t natural;
    double real;
  };

  Kind kind_ = Kind::kMissing;
  bool boxed_ = false;
  bool is_byte_ = false;
  Number number_ = {.integer = 0};
  std::string text_;  // of a string; the type of a nil pointer
  std::shared_ptr<const Composite> composite_;
};

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_VALUE_H_
