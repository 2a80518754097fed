// SPDX-License-Identifier: Apache-2.0
//
// ps-lister --inspect: all that is known of containers, or of what else a name may mean.

#ifndef STAVE_TOOLS_PS_LISTER_SHOW_H_
#define STAVE_TOOLS_PS_LISTER_SHOW_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/store/store.h"

namespace stave::tools {

struct ShowWishes {
  std::string format;  // "" is an array of JSON
  bool json = false;   // in stave's own words, an object a line
  bool sizes = false;
  bool or_image = false;  // what is no container's name may be an image's
};

struct ShowText {
  std::string text;
  std::vector<absl::Status> errors;  // of names that mean nothing, in their order
};

// Whether `format` is a template. Errors: those of ObjectFormat::Parse.
absl::Status CheckShowFormat(const std::string& format);

// Those of `names` that are there, in their order. Takes no lock and repairs nothing.
// Errors: those of parsing the template. In the result's errors: NotFound [E_NO_CONTAINER] `No such
// container: x`, with or_image [E_NO_OBJECT] `no such object: x`; InvalidArgument [E_AMBIGUOUS];
// those of executing the template.
absl::StatusOr<ShowText> Show(const store::Store& store, const std::vector<std::string>& names,
                              const ShowWishes& wishes);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_LISTER_SHOW_H_
