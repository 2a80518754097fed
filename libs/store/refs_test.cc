// SPDX-License-Identifier: Apache-2.0
#include "libs/store/refs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/json/parse.h"
#include "libs/oci/digest.h"
#include "libs/oci/media_type.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

class RefsTest : public StoreTest {
 protected:
  static oci::Reference Name(const std::string& text) { return *oci::Reference::Parse(text); }
  static oci::Descriptor Manifest(const std::string& content) {
    return {oci::kOciManifest, oci::DigestOf(content), 7, {}, {}, {}};
  }
};

TEST_F(RefsTest, KeepsWhatANameMeans) {
  ASSERT_TRUE(SetRef(store(), Name("alpine:3.18"), Manifest("a")).ok());

  const auto found = GetRef(store(), Name("docker.io/library/alpine:3.18"));

  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->media_type, oci::kOciManifest);
  EXPECT_EQ(found->digest, oci::DigestOf("a"));
  EXPECT_EQ(found->size, 7);
  EXPECT_TRUE(Exists("state/refs/docker.io/library/alpine/:3.18"));
}

TEST_F(RefsTest, CanBeMadeDurable) {
  EXPECT_TRUE(EnsureDurable(store(), Name("alpine:3.18")).ok());
  ASSERT_TRUE(SetRef(store(), Name("alpine:3.18"), Manifest("a")).ok());
  EXPECT_TRUE(EnsureDurable(store(), Name("alpine:3.18")).ok());
}

TEST_F(RefsTest, FilesDigestsUnderTheDigest) {
  const std::string digest = oci::DigestOf("a").ToString();
  ASSERT_TRUE(SetRef(store(), Name("reg.io:5000/x@" + digest), Manifest("a")).ok());

  EXPECT_TRUE(GetRef(store(), Name("reg.io:5000/x:tag@" + digest)).ok());
  EXPECT_TRUE(Exists("state/refs/reg.io:5000/x/@" + digest));
}

TEST_F(RefsTest, ARepositoryMayBeTheFolderOfAnother) {
  ASSERT_TRUE(SetRef(store(), Name("reg.io/a:1"), Manifest("a")).ok());
  ASSERT_TRUE(SetRef(store(), Name("reg.io/a/b:1"), Manifest("b")).ok());

  EXPECT_EQ(GetRef(store(), Name("reg.io/a:1"))->digest, oci::DigestOf("a"));
  EXPECT_EQ(GetRef(store(), Name("reg.io/a/b:1"))->digest, oci::DigestOf("b"));
}

TEST_F(RefsTest, ListsSorted) {
  ASSERT_TRUE(SetRef(store(), Name("b:1"), Manifest("b")).ok());
  ASSERT_TRUE(SetRef(store(), Name("a:2"), Manifest("a")).ok());
  Write("state/refs/docker.io/library/b/:broken", "{");

  const auto list = ListRefs(store());

  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ((*list)[0].reference.String(), "docker.io/library/a:2");
  EXPECT_EQ((*list)[1].reference.String(), "docker.io/library/b:1");
}

TEST_F(RefsTest, RemakesTheIndex) {
  ASSERT_TRUE(SetRef(store(), Name("a:1"), Manifest("a")).ok());
  ASSERT_TRUE(SetRef(store(), Name("b:1"), Manifest("b")).ok());
  ASSERT_TRUE(RemoveRef(store(), Name("a:1")).ok());

  const auto index = json::Parse(Read("state/images/index.json"));

  ASSERT_TRUE(index.ok()) << index.status();
  ASSERT_EQ(index->Find("manifests")->elements().size(), 1u);
  const json::Value& entry = index->Find("manifests")->elements()[0];
  EXPECT_EQ(entry.Find("digest")->text(), oci::DigestOf("b").ToString());
  EXPECT_EQ(entry.Find({"annotations", "org.opencontainers.image.ref.name"})->text(),
            "docker.io/library/b:1");
}

