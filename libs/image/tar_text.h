// SPDX-License-Identifier: Apache-2.0
//
// For tests: the bytes of small tar files, made in memory.

#ifndef STAVE_LIBS_IMAGE_TAR_TEXT_H_
#define STAVE_LIBS_IMAGE_TAR_TEXT_H_

#include <string>
#include <vector>

namespace stave::image {

struct TarText {
  std::string name;
  std::string data;
  char type = '0';  // '0' file, '1' hard link, '2' symlink, '5' directory
  std::string link = "";
};

// A ustar archive of these members with its end blocks. Names of at most 99 bytes.
std::string MakeTar(const std::vector<TarText>& members);

// A new file below TEST_TMPDIR with this content; its path.
std::string WriteTestFile(const std::string& name, const std::string& content);

}  // namespace stave::image

#endif  // STAVE_LIBS_IMAGE_TAR_TEXT_H_
