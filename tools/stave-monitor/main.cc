// SPDX-License-Identifier: Apache-2.0
//
// stave-monitor - watch a container that runs by itself
//
// Executed by ns-run for a container that it does not watch itself, and by itself; never by hand.
// See watch.h for what it does, orders.h for its command line, monitor/channel.h for its socket.
#include <sys/prctl.h>

#include <string>
#include <vector>

#include "libs/base/posix.h"
#include "tools/stave-monitor/make.h"
#include "tools/stave-monitor/orders.h"
#include "tools/stave-monitor/watch.h"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  const auto orders = stave::tools::ParseOrders(words);
  if (!orders.ok()) {
    const std::string text = "stave-monitor: " + std::string(orders.status().message()) +
                             " [E_USAGE]\nhint: it is executed by ns-run\n";
    stave::base::WriteAll(2, text, "stderr").IgnoreError();
    return 2;
  }
  ::prctl(PR_SET_NAME, "stave-monitor");  // by its file's name it would be "exe" from now on
  return orders->act == "make" ? stave::tools::Make(*orders) : stave::tools::Watch(*orders);
}
