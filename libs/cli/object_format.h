// SPDX-License-Identifier: Apache-2.0
//
// `--format` of programs that show whole objects: inspect, info, version, events.
//
//   ""        JSON, indented by four: an array of the objects
//   json      the same in one line
//   TEMPLATE  what the template gives for each object, and a newline
//
//   STAVE_ASSIGN_OR_RETURN(const ObjectFormat format, ObjectFormat::Parse(FLAGS_format, kShape));
//   STAVE_ASSIGN_OR_RETURN(const std::string text, format.All(objects));

#ifndef STAVE_LIBS_CLI_OBJECT_FORMAT_H_
#define STAVE_LIBS_CLI_OBJECT_FORMAT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"
#include "libs/template/from_json.h"
#include "libs/template/template.h"

namespace stave::cli {

// How a program of Docker's treats templates; inspect's way is the default.
struct ObjectManner {
  // What goes before a template's errors: "Error parsing format" in `docker events`; "": nothing.
  absl::string_view parse_error = "template parsing error";
  absl::string_view execute_error = "template parsing error";
  // Whether a template that fails over the typed object is tried over the plain one. `docker info`
  // and `docker events` do not: "can't evaluate field X in type *events.Message".
  bool then_plain = true;
};

class ObjectFormat {
 public:
  // `shape` says what Go's types would: see libs/template/from_json.h. What it
  // points to must outlive this.
  // Errors: InvalidArgument [E_TEMPLATE], ResourceExhausted [E_LIMIT].
  static absl::StatusOr<ObjectFormat> Parse(absl::string_view text,
                                            const templates::Shape& shape = {},
                                            const ObjectManner& manner = {});

  bool is_template() const { return template_.has_value(); }

  // One object: what the template gives, or JSON in one line (four spaces' indent for ""), and a
  // newline. Executes the template over the typed object first and, if that fails, over the plain
  // one (ObjectManner::then_plain), where an absent key is an error: `map has no entry for key
  // "Health"`.
  // Errors: InvalidArgument or NotFound [E_TEMPLATE], "template parsing error: template: ...";
  // ResourceExhausted [E_LIMIT].
  absl::StatusOr<std::string> One(const json::Value& object) const;

  // All objects as inspect prints them: One() of each for a template (a newline if there are
  // none), else an array.
  absl::StatusOr<std::string> All(const std::vector<json::Value>& objects) const;

 private:
  std::optional<templates::Template> template_;
  bool indented_ = false;
  templates::Shape shape_;
  ObjectManner manner_;
};

}  // namespace stave::cli

#endif  // STAVE_LIBS_CLI_OBJECT_FORMAT_H_
