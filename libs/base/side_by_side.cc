// SPDX-License-Identifier: Apache-2.0
#include "libs/base/side_by_side.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <vector>

namespace stave::base {
namespace {

struct Queue {
  const std::function<void(size_t)>& work;
  const size_t count;
  std::atomic<size_t> next{0};

  void Run() {
    for (size_t i = next++; i < count; i = next++) work(i);
  }
};

void* Help(void* queue) {
  static_cast<Queue*>(queue)->Run();
  return nullptr;
}

}  // namespace

void SideBySide(size_t count, size_t threads, const std::function<void(size_t)>& work) {
  Queue queue{work, count};
  // Not std::thread, which throws where there are too many.
  std::vector<pthread_t> helpers;
  for (size_t i = 1; i < std::min(count, threads); ++i) {
    pthread_t helper;
    if (::pthread_create(&helper, nullptr, Help, &queue) != 0) break;
    helpers.push_back(helper);
  }
  queue.Run();
  for (const pthread_t helper : helpers) ::pthread_join(helper, nullptr);
}

}  // namespace stave::base
