// SPDX-License-Identifier: Apache-2.0
//
// What `docker version` tells: which Docker's commands and texts these are, and which stave.

#ifndef STAVE_TOOLS_STORE_INFO_VERSIONS_H_
#define STAVE_TOOLS_STORE_INFO_VERSIONS_H_

#include <string>

#include "libs/json/value.h"
#include "tools/store-info/machine.h"

namespace stave::tools {

// The Docker whose texts and commands these are.
inline constexpr char kDockerVersion[] = "28.5.2";

// {"Client":{"Version":"28.5.2","Os":"linux","Arch":"amd64","Context":"default"},
//  "Server":{"Platform":{"Name":"stave"},"Version":"28.5.2",..,"Components":[{"Name":"stave",..}]}}
json::Value VersionsJson(const std::string& stave, const Machine& machine);

// The same as text, laid out as `docker version`; ends with a newline.
std::string VersionsText(const std::string& stave, const Machine& machine);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STORE_INFO_VERSIONS_H_
