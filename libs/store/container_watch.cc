// SPDX-License-Identifier: Apache-2.0
#include "libs/store/container_watch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "libs/base/posix.h"

namespace stave::store {
namespace {

constexpr uint32_t kChanges = IN_CREATE | IN_DELETE | IN_MOVE | IN_MOVE_SELF | IN_DELETE_SELF;

}  // namespace

absl::StatusOr<ContainerWatch> ContainerWatch::Start(const Store& store, const std::string& id) {
  ContainerWatch watch;
  watch.events_ = base::UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch.events_.valid()) return base::PosixError(errno, "container", "inotify_init");
  for (const std::string* root : {&store.state_path(), &store.run_path()}) {
    const std::string path = absl::StrCat(*root, "/containers/", id);
    if (::inotify_add_watch(watch.fd(), path.c_str(), kChanges | IN_ONLYDIR | IN_DONT_FOLLOW) < 0 &&
        errno != ENOENT && errno != ENOTDIR) {
      return base::PosixError(errno, path, "watch");
    }
  }
  return watch;
}

void ContainerWatch::Clear() {
  char notes[4096];
  while (::read(fd(), notes, sizeof notes) > 0) {
  }
}

}  // namespace stave::store
