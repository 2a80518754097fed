// SPDX-License-Identifier: Apache-2.0
//
// What a list of containers wants to know of their images. Each is looked up once, and only if it
// is asked for.

#ifndef STAVE_TOOLS_PS_LISTER_IMAGES_H_
#define STAVE_TOOLS_PS_LISTER_IMAGES_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "libs/store/record.h"
#include "libs/store/store.h"

namespace stave::tools {

enum class Width { kShort, kWhole };  // kWhole: no truncation

class Images {
 public:
  explicit Images(const store::Store& store) : store_(store) {}

  // The ids ("sha256:..", digests of configs) of the images that are here and that `reference`
  // means: several of an index, none if there is no such name.
  const std::set<std::string>& Meant(const std::string& reference);

  // What Docker's column IMAGE shows: what the user called it, without what goes without saying;
  // the id where that name means another image by now, or none; the directory of a --rootfs.
  std::string Shown(const store::Record& record, Width width);

  // What is known of the image with that id.
  struct About {
    int64_t bytes = 0;     // of its layers
    std::string platform;  // "linux/amd64"
  };
  const About& Of(const std::string& id);

 private:
  const store::Store& store_;
  std::map<std::string, std::set<std::string>> meant_;
  std::map<std::string, About> about_;
  std::map<std::string, std::string> familiar_;  // FamiliarName() of what has been asked for
};

// `asked` as Docker repeats it: "docker.io/library/alpine:3" is "alpine:3", "alpine" is "alpine",
// without a digest. What is no reference comes back as it is.
std::string FamiliarName(absl::string_view asked);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_LISTER_IMAGES_H_
