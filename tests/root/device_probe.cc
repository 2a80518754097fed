// SPDX-License-Identifier: Apache-2.0
//
// device_probe PARENT: puts a child of its own into a cgroup PARENT/device-probe with a list of
// devices, and checks what it can open. Prints what is wrong; exit 0 if nothing is.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cgroup/cgroup.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/cgroup/plan.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"

namespace {

using stave::cgroup::Cgroup;

constexpr char kResources[] = R"({"devices": [
  {"allow": false, "access": "rwm"},
  {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"},
  {"allow": true, "type": "c", "major": 1, "minor": 5, "access": "r"}]})";

int Wrong(const char* what, int error) {
  fprintf(stderr, "device_probe: %s: %s\n", what, strerror(error));
  return 1;
}

int ExpectOpen(const char* path, int flags, int want) {
  const int fd = open(path, flags | O_CLOEXEC);
  const int error = fd < 0 ? errno : 0;
  if (fd >= 0) close(fd);
  return error == want ? 0 : Wrong(path, error);
}

int Probe(const std::string& scratch) {
  int wrong = 0;
  wrong += ExpectOpen("/dev/null", O_RDWR, 0);
  wrong += ExpectOpen("/dev/zero", O_RDONLY, 0);
  wrong += ExpectOpen("/dev/zero", O_RDWR, EPERM);
  wrong += ExpectOpen("/dev/full", O_RDONLY, EPERM);
  wrong += ExpectOpen("/dev/urandom", O_RDONLY, EPERM);
  const std::string disk = scratch + "/disk";
  if (mknod(disk.c_str(), S_IFBLK | 0600, makedev(8, 0)) == 0 || errno != EPERM) {
    wrong += Wrong("mknod b 8 0", errno);
  }
  const std::string null = scratch + "/null";
  if (mknod(null.c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0) wrong += Wrong("mknod c 1 3", errno);
  unlink(null.c_str());
  return wrong == 0 ? 0 : 1;
}

absl::Status Run(const std::string& path, int* code) {
  STAVE_ASSIGN_OR_RETURN(const auto hierarchies, stave::cgroup::FindHierarchies());
  STAVE_ASSIGN_OR_RETURN(const auto resources, stave::json::Parse(kResources));
  STAVE_ASSIGN_OR_RETURN(const auto limits, stave::cgroup::PlanLimits(&resources, hierarchies));
  STAVE_ASSIGN_OR_RETURN(Cgroup group, Cgroup::Create(path, hierarchies, limits));
  STAVE_RETURN_IF_ERROR(group.Apply(limits));
  char scratch[] = "/tmp/device-probe.XXXXXX";
  if (mkdtemp(scratch) == nullptr) return stave::base::PosixError(errno, scratch, "mkdtemp");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return stave::base::PosixError(errno, "pipe", "pipe2");
  const pid_t child = fork();
  if (child == 0) {
    char go;
    if (read(ends[0], &go, 1) != 1) _exit(1);
    _exit(Probe(scratch));
  }
  const absl::Status added = group.Add(child);
  if (write(ends[1], "x", 1) != 1) return stave::base::PosixError(errno, "pipe", "write");
  int status = 0;
  waitpid(child, &status, 0);
  rmdir(scratch);
  STAVE_RETURN_IF_ERROR(added);
  *code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  return group.End(absl::Seconds(10));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  int code = 1;
  const absl::Status status = Run(absl::StrCat(argv[1], "/device-probe"), &code);
  if (status.ok()) return code;
  fprintf(stderr, "device_probe: %s\n", std::string(status.message()).c_str());
  return 1;
}
