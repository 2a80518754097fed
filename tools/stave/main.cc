// SPDX-License-Identifier: Apache-2.0
//
// stave: the programs under one name. It holds no logic of theirs: a verb becomes a command line,
// which is executed in place, so exit code, signals and output are the program's.
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/cli/program.h"
#include "libs/cli/verbs.h"
#include "tools/store-check/options.h"

namespace stave {
namespace {

// The folder of the running program, where the others are, too.
absl::StatusOr<std::string> OwnFolder() {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size < 0) return base::PosixError(errno, "/proc/self/exe", "readlink");
  const std::string whole(path, static_cast<size_t>(size));
  return whole.substr(0, whole.rfind('/'));
}

// Becomes `program` with the options of `own` and its operands. Returns only if it cannot.
absl::Status Become(const char* program, absl::Span<const cli::Option> options,
                    const cli::Invocation& own) {
  STAVE_ASSIGN_OR_RETURN(const std::string folder, OwnFolder());
  std::vector<std::string> words = {program};
  for (const cli::Option& option : options) {
    if (option.takes == cli::Takes::kNothing) {
      if (own.Has(option.name)) words.push_back(absl::StrCat("--", option.name));
      continue;
    }
    for (const std::string& value : own.List(option.name)) {
      words.push_back(absl::StrCat("--", option.name, "=", value));
    }
  }
  words.push_back("--");
  words.insert(words.end(), own.operands().begin(), own.operands().end());
  base::ResetSignals();
  const std::string path = absl::StrCat(folder, "/", program);
  ::execv(path.c_str(), base::ExecPointers(words).data());
  const absl::Status why = base::PosixError(errno, path, "execute");
  return base::Error(why.code(), "E_HELPER", why.message());
}

absl::StatusOr<int> Fsck(const cli::VerbCall& call) {
  return Become("store-check", tools::kCheckOptions, call.own);
}

// The programs that do what has no command here yet, by the names of the acts elsewhere.
std::string ProgramFor(absl::string_view act) {
  constexpr struct {
    absl::string_view act, hint;
  } kActs[] = {
      {"pull", "image-fetch"},
      {"rmi", "image-remove"},
      {"prune", "image-remove --prune"},
      {"ps", "ps-lister"},
      {"rm", "ps-remove"},
      {"login", "registry-login"},
      {"logout", "registry-logout"},
      {"run", "image-fetch IMAGE | ns-run -it"},
  };
  for (const auto& [name, hint] : kActs) {
    if (act == name) return std::string(hint);
  }
  return "";
}

constexpr cli::Program kProgram = {
    .name = "stave",
    .purpose = "containers without a daemon",
    .synopsis = "COMMAND [OPTION...] [ARG...]",
    .options = {},
    .page = "stave(1)",
};

constexpr cli::Program kFsck = {
    .name = "fsck",
    .purpose = tools::kCheckPurpose,
    .synopsis = tools::kCheckSynopsis,
    .options = tools::kCheckOptions,
};

const cli::Verb kVerbs[] = {{kFsck, Fsck}};

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::VerbsMain({.program = stave::kProgram,
                                .verbs = stave::kVerbs,
                                .version = "",
                                .begin = nullptr,
                                .log = nullptr,
                                .hint = stave::ProgramFor},
                               argc, argv);
}
