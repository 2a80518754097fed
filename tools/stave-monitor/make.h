// SPDX-License-Identifier: Apache-2.0
//
// The first half of stave-monitor: makes the process of a container that is in the store, so that
// it is that one's parent, and becomes the second half, which begins with a fresh stack and heap.

#ifndef STAVE_TOOLS_STAVE_MONITOR_MAKE_H_
#define STAVE_TOOLS_STAVE_MONITOR_MAKE_H_

#include "tools/stave-monitor/orders.h"

namespace stave::tools {

// Returns the exit code, on failure: the client has been told of it, and nothing is left but, of a
// restart, how that has failed.
int Make(Orders orders);

// Executes this program anew. Returns only if that fails.
void BecomeAnew(const Orders& orders);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_MONITOR_MAKE_H_
