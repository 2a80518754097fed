// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/run_verbs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/program.h"

namespace stave::tools {
namespace {

using cli::Takes;

constexpr int kOwnFailure = 125;

// The first kRunOnly are run's alone.
constexpr size_t kRunOnly = 4;
constexpr size_t kLimits = 17;
constexpr size_t kUpdated = 12;
constexpr Flag kFlags[] = {
    {{"attach", 'a', Takes::kList, "list", "be attached to stdin, stdout or stderr only"}},
    {{"detach", 'd', Takes::kNothing, "", "leave it running and print its id"}},
    {{"detach-keys", 0, Takes::kValue, "keys", "keys that leave it running; ctrl-p,ctrl-q"},
     To::kLast},
    {{"sig-proxy", 0, Takes::kNothing, "", "pass signals on to it; true unless =false"}},

    // Limits: cgroup-limit.
    {{"memory-swappiness", 0, Takes::kValue, "int", "how readily memory is swapped, 0 to 100"},
     To::kLimit},
    {{"oom-kill-disable", 0, Takes::kNothing, "", "wait for memory rather than be killed"},
     To::kLimit},
    {{"device-read-bps", 0, Takes::kList, "list", "bytes a second read from a device"}, To::kLimit},
    {{"device-write-bps", 0, Takes::kList, "list", "bytes a second written to a device"},
     To::kLimit},
    {{"device-read-iops", 0, Takes::kList, "list", "reads a second from a device"}, To::kLimit},
    {{"device-write-iops", 0, Takes::kList, "list", "writes a second to a device"}, To::kLimit},
    // The kUpdated from here on can be changed later.
    {{"memory", 'm', Takes::kValue, "bytes", "limit of memory"}, To::kLimit},
    {{"memory-reservation", 0, Takes::kValue, "bytes", "memory that it keeps when it is short"},
     To::kLimit},
    {{"memory-swap", 0, Takes::kValue, "bytes",
      "limit of memory and swap; -1 for no limit of swap"},
     To::kLimit},
    {{"cpus", 0, Takes::kValue, "decimal", "how many CPUs' time"}, To::kLimit},
    {{"cpu-shares", 'c', Takes::kValue, "int", "share of CPU time; 1024 is usual"}, To::kLimit},
    {{"cpu-period", 0, Takes::kValue, "int", "period of the CPU quota, in microseconds"},
     To::kLimit},
    {{"cpu-quota", 0, Takes::kValue, "int", "CPU time in each period, in microseconds"},
     To::kLimit},
    {{"cpuset-cpus", 0, Takes::kValue, "list", "CPUs to run on, as 0-3 or 0,1"}, To::kLimit},
    {{"cpuset-mems", 0, Takes::kValue, "list", "memory nodes to use, as 0-3 or 0,1"}, To::kLimit},
    {{"pids-limit", 0, Takes::kValue, "int", "how many tasks; -1 for no limit"}, To::kLimit},
    {{"blkio-weight", 0, Takes::kValue, "int", "share of block I/O, 10 to 1000"}, To::kLimit},
    {{"restart", 0, Takes::kValue, "string",
      "when to start it again: no, on-failure[:n], always, unless-stopped"},
     To::kLast},

    // The image: image-fetch.
    {{"platform", 0, Takes::kValue, "string", "which of the image's platforms, as linux/arm64"},
     To::kFetch},
    {{"pull", 0, Takes::kValue, "string", "ask the registry always, missing (usual) or never"},
     To::kFetch,
     "policy"},
    {{"quiet", 'q', Takes::kNothing, "", "show nothing of the pull"}, To::kFetch},
    {{"disable-content-trust", 0, Takes::kNothing, "",
      "check no signatures; true, stave has none"}},

    // The container: ns-run.
    {{"name", 0, Takes::kValue, "string", "name of the container"}, To::kLast},
    {{"cidfile", 0, Takes::kValue, "string", "write its id into this file"}, To::kLast},
    {{"rm", 0, Takes::kNothing, "", "remove it when it has ended"}, To::kLast},
    {{"interactive", 'i', Takes::kNothing, "", "give it stdin, which stays open"}, To::kLast},
    {{"tty", 't', Takes::kNothing, "", "give it a terminal"}, To::kLast},
    {{"stop-signal", 0, Takes::kValue, "string", "the signal that stops it"}, To::kLast},
    {{"stop-timeout", 0, Takes::kValue, "int", "seconds it has to stop"}, To::kLast},
    {{"init", 0, Takes::kNothing, "", "make its first process a small init"}, To::kLast},
    {{"log-driver", 0, Takes::kValue, "string", "json-file, none or journald"}, To::kLast},
    {{"log-opt", 0, Takes::kList, "list", "max-size=10m, max-file=3, tag=text"}, To::kLast},
    {{"health-cmd", 0, Takes::kValue, "string", "shell line that tells whether it is well"},
     To::kLast},
    {{"health-interval", 0, Takes::kValue, "duration", "time between two checks"}, To::kLast},
    {{"health-timeout", 0, Takes::kValue, "duration", "time that a check may take"}, To::kLast},
    {{"health-retries", 0, Takes::kValue, "int", "failures that make it unhealthy"}, To::kLast},
    {{"health-start-period", 0, Takes::kValue, "duration", "time in which failures do not count"},
     To::kLast},
    {{"health-start-interval", 0, Takes::kValue, "duration", "time between checks in that"},
     To::kLast},
    {{"no-healthcheck", 0, Takes::kNothing, "", "do without the image's check"}, To::kLast},
    {{"label", 'l', Takes::kList, "list", "label it"}, To::kLast},
    {{"label-file", 0, Takes::kList, "list", "read labels from a file"}, To::kLast},
    {{"annotation", 0, Takes::kList, "map", "annotate it, for hooks and runtimes"}, To::kLast},
    {{"env", 'e', Takes::kList, "list", "set a variable, or take it from here"}, To::kLast},
    {{"env-file", 0, Takes::kList, "list", "read variables from a file"}, To::kLast},
    {{"user", 'u', Takes::kValue, "string", "run as user[:group], by name or number"}, To::kLast},
    {{"group-add", 0, Takes::kList, "list", "be in this group, too"}, To::kLast},
    {{"ulimit", 0, Takes::kList, "ulimit", "a limit of its processes, as nofile=1024:2048"},
     To::kLast},
    {{"oom-score-adj", 0, Takes::kValue, "int", "how readily it is killed for memory"}, To::kLast},
    {{"workdir", 'w', Takes::kValue, "string", "directory to start in"}, To::kLast},
    {{"entrypoint", 0, Takes::kValue, "string", "program to run in place of the image's"},
     To::kLast},
    {{"hostname", 'h', Takes::kValue, "string", "host name in it"}, To::kLast},
    {{"domainname", 0, Takes::kValue, "string", "NIS domain name in it"}, To::kLast},
    {{"add-host", 0, Takes::kList, "list", "a line of its /etc/hosts, as name:address"}, To::kLast},
    {{"dns", 0, Takes::kList, "list", "name server of its /etc/resolv.conf"}, To::kLast},
    {{"dns-search", 0, Takes::kList, "list", "search domain of it"}, To::kLast},
    {{"dns-option", 0, Takes::kList, "list", "option of it"}, To::kLast},
    {{"dns-opt", 0, Takes::kList, "list", ""}, To::kHidden, "dns-option"},
    {{"network", 0, Takes::kValue, "string", "none, host or container:name"}, To::kLast},
    {{"net", 0, Takes::kValue, "string", ""}, To::kHidden, "network"},
    {{"read-only", 0, Takes::kNothing, "", "mount its root filesystem read-only"}, To::kLast},
    {{"volume", 'v', Takes::kList, "list", "bind a file or directory, as /here:/there[:ro]"}},
    {{"mount", 0, Takes::kList, "mount",
      "type=bind,src=/here,dst=/there or type=tmpfs,dst=/there"}},
    {{"tmpfs", 0, Takes::kList, "list", "mount a tmpfs, as /there[:size=64m]"}, To::kLast},
    {{"shm-size", 0, Takes::kValue, "bytes", "size of its /dev/shm; 64m"}, To::kLast},
    {{"device", 0, Takes::kList, "list", "let it use a device"}, To::kLast},
    {{"pid", 0, Takes::kValue, "string", "host or container:name: whose processes it sees"},
     To::kLast},
    {{"ipc", 0, Takes::kValue, "string", "host or container:name: whose memory it shares"},
     To::kLast},
    {{"uts", 0, Takes::kValue, "string", "host: it bears the machine's name"}, To::kLast},
    {{"cgroupns", 0, Takes::kValue, "string", "host: it sees where its cgroup is"}, To::kLast},
    {{"userns", 0, Takes::kValue, "string", "host: it has no user namespace"}, To::kLast},
    {{"sysctl", 0, Takes::kList, "map", "a kernel parameter of its namespaces"}, To::kLast},
    {{"cgroup-parent", 0, Takes::kValue, "string", "make its cgroup below this one"}, To::kLast},
    {{"privileged", 0, Takes::kNothing, "", "all capabilities and devices, nothing hidden"},
     To::kLast},
    {{"cap-add", 0, Takes::kList, "list", "add a capability"}, To::kLast},
    {{"cap-drop", 0, Takes::kList, "list", "drop a capability"}, To::kLast},
    {{"security-opt", 0, Takes::kList, "list", "a security option"}, To::kLast},
};

constexpr char kNoNetworks[] =
    "a container has a network of its own with loopback only, or --network host or container:NAME";
constexpr char kNoVolumes[] = "there are no volumes, but binds: -v /here:/there";
constexpr char kWindows[] = "it is for Windows";

constexpr Missing kMissing[] = {
    {"publish", 'p', kNoNetworks},
    {"publish-all", 'P', kNoNetworks},
    {"expose", 0, kNoNetworks},
    {"link", 0, kNoNetworks},
    {"network-alias", 0, kNoNetworks},
    {"net-alias", 0, kNoNetworks},
    {"ip", 0, kNoNetworks},
    {"ip6", 0, kNoNetworks},
    {"link-local-ip", 0, kNoNetworks},
    {"mac-address", 0, kNoNetworks},
    {"volumes-from", 0, kNoVolumes},
    {"volume-driver", 0, kNoVolumes},
    {"gpus", 0, "there is nothing that prepares GPUs"},
    {"runtime", 0, "ns-run is the runtime; stave run --explain shows where another one fits"},
    {"storage-opt", 0, "the store has no limits of size"},
    {"blkio-weight-device", 0, "there is only --blkio-weight"},
    {"cpu-rt-period", 0, "real-time scheduling has no limits here"},
    {"cpu-rt-runtime", 0, "real-time scheduling has no limits here"},
    {"kernel-memory", 0, "kernels have it no more"},
    {"use-api-socket", 0, "there is no daemon, so no socket of one"},
    {"device-cgroup-rule", 0, "--device allows devices"},
    {"cpu-count", 0, kWindows},
    {"cpu-percent", 0, kWindows},
    {"io-maxbandwidth", 0, kWindows},
    {"io-maxiops", 0, kWindows},
    {"isolation", 0, kWindows},
};

// What the words where image and command belong are likelier to be; "": those.
std::string HintAboutImage(const Call& call) {
  const std::string& image = call.operands()[0];
  for (const Flag& flag : call.verb.flags) {
    if (image != flag.option.name || flag.to == To::kHidden) continue;
    const bool value = flag.option.takes != Takes::kNothing && call.operands().size() > 1;
    return absl::StrCat("\"", image, "\" is taken as the image; did you mean --", image,
                        value ? " " + call.operands()[1] : "", "?");
  }
  const bool path = absl::StartsWith(image, "/") || absl::StartsWith(image, "./");
  for (const char* command : {"sh", "ls", "cat", "echo", "env", "ps", "top", "sleep", "true"}) {
    if (image != command && !path) continue;
    return absl::StrCat("\"", image, "\" is taken as the image; the command comes after it: IMAGE ",
                        image);
  }
  const std::string command = call.operands().size() > 1 ? call.operands()[1] : "";
  for (const char* flag : {"-it", "-ti", "-dit", "-itd", "--rm", "--name", "--detach"}) {
    if (command != flag) continue;
    const bool value = command == "--name" && call.operands().size() > 2;
    return absl::StrCat("\"", flag,
                        "\" is taken as the command; flags come before the image: ", flag,
                        value ? " " + call.operands()[2] : "", " ", image);
  }
  return "";
}

// Docker takes paths that begin with a dot from where the caller is.
absl::StatusOr<std::string> Absolute(const std::string& volume) {
  const std::string path = volume.substr(0, volume.find(':'));
  if (path != "." && path != ".." && !absl::StartsWith(path, "./") &&
      !absl::StartsWith(path, "../")) {
    return volume;
  }
  char here[PATH_MAX];
  if (::getcwd(here, sizeof here) == nullptr) {
    return base::PosixError(errno, "the working directory", "getcwd");
  }
  return path == "." ? absl::StrCat(here, volume.substr(1)) : absl::StrCat(here, "/", volume);
}

// The same for the source of a --mount.
absl::StatusOr<std::string> AbsoluteMount(const std::string& mount) {
  std::vector<std::string> parts = absl::StrSplit(mount, ',');
  for (std::string& part : parts) {
    const size_t equals = part.find('=');
    const std::string key = part.substr(0, equals);
    if (equals == part.npos || (key != "source" && key != "src")) continue;
    STAVE_ASSIGN_OR_RETURN(const std::string source, Absolute(part.substr(equals + 1)));
    part = absl::StrCat(key, "=", source);
  }
  return absl::StrJoin(parts, ",");
}

Stage Fetch(const Call& call) {
  Stage stage = MakeStage(call, "image-fetch", "--lines", To::kFetch);
  const char* platform = ::getenv("DOCKER_DEFAULT_PLATFORM");
  if (!call.given().Has("platform") && platform != nullptr && platform[0] != '\0') {
    stage.args.push_back("--platform");
    stage.args.push_back(platform);
  }
  AddOperands(absl::MakeSpan(call.operands()).subspan(0, 1), &stage);
  return stage;
}

bool HasLimits(const Given& given) {
  const auto limits = absl::Span<const Flag>(kFlags).subspan(kRunOnly, kLimits);
  return std::any_of(limits.begin(), limits.end(),
                     [&given](const Flag& flag) { return given.Has(flag.option.name); });
}

absl::StatusOr<Plan> Joined(const Call& call, Stage last) {
  Plan plan;
  for (const std::string& volume : call.given().List("volume")) {
    STAVE_ASSIGN_OR_RETURN(std::string whole, Absolute(volume));
    last.args.insert(last.args.end(), {"--volume", std::move(whole)});
  }
  for (const std::string& mount : call.given().List("mount")) {
    STAVE_ASSIGN_OR_RETURN(std::string whole, AbsoluteMount(mount));
    last.args.insert(last.args.end(), {"--mount", std::move(whole)});
  }
  plan.stages.push_back(Fetch(call));
  if (HasLimits(call.given())) {
    plan.stages.push_back(MakeStage(call, "cgroup-limit", nullptr, To::kLimit));
  }
  if (call.operands().size() > 1) {
    last.args.push_back("--");
    last.args.insert(last.args.end(), call.operands().begin() + 1, call.operands().end());
  }
  plan.stages.push_back(std::move(last));
  return plan;
}

absl::Status Check(const Call& call) {
  if (call.given().Off("disable-content-trust")) {
    return base::Error(
        absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
        "--disable-content-trust=false: is not supported: no signatures are checked");
  }
  const std::vector<std::string> networks = call.given().List("network");
  if (networks.size() < 2) return absl::OkStatus();
  if (networks[0] == networks[1]) {
    return cli::UsageError(
        absl::StrCat("network ", base::Quoted(networks[0], 64), " is specified multiple times"));
  }
  return cli::UsageError(absl::StrCat("Container cannot be connected to network endpoints: ",
                                      base::Printable(absl::StrJoin(networks, ", "), 256)));
}

absl::StatusOr<Plan> PlanCreate(const Call& call) {
  STAVE_RETURN_IF_ERROR(Check(call));
  return Joined(call, MakeStage(call, "ns-run", "--create"));
}

// --attach, in any case of letters.
absl::Status AddStreams(const Call& call, Stage* stage) {
  for (const std::string& given : call.given().List("attach")) {
    const std::string name = absl::AsciiStrToLower(given);
    if (name != "stdin" && name != "stdout" && name != "stderr") {
      return cli::UsageError(absl::StrCat("invalid argument ", base::Quoted(given, 64),
                                          " for \"-a, --attach\" flag: valid streams are STDIN, "
                                          "STDOUT and STDERR"));
    }
    stage->args.insert(stage->args.end(), {"--stream", name});
  }
  return absl::OkStatus();
}

absl::StatusOr<Plan> PlanRun(const Call& call) {
  STAVE_RETURN_IF_ERROR(Check(call));
  const bool attended = !call.given().Has("detach");
  if (!attended && call.given().Has("attach")) {
    return cli::UsageError("conflicting options: cannot specify both --attach and --detach");
  }
  Stage last = MakeStage(call, "ns-run", attended ? "--attachable" : "--detach");
  STAVE_RETURN_IF_ERROR(AddStreams(call, &last));
  const bool reads = attended && call.given().Has("interactive");
  if (reads) {
    last.args.push_back("--stdin-fd");
    last.args.push_back("3");
  }
  if (call.given().Off("sig-proxy")) {
    last.args.push_back("--sig-proxy");
    last.args.push_back("false");
  }
  STAVE_ASSIGN_OR_RETURN(Plan plan, Joined(call, std::move(last)));
  plan.keeps_stdin = reads;
  return plan;
}

constexpr Missing kUpdateMissing[] = {
    {"cpu-rt-period", 0, "real-time scheduling has no limits here"},
    {"cpu-rt-runtime", 0, "real-time scheduling has no limits here"},
    {"kernel-memory", 0, "kernels have it no more"},
};

absl::StatusOr<Plan> PlanUpdate(const Call& call) {
  Stage stage = MakeStage(call, "cgroup-limit", nullptr, To::kLimit);
  if (call.given().Has("restart")) {
    stage.args.push_back("--restart");
    stage.args.push_back(call.given().Get("restart"));
  }
  for (const std::string& container : call.operands()) {
    stage.args.push_back("--update");
    stage.args.push_back(container);
  }
  return OneStage(std::move(stage));
}

constexpr Verb kVerbs[] = {
    {.names = "run, container run",
     .purpose = "make a container of an image and start it",
     .synopsis = "[OPTIONS] IMAGE [COMMAND] [ARG...]",
     .flags = kFlags,
     .least = 1,
     .most = -1,
     .plan = PlanRun,
     .missing = kMissing,
     .mixed = false,
     .failure = kOwnFailure,
     .doubt = HintAboutImage},
    {.names = "create, container create",
     .purpose = "make a container of an image, to be started later",
     .synopsis = "[OPTIONS] IMAGE [COMMAND] [ARG...]",
     .flags = absl::Span<const Flag>(kFlags).subspan(kRunOnly),
     .least = 1,
     .most = -1,
     .plan = PlanCreate,
     .missing = kMissing,
     .mixed = false,
     .failure = kOwnFailure,
     .doubt = HintAboutImage},
    {.names = "update, container update",
     .purpose = "change the limits of containers",
     .synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
     .flags = absl::Span<const Flag>(kFlags).subspan(kRunOnly + kLimits + 1 - kUpdated, kUpdated),
     .least = 1,
     .most = -1,
     .plan = PlanUpdate,
     .missing = kUpdateMissing},
};

}  // namespace

absl::Span<const Verb> RunVerbs() { return kVerbs; }

}  // namespace stave::tools
