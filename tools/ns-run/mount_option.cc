// SPDX-License-Identifier: Apache-2.0
#include "tools/ns-run/mount_option.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"

namespace stave::tools {
namespace {

absl::Status Wrong(absl::string_view text, absl::string_view why) {
  return cli::UsageError(absl::StrCat("--mount: ", base::Quoted(text, 160), ": ", why));
}

struct Wish {
  std::string type = "volume", source, target;
  std::vector<std::string> bind, tmpfs;  // options of either
  bool readonly = false;
};

absl::Status Take(const std::string& text, const std::string& word, Wish* wish) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(word, absl::MaxSplits('=', 1));
  const auto& [key, value] = parts;
  if (key == "type") {
    wish->type = value;
  } else if (key == "source" || key == "src") {
    wish->source = value;
  } else if (key == "target" || key == "dst" || key == "destination") {
    wish->target = value;
  } else if (key == "readonly" || key == "ro") {
    if (!value.empty() && value != "true" && value != "1" && value != "false" && value != "0") {
      return Wrong(text, absl::StrCat(key, " is neither true nor false"));
    }
    wish->readonly = value.empty() || value == "true" || value == "1";
  } else if (key == "bind-propagation") {
    wish->bind.push_back(value);
  } else if (key == "tmpfs-size" || key == "tmpfs-mode") {
    wish->tmpfs.push_back(absl::StrCat(key.substr(6), "=", value));
  } else {
    return Wrong(text, absl::StrCat(base::Quoted(key, 32), " is not supported"));
  }
  return absl::OkStatus();
}

// The short form, with the words after the last colon.
std::string Short(const std::string& paths, const std::vector<std::string>& words) {
  return words.empty() ? paths : absl::StrCat(paths, ":", absl::StrJoin(words, ","));
}

}  // namespace

absl::Status AddMount(const std::string& text, runtime::RunOptions* options) {
  Wish wish;
  for (const std::string& word : std::vector<std::string>(absl::StrSplit(text, ','))) {
    STAVE_RETURN_IF_ERROR(Take(text, word, &wish));
  }
  if (wish.type == "volume" || wish.type == "image" || wish.type == "npipe" ||
      wish.type == "cluster") {
    return base::Error(
        absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
        absl::StrCat("--mount: type=", wish.type, ": is not supported: bind and tmpfs are"));
  }
  if (wish.target.empty()) return Wrong(text, "has no target");
  if (absl::StrContains(wish.source + wish.target, ":")) {
    return Wrong(text, "a path has a colon in it");
  }
  const bool bind = wish.type == "bind";
  if (!bind && wish.type != "tmpfs") return Wrong(text, "the type is neither bind nor tmpfs");
  if (bind && (wish.source.empty() || !wish.tmpfs.empty())) {
    return Wrong(text,
                 wish.source.empty() ? "has no source" : "tmpfs-size and tmpfs-mode are of tmpfs");
  }
  if (!bind && (!wish.source.empty() || !wish.bind.empty())) {
    return Wrong(text, "source and bind-propagation are of binds");
  }
  std::vector<std::string> words = bind ? wish.bind : wish.tmpfs;
  if (wish.readonly) words.push_back("ro");
  if (bind) {
    options->volumes.push_back(Short(absl::StrCat(wish.source, ":", wish.target), words));
  } else {
    options->tmpfs.push_back(Short(wish.target, words));
  }
  return absl::OkStatus();
}

}  // namespace stave::tools
