// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/perform.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/pipe.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/subprocess.h"
#include "libs/base/unique_fd.h"

namespace stave::tools {
namespace {

constexpr int kStdinKept = 3;

absl::Status CannotExecute(int error, const std::string& path) {
  const absl::Status why = base::PosixError(error, path, "execute");
  return base::Error(why.code(), "E_HELPER", why.message());
}

// What execve(2) wants of a stage.
class Image {
 public:
  Image(const Stage& stage, const std::string& folder)
      : path_(absl::StrCat(folder, "/", stage.program)), words_({stage.program}) {
    words_.insert(words_.end(), stage.args.begin(), stage.args.end());
    argv_ = base::ExecPointers(words_);
  }
  Image(const Image&) = delete;
  const std::string& path() const { return path_; }
  void Execute() const { ::execv(path_.c_str(), argv_.data()); }

 private:
  std::string path_;
  std::vector<std::string> words_;
  std::vector<char*> argv_;
};

// Makes them this process's streams; -1: as they are. System calls only.
bool TakeStreams(int in, int out) {
  return (in < 0 || ::dup2(in, STDIN_FILENO) >= 0) && (out < 0 || ::dup2(out, STDOUT_FILENO) >= 0);
}

// The child shares our memory until it executes, so errno arrives here by itself.
absl::StatusOr<pid_t> StartChild(const Image& image, int in, int out) {
  volatile int error = 0;
  const pid_t parent = ::getpid();
  const pid_t pid = ::vfork();
  if (pid < 0) return base::PosixError(errno, image.path(), "fork");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() == parent && TakeStreams(in, out)) image.Execute();
    error = errno;
    ::_exit(127);
  }
  if (error == 0) return pid;
  base::ReapChild(pid);
  return CannotExecute(error, image.path());
}

absl::StatusOr<base::UniqueFd> OpenNull() {
  base::UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!null.valid()) return base::PosixError(errno, "/dev/null", "open");
  return null;
}

// A pipeline: the stages `first` to `last` of the plan.
class Pipeline {
 public:
  Pipeline(const Plan& plan, const std::string& folder, size_t first, size_t last)
      : plan_(plan), folder_(folder), last_(last), next_(first) {}

  // Starts all stages but the last one.
  absl::Status StartUpstream() {
    for (; next_ < last_; ++next_) {
      STAVE_ASSIGN_OR_RETURN(base::Pipe pipe, base::MakePipe("a pipe of the plan"));
      STAVE_RETURN_IF_ERROR(Start(pipe.writer.get()));
      in_ = std::move(pipe.reader);
    }
    return absl::OkStatus();
  }

  // The last one as a child, too; returns its exit code when all have ended.
  absl::StatusOr<int> Finish() {
    base::UniqueFd null;
    if (plan_.stages[last_].drops_output) {
      STAVE_ASSIGN_OR_RETURN(null, OpenNull());
    }
    STAVE_RETURN_IF_ERROR(Start(null.get()));
    in_.Reset();
    int status = 0;
    for (const pid_t pid : children_) status = base::ReapChild(pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  // The last one in place.
  absl::Status Become() {
    const Image image(plan_.stages[last_], folder_);
    base::UniqueFd null;
    if (plan_.stages[last_].drops_output) {
      STAVE_ASSIGN_OR_RETURN(null, OpenNull());
    }
    if (TakeStreams(in_.get(), null.get())) image.Execute();
    return CannotExecute(errno, image.path());
  }

 private:
  absl::Status Start(int out) {
    STAVE_ASSIGN_OR_RETURN(const pid_t pid,
                           StartChild(Image(plan_.stages[next_], folder_), in_.get(), out));
    children_.push_back(pid);
    return absl::OkStatus();
  }

  const Plan& plan_;
  const std::string& folder_;
  const size_t last_;
  size_t next_;
  base::UniqueFd in_;  // what comes from the stage before
  std::vector<pid_t> children_;
};

// Whether the answer is yes. Byte by byte: what follows the line is for the stages.
absl::StatusOr<bool> Ask(const std::string& question) {
  STAVE_RETURN_IF_ERROR(base::WriteAll(STDOUT_FILENO, question, "stdout"));
  std::string line;
  for (char c = 0; c != '\n';) {
    const ssize_t n = ::read(STDIN_FILENO, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    line.push_back(c);
  }
  const absl::string_view answer = absl::StripAsciiWhitespace(line);
  return answer == "y" || answer == "Y";
}

}  // namespace

absl::StatusOr<std::string> OwnFolder() {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size < 0) return base::PosixError(errno, "/proc/self/exe", "readlink");
  const std::string whole(path, static_cast<size_t>(size));
  return whole.substr(0, whole.rfind('/'));
}

absl::StatusOr<int> Perform(const Plan& plan, const std::string& folder) {
  if (!plan.question.empty()) {
    STAVE_ASSIGN_OR_RETURN(const bool yes, Ask(plan.question));
    if (!yes) return 0;
  }
  // First, so that no pipe has this number.
  if (plan.keeps_stdin && ::dup2(STDIN_FILENO, kStdinKept) < 0) {
    return base::PosixError(errno, "stdin", "dup");
  }
  const size_t end = plan.stages.size() - 1;
  for (size_t first = 0;;) {
    size_t last = first;
    while (last < end && plan.stages[last].next == Join::kPipe) ++last;
    Pipeline pipeline(plan, folder, first, last);
    STAVE_RETURN_IF_ERROR(pipeline.StartUpstream());
    if (last == end) return pipeline.Become();
    STAVE_ASSIGN_OR_RETURN(const int code, pipeline.Finish());
    if (code != 0 && plan.stages[last].next == Join::kAnd) return code;
    first = last + 1;
  }
}

}  // namespace stave::tools
