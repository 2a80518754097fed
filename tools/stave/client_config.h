// SPDX-License-Identifier: Apache-2.0
//
// What users have set for Docker's client, in $DOCKER_CONFIG/config.json or ~/.docker/config.json:
// the keys that detach, the formats of lists, and proxies that containers shall know of. Of that
// file (docker/cli, config/configfile) these members are read here: detachKeys, psFormat,
// imagesFormat, statsFormat, and of proxies.default httpProxy, httpsProxy, ftpProxy, noProxy,
// allProxy. Logins are read by the programs that log in.

#ifndef STAVE_TOOLS_STAVE_CLIENT_CONFIG_H_
#define STAVE_TOOLS_STAVE_CLIENT_CONFIG_H_

#include <utility>

#include "absl/status/statusor.h"
#include "libs/json/value.h"
#include "tools/stave/grammar.h"
#include "tools/stave/verb.h"

namespace stave::tools {

class ClientConfig {
 public:
  // Without a file there is nothing set. Errors: those of reading it; InvalidArgument [E_JSON].
  static absl::StatusOr<ClientConfig> Read();

  explicit ClientConfig(json::Value file) : file_(std::move(file)) {}

  // Adds to `given`, the flags of `verb`, what is set and was not typed. What is no text is passed
  // over.
  void Complete(const Verb& verb, Given* given) const;

  // Whether there could be anything to add.
  static bool Concerns(const Verb& verb);

 private:
  json::Value file_;
};

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_CLIENT_CONFIG_H_
