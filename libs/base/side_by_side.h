// SPDX-License-Identifier: Apache-2.0
//
// Independent pieces of work, a few at a time.

#ifndef STAVE_LIBS_BASE_SIDE_BY_SIDE_H_
#define STAVE_LIBS_BASE_SIDE_BY_SIDE_H_

#include <cstddef>
#include <functional>

namespace stave::base {

// Calls `work(i)` for each i below `count`, begun in this order, by at most `threads` threads;
// returns when all are done. With one piece, or where no thread can be made, the caller does it.
void SideBySide(size_t count, size_t threads, const std::function<void(size_t)>& work);

}  // namespace stave::base

#endif  // STAVE_LIBS_BASE_SIDE_BY_SIDE_H_
