// SPDX-License-Identifier: Apache-2.0
//
// The plans of command lines, as shell.
#include <stdlib.h>
#include <unistd.h>

#include <set>
#include <string>

#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tools/stave/container_verbs.h"
#include "tools/stave/image_verbs.h"
#include "tools/stave/run_verbs.h"
#include "tools/stave/shell.h"
#include "tools/stave/usage.h"
#include "tools/stave/verb.h"

namespace stave::tools {
namespace {

const Verb* Find(absl::string_view typed) {
  for (const auto table : {RunVerbs(), ContainerVerbs(), ImageVerbs()}) {
    for (const Verb& verb : table) {
      for (const absl::string_view name : NamesOf(verb)) {
        if (name == typed) return &verb;
      }
    }
  }
  return nullptr;
}

// The shell of "VERB WORD...", or the error.
std::string Shell(absl::string_view line) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  const bool noun = words[0] == "container" || words[0] == "image" || words[0] == "system";
  const Verb* verb = Find(noun ? words[0] + " " + words[1] : words[0]);
  if (verb == nullptr) return "no such verb";
  auto read = ReadWords({verb->flags, CommonFlags(), verb->missing, verb->mixed},
                        absl::MakeSpan(words).subspan(noun ? 2 : 1));
  if (!read.ok()) return std::string(read.status().message());
  const Call call{*verb, *std::move(read)};
  const auto plan = verb->plan != nullptr ? verb->plan(call) : OneStage(call);
  if (!plan.ok()) return std::string(plan.status().message());
  return PlanAsShell(*plan, [](const std::string& program) { return program; });
}

TEST(VerbsTest, Plans) {
  ::unsetenv("DOCKER_DEFAULT_PLATFORM");
  const struct {
    const char *line, *shell;
  } cases[] = {
      {"run alpine", "image-fetch --lines alpine | ns-run --attachable\n"},
      {"run -dq --pull always alpine httpd -f",
       "image-fetch --lines --policy always --quiet alpine | ns-run --detach -- httpd -f\n"},
      {"run -i --rm alpine cat",
       "{ image-fetch --lines alpine | ns-run --attachable --rm --interactive --stdin-fd 3 -- cat; "
       "}"
       " 3<&0\n"},
      {"run -di alpine", "image-fetch --lines alpine | ns-run --detach --interactive\n"},
      {"run --sig-proxy=false -v /a:/b x",
       "image-fetch --lines x | ns-run --attachable --sig-proxy false --volume /a:/b\n"},
      {"container create -m 64m --name a alpine",
       "image-fetch --lines alpine | cgroup-limit --memory 64m | ns-run --create --name a\n"},
      {"update -m 64m --restart no a b",
       "cgroup-limit --memory 64m --restart no --update a --update b\n"},
      {"run -m 0 --cpus 0.0 --pids-limit 0 --memory-swap 0b --blkio-weight 0 --shm-size 0 x",
       "image-fetch --lines x | ns-run --attachable\n"},
      {"run --memory-swappiness 0 --cpus 0.5 --cpu-shares 0 x",
       "image-fetch --lines x | cgroup-limit --memory-swappiness 0 --cpus 0.5 | ns-run "
       "--attachable\n"},
      {"run --memory-swappiness -1 --memory 0x x",
       "image-fetch --lines x | cgroup-limit --memory 0x | ns-run --attachable\n"},
      {"run --network none --net none x", "network \"none\" is specified multiple times"},
      {"run --net host --network none x",
       "Container cannot be connected to network endpoints: host, none"},
      {"run -i -a STDOUT x",
       "{ image-fetch --lines x | ns-run --attachable --interactive --stream stdout --stdin-fd 3; }"
       " 3<&0\n"},
      {"run -a x y",
       "invalid argument \"x\" for \"-a, --attach\" flag: valid streams are STDIN, STDOUT and "
       "STDERR"},
      {"run -d -a stdin x", "conflicting options: cannot specify both --attach and --detach"},
      {"create -a stdin x", "unknown shorthand flag: 'a' in -a"},
      {"start a b", "ns-run --start a b\n"},
      {"start -ai a", "ns-run --start --attach --interactive a\n"},
      {"start -i a", "ns-run --start --attach --interactive a\n"},
      {"stop --time 3 a", "ps-signal --stop --timeout 3 a\n"},
      {"restart -t 3 a", "ps-signal --stop --timeout 3 a > /dev/null && ns-run --start a\n"},
      {"restart a b", "ps-signal --stop a b > /dev/null; ns-run --start a b\n"},
      {"kill -s INT a", "ps-signal --signal INT a\n"},
      {"rm -vf a", "ps-remove --force a\n"},
      {"rm -- -a", "ps-remove -- -a\n"},
      {"container prune -f --filter until=1h", "ps-remove --prune --report --filter until=1h\n"},
      {"exec -it a sh -c x", "ns-exec --interactive --tty a sh -c x\n"},
      {"attach --sig-proxy=false a", "tty-attach --sig-proxy false a\n"},
      {"logs a -fn 5", "log-read --follow --tail 5 a\n"},
      {"ps -aq", "ps-lister --all --quiet\n"},
      {"container inspect a", "ps-lister --inspect a\n"},
      {"inspect a", "ps-lister --inspect --or-image a\n"},
      {"inspect --type image -f x a", "image-list --inspect --format x a\n"},
      {"inspect --type=pod a", "unknown type: \"pod\", it is container or image"},
      {"top a", "ps-stat --top a\n"},
      {"top a -eo pid,args", "ps-stat --top --columns pid,args a\n"},
      {"stats", "ps-stat --interval 1\n"},
      {"stats --no-stream a", "ps-stat --once a\n"},
      {"events --since 1h", "ps-lister --events --since 1h --lines\n"},
      {"export -o f a", "layer-diff --rootfs --output f a\n"},
      {"pull -q alpine", "image-fetch --lines --no-document --policy always --quiet alpine\n"},
      {"images alpine", "image-list alpine\n"},
      {"history -H=false alpine", "image-list --history --human=false alpine\n"},
      {"image prune -af", "image-remove --prune --report --all\n"},
      {"system prune -f", "ps-remove --prune --report && image-remove --prune --report\n"},
      {"system df -v", "store-info --usage --verbose\n"},
      {"run -p 80:80 x",
       "-p, --publish: is not supported: a container has a network of its own with loopback only, "
       "or --network host or container:NAME"},
      {"pull --disable-content-trust=false x",
       "--disable-content-trust=false: is not supported: no signatures are checked"},
  };
  for (const auto& [line, shell] : cases) EXPECT_EQ(Shell(line), shell) << line;
}

TEST(VerbsTest, ThePlatformOfTheEnvironment) {
  ::setenv("DOCKER_DEFAULT_PLATFORM", "linux/arm64", 1);
  EXPECT_EQ(Shell("create x"), "image-fetch --lines --platform linux/arm64 x | ns-run --create\n");
  EXPECT_EQ(Shell("create --platform linux/amd64 x"),
            "image-fetch --lines --platform linux/amd64 x | ns-run --create\n");
  ::unsetenv("DOCKER_DEFAULT_PLATFORM");
}

TEST(VerbsTest, RelativeVolumesAreFromHere) {
  ASSERT_EQ(::chdir("/usr"), 0);
  EXPECT_EQ(Shell("create -v .:/a -v ./b:/b -v ../c:/c:ro -v name:/d x"),
            "image-fetch --lines x |\n  ns-run --create --volume /usr:/a --volume /usr/./b:/b "
            "--volume /usr/../c:/c:ro --volume name:/d\n");
}

// What is refused must not be offered, nor anything twice.
TEST(VerbsTest, TablesAreInOrder) {
  std::set<std::string> names;
  for (const auto table : {RunVerbs(), ContainerVerbs(), ImageVerbs()}) {
    for (const Verb& verb : table) {
      for (const absl::string_view name : NamesOf(verb)) {
        EXPECT_TRUE(names.insert(std::string(name)).second) << name;
      }
      EXPECT_TRUE((verb.plan == nullptr) != (verb.program == nullptr)) << verb.names;
      std::set<std::string> flags;
      std::set<char> letters;
      for (const Flag& flag : verb.flags) {
        EXPECT_TRUE(flags.insert(flag.option.name).second) << flag.option.name;
        const char letter = flag.option.letter;
        EXPECT_TRUE(letter == 0 || letters.insert(letter).second) << verb.names << letter;
      }
      for (const Missing& missing : verb.missing) {
        EXPECT_TRUE(flags.insert(missing.name).second) << missing.name;
        EXPECT_TRUE(missing.letter == 0 || letters.insert(missing.letter).second) << missing.name;
      }
    }
  }
}

}  // namespace
}  // namespace stave::tools
