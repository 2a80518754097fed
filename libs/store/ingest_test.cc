// SPDX-License-Identifier: Apache-2.0
#include "libs/store/ingest.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/lock.h"
#include "libs/store/blobs.h"
#include "libs/store/folder.h"
#include "libs/store/test_store.h"

namespace stave::store {
namespace {

const oci::Digest kDigest = oci::DigestOf("hello");

class IngestTest : public StoreTest {
 protected:
  // What a writer that was killed leaves.
  void LeavePartial(const std::string& content) {
    Write("state/ingest/sha256-" + kDigest.hex(), content);
    Write("state/ingest/sha256-" + kDigest.hex() + ".lock", "");
  }
  size_t InIngest() const {
    size_t count = 0;
    for (const char* suffix : {"", ".lock"}) {
      count += Exists("state/ingest/sha256-" + kDigest.hex() + suffix) ? 1 : 0;
      count += Exists("state/ingest/layer-" + kDigest.hex() + suffix) ? 1 : 0;
    }
    return count;
  }
};

TEST_F(IngestTest, ABlobIsNamedByCommit) {
  auto ingest = BlobIngest::Begin(store(), kDigest, 5);
  ASSERT_TRUE(ingest.ok()) << ingest.status();
  ASSERT_TRUE(ingest->has_value());
  ASSERT_EQ(::write((*ingest)->fd(), "hello", 5), 5);
  EXPECT_FALSE(HasBlob(store(), kDigest, 5));

  ASSERT_TRUE((*ingest)->Commit(Synced::kNo).ok());

  EXPECT_TRUE(HasBlob(store(), kDigest, 5));
  EXPECT_FALSE(HasBlob(store(), kDigest, 4));
  EXPECT_EQ(ReadBlob(store(), kDigest, 5, 100).value(), "hello");
  EXPECT_EQ(InIngest(), 0u);
}

TEST_F(IngestTest, AWrongSizeIsNotNamed) {
  auto ingest = BlobIngest::Begin(store(), kDigest, 6);
  ASSERT_TRUE(ingest.ok() && ingest->has_value());
  ASSERT_EQ(::write((*ingest)->fd(), "hello", 5), 5);

  EXPECT_EQ(base::ErrorWord((*ingest)->Commit(Synced::kNo)), "E_CORRUPT");

  EXPECT_FALSE(HasBlob(store(), kDigest, 5));
}

TEST_F(IngestTest, WhatIsThereNeedsNoIngest) {
  Write("state/images/blobs/sha256/" + kDigest.hex(), "hello");

  const auto ingest = BlobIngest::Begin(store(), kDigest, 5);

  ASSERT_TRUE(ingest.ok());
  EXPECT_FALSE(ingest->has_value());
  EXPECT_EQ(InIngest(), 0u);
}

TEST_F(IngestTest, ADamagedBlobIsReplaced) {
  Write("state/images/blobs/sha256/" + kDigest.hex(), "hel");
  EXPECT_EQ(base::ErrorWord(OpenBlob(store(), kDigest, 5).status()), "E_CORRUPT");

  auto ingest = BlobIngest::Begin(store(), kDigest, 5);
  ASSERT_TRUE(ingest.ok() && ingest->has_value());
  ASSERT_EQ(::write((*ingest)->fd(), "hello", 5), 5);
  ASSERT_TRUE((*ingest)->Commit(Synced::kYes).ok());

  EXPECT_EQ(ReadBlob(store(), kDigest, -1, 100).value(), "hello");
}

TEST_F(IngestTest, APartialBlobIsContinued) {
  LeavePartial("hel");

  auto ingest = BlobIngest::Begin(store(), kDigest, 5);

  ASSERT_TRUE(ingest.ok() && ingest->has_value());
  EXPECT_EQ((*ingest)->present(), 3);
  ASSERT_EQ(::pwrite((*ingest)->fd(), "lo", 2, 3), 2);
  ASSERT_TRUE((*ingest)->Commit(Synced::kNo).ok());
  EXPECT_EQ(ReadBlob(store(), kDigest, 5, 100).value(), "hello");
}

TEST_F(IngestTest, APartialBlobThatIsTooLongIsBegunAnew) {
  LeavePartial("more than five");

  const auto ingest = BlobIngest::Begin(store(), kDigest, 5);

  ASSERT_TRUE(ingest.ok() && ingest->has_value());
  EXPECT_EQ((*ingest)->present(), 0);
}

TEST_F(IngestTest, GivingUpKeepsThePartAndDiscardDoesNot) {
  {
    auto ingest = BlobIngest::Begin(store(), kDigest, 5);
    ASSERT_TRUE(ingest.ok() && ingest->has_value());
    ASSERT_EQ(::write((*ingest)->fd(), "he", 2), 2);
  }
  EXPECT_EQ(InIngest(), 2u);
  {
    auto ingest = BlobIngest::Begin(store(), kDigest, 5);
    ASSERT_TRUE(ingest.ok() && ingest->has_value());
    EXPECT_EQ((*ingest)->present(), 2);
    ASSERT_TRUE((*ingest)->Discard().ok());
  }
  EXPECT_EQ(InIngest(), 0u);
  {
    const auto nothing = BlobIngest::Begin(store(), kDigest, 5);
    ASSERT_TRUE(nothing.ok() && nothing->has_value());
  }
  EXPECT_EQ(InIngest(), 0u);
}

TEST_F(IngestTest, AnotherWriterWaitsAndFindsItDone) {
  auto ingest = BlobIngest::Begin(store(), kDigest, 5);
  ASSERT_TRUE(ingest.ok() && ingest->has_value());
  ASSERT_EQ(::write((*ingest)->fd(), "hello", 5), 5);
  const pid_t other = ::fork();
  if (other == 0) {
    // The child's copies of the lock would keep it locked.
    ::close_range(3, ~0u, 0);
    const auto mine = Store::OpenRoots(roots(), Access::kWrite);
    const auto begun = BlobIngest::Begin(*mine, kDigest, 5);
    ::_exit(begun.ok() && !begun->has_value() ? 0 : 1);
  }
  ASSERT_TRUE((*ingest)->Commit(Synced::kNo).ok());

  int status = -1;
  ASSERT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
}

TEST_F(IngestTest, WhoIsCancelledDoesNotWait) {
  const auto blob = BlobIngest::Begin(store(), kDigest, 5);
  const auto tree = LayerIngest::Begin(store(), kDigest, kDigest);
  ASSERT_TRUE(blob.ok() && blob->has_value() && tree.ok() && tree->has_value());
  const auto cancelled = [] { return true; };

  const auto other = BlobIngest::Begin(store(), kDigest, 5, nullptr, cancelled);
  EXPECT_TRUE(absl::IsCancelled(other.status())) << other.status();
  const auto another = LayerIngest::Begin(store(), kDigest, kDigest, nullptr, cancelled);
  EXPECT_TRUE(absl::IsCancelled(another.status())) << another.status();
  EXPECT_EQ(InIngest(), 4u);
}

TEST_F(IngestTest, WhatIsNoLayerDoesNotKeepALayersName) {
  Write("kept", "x");
  const std::string path = "state/layers/" + kDigest.hex();
  for (const bool link : {false, true}) {
    Remove(path);
    auto ingest = LayerIngest::Begin(store(), kDigest, kDigest);
    ASSERT_TRUE(ingest.ok() && ingest->has_value());
    ASSERT_TRUE((*ingest)->SetMeta(kDigest, {kDigest, std::nullopt, 1, 2}).ok());
    if (link) {
      ASSERT_EQ(::symlink((folder() + "/kept").c_str(), (folder() + "/" + path).c_str()), 0);
    } else {
      Write(path, "no layer");
    }

    ASSERT_TRUE((*ingest)->Commit(Synced::kYes).ok());

    EXPECT_TRUE(Exists(path + "/fs"));
    EXPECT_EQ(InIngest(), 0u);
  }
  EXPECT_EQ(Read("kept"), "x");
}

TEST_F(IngestTest, ALayerThatIsThereIsKept) {
  auto ingest = LayerIngest::Begin(store(), kDigest, kDigest);
  ASSERT_TRUE(ingest.ok() && ingest->has_value());
  ASSERT_TRUE((*ingest)->SetMeta(kDigest, {kDigest, std::nullopt, 1, 2}).ok());
  MakeDir("state/layers/" + kDigest.hex());
  Write("state/layers/" + kDigest.hex() + "/old", "x");

  ASSERT_TRUE((*ingest)->Commit(Synced::kYes).ok());

  EXPECT_TRUE(Exists("state/layers/" + kDigest.hex() + "/old"));
  EXPECT_EQ(InIngest(), 0u);
}

TEST_F(IngestTest, ALayerIsNamedByItsKey) {
  const oci::Digest chain = oci::DigestOf("chain");
  auto ingest = LayerIngest::Begin(store(), kDigest, chain);
  ASSERT_TRUE(ingest.ok() && ingest->has_value());
  ASSERT_EQ(::mkdirat((*ingest)->fs(), "etc", 0755), 0);
  EXPECT_EQ((*ingest)->Commit(Synced::kYes).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE((*ingest)->SetMeta(oci::DigestOf("x"), {kDigest, chain, 1, 2}).ok());

  ASSERT_TRUE((*ingest)->SetMeta(chain, {kDigest, chain, 1, 2}).ok());
  ASSERT_TRUE((*ingest)->Commit(Synced::kNo).ok());

  EXPECT_EQ(FindLayer(store(), kDigest, chain), chain);
  EXPECT_TRUE(Exists("state/layers/" + chain.hex() + "/fs/etc"));
  EXPECT_EQ(ReadLayerMeta(store(), chain)->entries, 2);
  EXPECT_EQ(InIngest(), 0u);
  EXPECT_FALSE(LayerIngest::Begin(store(), kDigest, chain)->has_value());
}

TEST_F(IngestTest, AnUnfinishedTreeIsRemoved) {
  {
    auto ingest = LayerIngest::Begin(store(), kDigest, kDigest);
    ASSERT_TRUE(ingest.ok() && ingest->has_value());
    ASSERT_EQ(::mkdirat((*ingest)->fs(), "a", 0700), 0);
    EXPECT_EQ(InIngest(), 2u);
  }

  EXPECT_EQ(InIngest(), 0u);
}

TEST_F(IngestTest, ADeadWritersTreeIsBegunAnew) {
  MakeDir("state/ingest/layer-" + kDigest.hex());
  MakeDir("state/ingest/layer-" + kDigest.hex() + "/fs");
  Write("state/ingest/layer-" + kDigest.hex() + "/fs/old", "x");

  auto ingest = LayerIngest::Begin(store(), kDigest, kDigest);

  ASSERT_TRUE(ingest.ok() && ingest->has_value());
  EXPECT_LT(::faccessat((*ingest)->fs(), "old", F_OK, 0), 0);
}

TEST_F(IngestTest, SweepRemovesTreesAndOldPartsOfDeadWriters) {
  LeavePartial("hel");
  MakeDir("state/ingest/layer-" + kDigest.hex());
  Write("state/ingest/layer-" + kDigest.hex() + "/x", "x");

  ASSERT_TRUE(SweepIngest(store()).ok());
  EXPECT_FALSE(Exists("state/ingest/layer-" + kDigest.hex()));
  EXPECT_TRUE(Exists("state/ingest/sha256-" + kDigest.hex()));

  const struct timespec old[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(::utimensat(store().state(), ("ingest/sha256-" + kDigest.hex()).c_str(), old, 0), 0);
  ASSERT_TRUE(SweepIngest(store()).ok());
  EXPECT_EQ(InIngest(), 0u);
}

TEST_F(IngestTest, SweepRemovesWhatIsNoLockAndNoLease) {
  Write("kept", "x");
  const std::string ingest = folder() + "/state/ingest/";
  MakeDir("state/ingest/a.lock");
  Write("state/ingest/a.lock/x", "x");
  MakeDir("state/ingest/pull-a");
  Write("state/ingest/pull-a/x", "x");
  ASSERT_EQ(::symlink((folder() + "/kept").c_str(), (ingest + "b.lock").c_str()), 0);
  ASSERT_EQ(::symlink((folder() + "/kept").c_str(), (ingest + "pull-b").c_str()), 0);
  ASSERT_EQ(::mkfifo((ingest + "c.lock").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((ingest + "pull-c").c_str(), 0600), 0);
  MakeDir("state/ingest/layer-" + kDigest.hex());

  const absl::Status swept = SweepIngest(store());

  ASSERT_TRUE(swept.ok()) << swept;
  EXPECT_TRUE(ListFolder(store().state(), "ingest")->empty());
  EXPECT_EQ(Read("kept"), "x");
}

TEST_F(IngestTest, SweepLeavesTheLiving) {
  const auto tree = LayerIngest::Begin(store(), kDigest, kDigest);
  ASSERT_TRUE(tree.ok() && tree->has_value());

  ASSERT_TRUE(SweepIngest(store()).ok());

  EXPECT_TRUE(Exists("state/ingest/layer-" + kDigest.hex() + "/fs"));
}

}  // namespace
}  // namespace stave::store
