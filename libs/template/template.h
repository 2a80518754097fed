// SPDX-License-Identifier: Apache-2.0
//
// Go's text/template: parse a template once, execute it over many values.
//
//   STAVE_ASSIGN_OR_RETURN(const Template names, Template::Parse("", "{{.Name}}: {{len .Ports}}"));
//   STAVE_RETURN_IF_ERROR(names.Execute(value, &out));
//
// It reads what Go 1.24's does, with Go's words for errors ("template: :1: unexpected ..."; the
// name given to Parse is between the first colons), but for complex numbers (1i) and functions as
// values. Templates are untrusted text; these bounds are ours:
//   parsing    256 KiB of text, 200 blocks or parentheses within one another
//   executing  64 MiB of output, as much made by functions (16 MiB at once), 20 million steps,
//              400 templates, blocks or parentheses within one another
//
// Sources: the documentation of Go's text/template, and its tests as the judge.

#ifndef STAVE_LIBS_TEMPLATE_TEMPLATE_H_
#define STAVE_LIBS_TEMPLATE_TEMPLATE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/template/function.h"
#include "libs/template/value.h"

namespace stave::templates {

struct ParsedTemplate;

class Template {
 public:
  // Errors: InvalidArgument [E_TEMPLATE] in Go's words; ResourceExhausted [E_LIMIT] for the bounds.
  static absl::StatusOr<Template> Parse(absl::string_view name, absl::string_view text,
                                        Functions functions = DockerFunctions());

  // Appends what `data` gives to `out`; of a template that fails the part before the error.
  // Errors: InvalidArgument [E_TEMPLATE] in Go's words; NotFound [E_TEMPLATE] where a field is
  // unknown or a map has no such key; ResourceExhausted [E_LIMIT] for the bounds.
  absl::Status Execute(const Value& data, std::string* out,
                       MissingKey missing_key = MissingKey::kNoValue) const;

  // The same template with other functions; those that it calls must be among them, else the
  // call fails.
  Template WithFunctions(Functions functions) const;

 private:
  std::shared_ptr<const ParsedTemplate> parsed_;
  std::shared_ptr<const Functions> functions_;
};

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_TEMPLATE_H_
