// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/stored_document.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"

namespace stave::runtime {

absl::StatusOr<json::Value> ReadStoredDocument(const store::Container& container) {
  STAVE_ASSIGN_OR_RETURN(const std::string text, container.ReadConfig());
  auto document = json::Parse(text);
  if (document.ok() && document->is_object()) return document;
  return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT",
                     absl::StrCat("container ", container.id().substr(0, base::kShortIdLength),
                                  ": config.json: is damaged"));
}

}  // namespace stave::runtime
