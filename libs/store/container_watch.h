// SPDX-License-Identifier: Apache-2.0
//
// Being told that something about a container has changed: its record, its state, its end, its
// removal. What it is, the files say (containers.h):
//
//   STAVE_ASSIGN_OR_RETURN(ContainerWatch watch, ContainerWatch::Start(store, id));
//   for (;;) {
//     auto view = GetContainer(store, id);       // looked at after the watch has been set
//     if (.. view is as wanted ..) break;
//     poll(watch.fd(), POLLIN); watch.Clear();
//   }
//
// Source: inotify(7).

#ifndef STAVE_LIBS_STORE_CONTAINER_WATCH_H_
#define STAVE_LIBS_STORE_CONTAINER_WATCH_H_

#include <string>

#include "absl/status/statusor.h"
#include "libs/base/unique_fd.h"
#include "libs/store/store.h"

namespace stave::store {

class ContainerWatch {
 public:
  // Watches the folders of `id` in STATE and in RUN. One that is not there is not watched: the
  // removal of the container is seen, the making of one is not. Errors: those of inotify_init(2).
  static absl::StatusOr<ContainerWatch> Start(const Store& store, const std::string& id);

  int fd() const { return events_.get(); }  // readable: something may have changed
  void Clear();

 private:
  base::UniqueFd events_;
};

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_CONTAINER_WATCH_H_
