// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/record.h"

#include <string>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"

namespace stave::lifecycle {
namespace {

Record Example() {
  Record record;
  record.id = "c1";
  record.oci_version = "1.0.2-dev";
  record.bundle = "/b \"x\"";
  record.rootfs = "/b/rootfs";
  record.created = absl::FromUnixNanos(1700000000123456789);
  record.annotations = json::Value::Object({{"k", json::Value::String("v")}});
  record.cgroup = "/stave/c1";
  record.scope = "stave-c1.scope";
  record.creator = base::ProcessIdentity{"boot", 4711, 123456};
  record.init = base::ProcessIdentity{"boot", 4712, 9007199254740993};
  return record;
}

TEST(RecordTest, IsReadAsItWasWritten) {
  const Record before = Example();

  const auto after = ParseRecord(PrintRecord(before), "c1");

  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(PrintRecord(*after), PrintRecord(before));
  EXPECT_EQ(after->created, before.created);
  EXPECT_EQ(after->annotations, before.annotations);
  EXPECT_EQ(after->scope, "stave-c1.scope");
  EXPECT_EQ(after->init->start_time, before.init->start_time);
}

TEST(RecordTest, MayLackWhatIsNotKnownYet) {
  Record before = Example();
  before.annotations = json::Value();
  before.cgroup.clear();
  before.scope.clear();
  before.creator.reset();
  before.init.reset();

  const auto after = ParseRecord(PrintRecord(before), "c1");

  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_FALSE(after->init.has_value());
  EXPECT_TRUE(after->annotations.is_null());
}

TEST(RecordTest, EachBeginningOfItIsRefused) {
  const std::string text = PrintRecord(Example());
  for (size_t size = 0; size < text.size(); ++size) {
    const auto record = ParseRecord(text.substr(0, size), "c1");
    EXPECT_EQ(base::ErrorWord(record.status()), "E_CORRUPT") << size;
  }
}

TEST(RecordTest, EachByteMayBeDamaged) {
  const std::string text = PrintRecord(Example());
  for (size_t at = 0; at < text.size(); ++at) {
    for (const char byte : {'\0', '"', '9', '\xff'}) {
      std::string damaged = text;
      damaged[at] = byte;
      const auto record = ParseRecord(damaged, "c1");
      EXPECT_TRUE(record.ok() || base::ErrorWord(record.status()) == "E_CORRUPT") << at;
    }
  }
}

TEST(RecordTest, RefusesWhatIsNotOurs) {
  const std::string text = PrintRecord(Example());
  EXPECT_FALSE(ParseRecord(text, "c2").ok());
  for (const char* other : {"[]", "{}", "null", R"({"id":"c1","init_process_pid":4711})",
                            R"({"version":2,"id":"c1"})"}) {
    EXPECT_EQ(base::ErrorWord(ParseRecord(other, "c1").status()), "E_CORRUPT") << other;
  }
  for (const char* init :
       {R"("init":{"boot":"b","pid":0,"start":1})", R"("init":{"boot":"b","pid":-1,"start":1})",
        R"("init":{"boot":"b","pid":99999999999,"start":1})", R"("init":{"boot":"b","pid":1})",
        R"("init":1)"}) {
    std::string changed = text.substr(0, text.find("\"init\"")) + init + "}";
    EXPECT_EQ(base::ErrorWord(ParseRecord(changed, "c1").status()), "E_CORRUPT") << init;
  }
}

TEST(StateJsonTest, HasWhatRuncTells) {
  const json::Value state = StateJson(Example(), "running", 4712);

  EXPECT_EQ(json::Print(state),
            R"({"ociVersion":"1.0.2-dev","id":"c1","pid":4712,"status":"running",)"
            R"("bundle":"/b \"x\"","rootfs":"/b/rootfs",)"
            R"("created":"2023-11-14T22:13:20.123456789Z","annotations":{"k":"v"},"owner":""})");
}

TEST(StateJsonTest, LeavesOutAnnotationsThatAreNone) {
  Record record = Example();
  record.annotations = json::Value::Object();

  EXPECT_EQ(StateJson(record, "stopped", 0).Find("annotations"), nullptr);
}

}  // namespace
}  // namespace stave::lifecycle
