// SPDX-License-Identifier: Apache-2.0
//
// The part of verdict.h that is about how a run has ended. Pure.

#ifndef STAVE_TOOLS_PS_WHY_DEATH_H_
#define STAVE_TOOLS_PS_WHY_DEATH_H_

#include <vector>

#include "libs/store/record.h"
#include "tools/ps-why/evidence.h"
#include "tools/ps-why/verdict.h"

namespace stave::tools {

// `exit` has a code. Evidence but `exit` is of the same run.
Verdict JudgeDeath(const store::Exit& exit, const Evidence& evidence);

// The signals that were sent to it: those that its watcher has noted, and of the events of its last
// run those that no watcher has seen.
std::vector<store::SentSignal> SignalsOf(const store::Exit& exit, const Evidence& evidence);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_WHY_DEATH_H_
