// SPDX-License-Identifier: Apache-2.0
//
// The functions that templates call.

#ifndef STAVE_LIBS_TEMPLATE_FUNCTION_H_
#define STAVE_LIBS_TEMPLATE_FUNCTION_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "libs/template/value.h"

namespace stave::templates {

struct Function {
  std::vector<Parameter> parameters;
  bool variadic = false;  // the last parameter may be there any number of times, also none
  // Gets arguments of its parameters' types. Errors: the text goes on after
  // "error calling NAME: "; ResourceExhausted where the result would be too large.
  std::function<absl::StatusOr<Value>(absl::Span<const Value> arguments)> call;
};

using Functions = std::map<std::string, Function, std::less<>>;

// Go's: and call eq ge gt html index js le len lt ne not or print printf println slice urlquery.
// `and` and `or` are there by name only: Execute evaluates them, as far as they must be.
Functions BuiltinFunctions();

// BuiltinFunctions and Docker's: json split join title lower upper pad truncate.
Functions DockerFunctions();

// DockerFunctions for the header of a table, where json split join title lower upper and truncate
// give back the title that they get.
Functions DockerHeaderFunctions();

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_FUNCTION_H_
