// SPDX-License-Identifier: Apache-2.0
//
// The second half of stave-monitor: the payload's parent as long as it lives. It stores what the
// payload writes, shows it to who is attached, passes on what they type, stops it when asked to,
// writes down how it has ended, and starts it again if its policy says so.
//
// Nothing that a client does or leaves keeps the payload waiting for longer than a second, but for
// one that holds it (monitor/channel.h). If the monitor dies the payload goes on, without a reader
// of its output; its end is then unknown.

#ifndef STAVE_TOOLS_STAVE_MONITOR_WATCH_H_
#define STAVE_TOOLS_STAVE_MONITOR_WATCH_H_

#include "tools/stave-monitor/orders.h"

namespace stave::tools {

// Returns the exit code when all is done.
int Watch(const Orders& orders);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_STAVE_MONITOR_WATCH_H_
