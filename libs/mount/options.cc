// SPDX-License-Identifier: Apache-2.0
#include "libs/mount/options.h"

#include <linux/mount.h>
#include <sys/mount.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/base/error.h"

namespace stave::mount {
namespace {

struct Attribute {
  const char* word;
  uint64_t set, clear;
};

// Access times are one field of three values, so each clears the field first.
constexpr Attribute kAttributes[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"norelatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"nostrictatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
};

struct Propagation {
  const char* word;
  uint64_t flag;
};

constexpr Propagation kPropagations[] = {{"private", MS_PRIVATE},
                                         {"slave", MS_SLAVE},
                                         {"shared", MS_SHARED},
                                         {"unbindable", MS_UNBINDABLE}};

// Superblock words that are flags of mount(2) but parameters of fsconfig(2).
constexpr absl::string_view kIgnored[] = {"defaults",   "async",    "loud",       "silent",
                                          "norelatime", "iversion", "noiversion", "nomand"};

// Superblock words that fsconfig(2) takes for any file system.
constexpr absl::string_view kSuperblock[] = {"dirsync", "lazytime", "mand", "nolazytime", "sync"};

bool ParsePropagation(absl::string_view word, Options* options) {
  for (const auto& [name, flag] : kPropagations) {
    const bool tree = word == absl::StrCat("r", name);
    if (word != name && !tree) continue;
    options->propagation = flag;
    options->propagation_depth = tree ? Depth::kTree : Depth::kMount;
    return true;
  }
  return false;
}

bool ParseAttribute(absl::string_view word, Options* options) {
  for (const auto& [name, set, clear] : kAttributes) {
    const bool tree = word == absl::StrCat("r", name);
    if (word != name && !tree) continue;
    uint64_t& to_set = tree ? options->set_tree : options->set;
    uint64_t& to_clear = tree ? options->clear_tree : options->clear;
    to_set = (to_set & ~clear) | set;
    to_clear = (to_clear & ~set) | clear;
    return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<Options> ParseOptions(const std::vector<std::string>& words) {
  Options options;
  bool read_only = false, writable = false;
  for (const std::string& word : words) {
    read_only = read_only || word == "ro";
    writable = writable || word == "rw";
    if (word == "bind" || word == "rbind") {
      options.bind = true;
      options.depth = word == "rbind" ? Depth::kTree : Depth::kMount;
      continue;
    }
    if (word == "async") {
      std::erase_if(options.parameters, [](const Parameter& one) { return one.first == "sync"; });
      continue;
    }
    if (word == "tmpcopyup") {
      options.copy_up = true;
      continue;
    }
    if (word == "remount") {
      options.remount = true;
      continue;
    }
    if (word == "idmap" || word == "ridmap") {
      return base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                         absl::StrCat("option ", word, ": idmapped mounts are not made yet"));
    }
    if (ParsePropagation(word, &options) || ParseAttribute(word, &options)) continue;
    bool ignored = false;
    for (const absl::string_view known : kIgnored) ignored = ignored || word == known;
    if (ignored) continue;
    const size_t equals = word.find('=');
    if (equals == word.npos) {
      options.parameters.emplace_back(word, "");
    } else {
      options.parameters.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
  }
  // mount(8): the later one counts.
  options.contradicts = read_only && writable;
  return options;
}

std::vector<std::string> KnownOptions() {
  std::vector<std::string> words = {"bind", "idmap", "rbind", "remount", "ridmap", "tmpcopyup"};
  for (const Attribute& attribute : kAttributes) {
    words.push_back(attribute.word);
    words.push_back(absl::StrCat("r", attribute.word));
  }
  for (const Propagation& propagation : kPropagations) {
    words.push_back(propagation.word);
    words.push_back(absl::StrCat("r", propagation.word));
  }
  for (const absl::string_view word : kIgnored) words.emplace_back(word);
  for (const absl::string_view word : kSuperblock) words.emplace_back(word);
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

}  // namespace stave::mount