TEST_F(RefsTest, RemovesWhatAKilledWriterLeft) {
  ASSERT_TRUE(SetRef(store(), Name("a:1"), Manifest("a")).ok());
  for (const char* stray : {"images/.index.json.tmp.7", "refs/docker.io/library/a/.:1.tmp.7"}) {
    const int fd = ::openat(store().state(), stray, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_GE(fd, 0);
    ::close(fd);
  }

  ASSERT_TRUE(SetRef(store(), Name("a:1"), Manifest("b")).ok());
  EXPECT_FALSE(Exists("state/images/.index.json.tmp.7"));
  EXPECT_FALSE(Exists("state/refs/docker.io/library/a/.:1.tmp.7"));
}

// So that a killed SetRef, begun again, leaves both alike.
TEST_F(RefsTest, TheIndexIsWrittenBeforeTheReference) {
  ASSERT_TRUE(SetRef(store(), Name("a:1"), Manifest("a")).ok());
  ASSERT_EQ(::unlinkat(store().state(), "images/index.json", 0), 0);
  ASSERT_EQ(::mkdirat(store().state(), "images/index.json", 0700), 0);

  EXPECT_FALSE(SetRef(store(), Name("b:1"), Manifest("b")).ok());
  EXPECT_FALSE(GetRef(store(), Name("b:1")).ok());
  EXPECT_FALSE(RemoveRef(store(), Name("a:1")).ok());
  EXPECT_TRUE(GetRef(store(), Name("a:1")).ok());
}

TEST_F(RefsTest, RemovesEmptyFolders) {
  ASSERT_TRUE(SetRef(store(), Name("reg.io/a/b:1"), Manifest("a")).ok());
  ASSERT_TRUE(SetRef(store(), Name("reg.io/a:1"), Manifest("a")).ok());

  ASSERT_TRUE(RemoveRef(store(), Name("reg.io/a/b:1")).ok());
  EXPECT_FALSE(Exists("state/refs/reg.io/a/b"));
  EXPECT_TRUE(Exists("state/refs/reg.io/a"));
  ASSERT_TRUE(RemoveRef(store(), Name("reg.io/a:1")).ok());
  EXPECT_FALSE(Exists("state/refs/reg.io"));
  EXPECT_TRUE(Exists("state/refs"));
}

TEST_F(RefsTest, MissingNamesAreNotFound) {
  EXPECT_TRUE(absl::IsNotFound(GetRef(store(), Name("a:1")).status()));
  EXPECT_TRUE(absl::IsNotFound(RemoveRef(store(), Name("a:1"))));
  EXPECT_TRUE(ListRefs(store())->empty());
}

TEST_F(RefsTest, AnEmptyStoreHasNone) {
  const auto none = Store::OpenRoots({folder() + "/x", folder() + "/y"}, Access::kRead);
  ASSERT_TRUE(none.ok());

  EXPECT_TRUE(absl::IsNotFound(GetRef(*none, Name("a:1")).status()));
  EXPECT_TRUE(absl::IsNotFound(RemoveRef(*none, Name("a:1"))));
  EXPECT_TRUE(ListRefs(*none)->empty());
}

TEST_F(RefsTest, DamageIsTold) {
  ASSERT_TRUE(SetRef(store(), Name("a:1"), Manifest("a")).ok());
  const std::string path = "state/refs/docker.io/library/a/:1";
  const std::string whole = Read(path);

  for (size_t size = 0; size + 2 < whole.size(); ++size) {
    Write(path, whole.substr(0, size));
    EXPECT_EQ(base::ErrorWord(GetRef(store(), Name("a:1")).status()), "E_CORRUPT") << size;
  }
  for (const std::string& text :
       {std::string(64, '\0'), std::string(100000, '{'), std::string("[]"),
        std::string("{\"digest\":\"sha256:../../x\"}")}) {
    Write(path, text);
    EXPECT_EQ(base::ErrorWord(GetRef(store(), Name("a:1")).status()), "E_CORRUPT") << text;
  }
  Remove(path);
  MakeDir(path);
  EXPECT_EQ(base::ErrorWord(GetRef(store(), Name("a:1")).status()), "E_CORRUPT");
}

TEST_F(RefsTest, AScanTellsWhatIsDamaged) {
  ASSERT_TRUE(SetRef(store(), Name("alpine:1"), Manifest("a")).ok());
  Write("state/refs/docker.io/library/alpine/:2", "{");

  const auto scan = ScanRefs(store());

  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_EQ(scan->refs.size(), 1u);
  ASSERT_EQ(scan->damaged.size(), 1u);
  EXPECT_EQ(scan->damaged[0].path, "refs/docker.io/library/alpine/:2");
  EXPECT_EQ(base::ErrorWord(scan->damaged[0].why), "E_CORRUPT");
  EXPECT_EQ(RefPath(Name("alpine:2")), scan->damaged[0].path);
}

TEST_F(RefsTest, TheIndexCanBeRemade) {
  ASSERT_TRUE(SetRef(store(), Name("alpine:1"), Manifest("a")).ok());
  const std::string whole = Read("state/images/index.json");
  Write("state/images/index.json", "{}");

  ASSERT_TRUE(RemakeIndex(store()).ok());

  EXPECT_EQ(Read("state/images/index.json"), whole);
}

}  // namespace
}  // namespace stave::store
