// SPDX-License-Identifier: Apache-2.0
//
// Whether a container still has somebody who writes its log: the process that watches it, which
// stays through restarts, and goes once all that was written is in the log.

#ifndef STAVE_TOOLS_LOG_READ_CONTAINER_END_H_
#define STAVE_TOOLS_LOG_READ_CONTAINER_END_H_

#include <poll.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/store/container_watch.h"
#include "libs/store/store.h"

namespace stave::tools {

class ContainerEnd {
 public:
  // `store` is borrowed. Errors: those of ContainerWatch::Start and GetContainer.
  static absl::StatusOr<ContainerEnd> Watch(const store::Store& store, const std::string& id);

  // Whether it has ended, or was removed, since Watch or before; once yes, always yes.
  // Errors: those of GetContainer.
  absl::StatusOr<bool> Reached();

  // These have an event when Reached() may have changed.
  std::vector<pollfd> Events() const;

 private:
  ContainerEnd(const store::Store& store, std::string id, store::ContainerWatch watch)
      : store_(&store), id_(std::move(id)), watch_(std::move(watch)) {}

  const store::Store* store_;
  std::string id_;
  store::ContainerWatch watch_;
  base::UniqueFd writer_;  // pidfd; invalid: there is none
};

}  // namespace stave::tools

#endif  // STAVE_TOOLS_LOG_READ_CONTAINER_END_H_
