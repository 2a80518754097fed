// SPDX-License-Identifier: Apache-2.0
//
// The cause of a container's death, or of a start that failed, or what it is doing if it is alive:
// a word, and a sentence with the evidence. Pure: evidence in, verdict out.
//
// The words are a stable interface (ps-why(1) lists them), the sentences are not. A cause is only
// named where something proves it: killed for memory is not who was killed and might have been.

#ifndef STAVE_TOOLS_PS_WHY_VERDICT_H_
#define STAVE_TOOLS_PS_WHY_VERDICT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "libs/json/value.h"
#include "libs/store/record.h"
#include "tools/ps-why/evidence.h"

namespace stave::tools {

struct Verdict {
  std::string cause;    // "oom"
  std::string summary;  // without the name: "was killed for memory (..)"; safe for a terminal
  std::string hint;     // what to do next, or ""
};

Verdict Judge(const Evidence& evidence);

// Of one that is gone, by what its events tell. nullopt: they do not say that it was removed.
std::optional<Verdict> JudgeRemoved(const Evidence& evidence);

// Of one that never came to be.
Verdict JudgeFailure(const store::Exit& exit, absl::Time now);

// {"id":"..","name":"web","state":"exited","cause":"oom","summary":"..","hint":"..","evidence":{..}};
// docs/ps-why.schema.json.
json::Value ToJson(const Verdict& verdict, const Evidence& evidence, absl::string_view name);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_WHY_VERDICT_H_
