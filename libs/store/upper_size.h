// SPDX-License-Identifier: Apache-2.0
//
// How much a container has written: what its removal frees.

#ifndef STAVE_LIBS_STORE_UPPER_SIZE_H_
#define STAVE_LIBS_STORE_UPPER_SIZE_H_

#include <cstdint>
#include <string>

#include "libs/store/store.h"

namespace stave::store {

// The sizes of the regular files in the writable layer of `id`, each inode once; 0 if it has none.
// Does its best: what cannot be read, or lies more than 200 folders deep, is not counted.
int64_t UpperBytes(const Store& store, const std::string& id);

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_UPPER_SIZE_H_
