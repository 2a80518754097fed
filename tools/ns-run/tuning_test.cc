// SPDX-License-Identifier: Apache-2.0
#include "tools/ns-run/tuning.h"

#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"

namespace stave::tools {
namespace {

using cli::Takes;

constexpr cli::Option kOptions[] = {
    {"ulimit", 0, Takes::kList, "", ""},      {"oom-score-adj", 0, Takes::kValue, "", ""},
    {"shm-size", 0, Takes::kValue, "", ""},   {"group-add", 0, Takes::kList, "", ""},
    {"domainname", 0, Takes::kValue, "", ""}, {"cgroup-parent", 0, Takes::kValue, "", ""},
    {"sysctl", 0, Takes::kList, "", ""},      {"annotation", 0, Takes::kList, "", ""},
    {"add-host", 0, Takes::kList, "", ""},    {"dns", 0, Takes::kList, "", ""},
    {"dns-search", 0, Takes::kList, "", ""},  {"dns-option", 0, Takes::kList, "", ""},
};

absl::StatusOr<uint32_t> Find(const std::string& name) {
  if (name == "extra") return 2000;
  return base::Error(absl::StatusCode::kNotFound, "E_NOT_FOUND", name + ": no such group");
}

// `text` as the options change it, or the error.
std::string Tuned(std::vector<std::string> words, absl::string_view text = "{}") {
  words.insert(words.begin(), "ns-run");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const cli::Program program = {
      .name = "ns-run", .purpose = "", .synopsis = "", .options = kOptions};
  const auto given = cli::ParseCommandLine(program, static_cast<int>(words.size()), argv.data());
  if (!given.ok()) return std::string(given.status().message());
  json::Value document = *json::Parse(text);
  const absl::Status status = Tune(*given, Find, &document);
  return status.ok() ? json::Print(document) : std::string(status.message());
}

TEST(TuneTest, NothingChangesNothing) { EXPECT_EQ(Tuned({}, R"({"a":1.50})"), R"({"a":1.50})"); }

TEST(TuneTest, Limits) {
  EXPECT_EQ(Tuned({"--ulimit", "nofile=1:2", "--ulimit", "core=-1", "--ulimit", "nofile=3"}),
            R"({"process":{"rlimits":[{"type":"RLIMIT_CORE","hard":-1,"soft":-1},)"
            R"({"type":"RLIMIT_NOFILE","hard":3,"soft":3}]}})");
  EXPECT_EQ(Tuned({"--ulimit=nofile=5:-1"}),
            R"({"process":{"rlimits":[{"type":"RLIMIT_NOFILE","hard":-1,"soft":5}]}})");
}

TEST(TuneTest, MembersAsTheyAre) {
  EXPECT_EQ(Tuned({"--oom-score-adj", "-5", "--domainname", "d", "--cgroup-parent", "/a"}),
            R"({"process":{"oomScoreAdj":-5},"domainname":"d","linux":{"cgroupsPath":"/a"}})");
  EXPECT_EQ(Tuned({"--sysctl", "a.b=c=d", "--annotation", "x="}),
            R"({"linux":{"sysctl":{"a.b":"c=d"}},"annotations":{"x":""}})");
}

TEST(TuneTest, Groups) {
  EXPECT_EQ(Tuned({"--group-add", "7", "--group-add", "extra", "--group-add", "7"},
                  R"({"process":{"user":{"uid":1,"additionalGids":[3]}}})"),
            R"({"process":{"user":{"uid":1,"additionalGids":[3,7,2000]}}})");
  EXPECT_EQ(Tuned({"--group-add", "none"}), "--group-add: none: no such group");
}

TEST(TuneTest, SharedMemory) {
  EXPECT_EQ(
      Tuned({"--shm-size", "1m"},
            R"({"mounts":[{"destination":"/dev/shm","type":"tmpfs","options":["size=9","ro"]}]})"),
      R"({"mounts":[{"destination":"/dev/shm","type":"tmpfs","options":["ro","size=1048576"]}]})");
  EXPECT_EQ(Tuned({"--shm-size", "1m"}, R"({"mounts":[{"destination":"/dev/shm","type":"bind"}]})"),
            "--shm-size: \"1m\": /dev/shm is no tmpfs of the container's own");
}

TEST(TuneTest, Names) {
  EXPECT_EQ(Tuned({"--add-host", "a:1.2.3.4", "--add-host", "b=::1", "--add-host", "c:[::2]"}),
            R"({"stave":{"network":{"hosts":["1.2.3.4\ta","::1\tb","::2\tc"]}}})");
  EXPECT_EQ(
      Tuned({"--dns", "1.1.1.1", "--dns-search", ".", "--dns-option", "ndots:1"}),
      R"({"stave":{"network":{"dns":["1.1.1.1"],"dnsSearch":["."],"dnsOptions":["ndots:1"]}}})");
}

TEST(TuneTest, ErrorsNameTheOption) {
  const struct {
    std::vector<std::string> words;
    const char* error;
  } cases[] = {
      {{"--ulimit", "x"}, "--ulimit: \"x\": is no NAME=VALUE"},
      {{"--ulimit", "x=1"},
       "--ulimit: \"x=1\": is no limit that there is, such as nofile or nproc"},
      {{"--ulimit", "nofile=2:1"},
       "--ulimit: \"nofile=2:1\": the soft limit is above the hard one"},
      {{"--ulimit", "nofile=a"}, "--ulimit: \"nofile=a\": is no NAME=SOFT[:HARD]"},
      {{"--cgroup-parent", "a"}, "--cgroup-parent: \"a\": is not an absolute path"},
      {{"--add-host", "a"}, "--add-host: \"a\": is no NAME:ADDRESS with an IP address"},
      {{"--add-host", "a b:1.1.1.1"},
       "--add-host: \"a b:1.1.1.1\": is no NAME:ADDRESS with an IP address"},
      {{"--dns", "x"}, "--dns: \"x\": is no IP address"},
      {{"--dns-option", "a b"}, "--dns-option: \"a b\": is not one word"},
      {{"--sysctl", "=1"}, "--sysctl: \"=1\": is no NAME=VALUE"},
  };
  for (const auto& [words, error] : cases) EXPECT_EQ(Tuned(words), error);
}

}  // namespace
}  // namespace stave::tools
