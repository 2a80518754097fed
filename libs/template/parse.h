// SPDX-License-Identifier: Apache-2.0
//
// The text of a template -> its tree.

#ifndef STAVE_LIBS_TEMPLATE_PARSE_H_
#define STAVE_LIBS_TEMPLATE_PARSE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/template/function.h"
#include "libs/template/tree.h"

namespace stave::templates {

inline constexpr size_t kMaxTemplate = size_t{256} << 10;  // bytes

// Errors: InvalidArgument [E_TEMPLATE] in Go's words, "template: NAME:LINE: why", also for a
// function that is not among `functions`; ResourceExhausted [E_LIMIT].
absl::StatusOr<std::shared_ptr<const ParsedTemplate>> ParseTemplate(absl::string_view name,
                                                                    absl::string_view text,
                                                                    const Functions& functions);

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_PARSE_H_
