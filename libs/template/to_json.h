// SPDX-License-Identifier: Apache-2.0
//
// A value as Go's encoding/json writes it, in one line.

#ifndef STAVE_LIBS_TEMPLATE_TO_JSON_H_
#define STAVE_LIBS_TEMPLATE_TO_JSON_H_

#include <string>

#include "libs/template/value.h"

namespace stave::templates {

// Maps by their keys, structs by their type, rows (StructType::is_row) by name and with <, >, & as
// \u003c and so on; "null" for what is nil. Bytes that are not UTF-8 become \ufffd.
std::string ToJson(const Value& value);

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_TO_JSON_H_
