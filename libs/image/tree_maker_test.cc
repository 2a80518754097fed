// SPDX-License-Identifier: Apache-2.0
//
// TreeMaker, and TreeReader as what feeds it.
#include "libs/image/tree_maker.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/archive/tar_reader.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"
#include "libs/image/tree_entry.h"
#include "libs/image/tree_reader.h"
#include "libs/testutil/temp_dir.h"

namespace stave::image {
namespace {

using archive::TarEntry;
using archive::TarType;

class Text : public EntryData {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  absl::StatusOr<absl::string_view> ReadData() override {
    return std::exchange(done_, true) ? absl::string_view() : absl::string_view(text_);
  }
  uint64_t position() const override { return 0; }

 private:
  std::string text_;
  bool done_ = false;
};

class TreeMakerTest : public ::testing::Test {
 protected:
  TreeMakerTest() {
    dir_.Mkdir("from");
    dir_.Mkdir("to");
    dir_.Mkdir("outside");
    from_ = Open("from");
    to_ = Open("to");
  }

  std::string Full(absl::string_view path) { return absl::StrCat(dir_.path(), "/", path); }
  base::UniqueFd Open(absl::string_view path) {
    return base::UniqueFd(::open(Full(path).c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  }
  TellOmission Teller() {
    return [this](const std::string& message) { told_.push_back(message); };
  }
  struct stat Stat(absl::string_view path) {
    struct stat st {};
    EXPECT_EQ(::lstat(Full(path).c_str(), &st), 0) << path;
    return st;
  }
  TarEntry Entry(const std::string& path, TarType type) {
    TarEntry entry;
    entry.path = path;
    entry.type = type;
    entry.mode = 0644;
    entry.uid = ::geteuid();
    entry.gid = ::getegid();
    entry.mtime.tv_sec = 1000;
    return entry;
  }
  absl::Status Make(TreeMaker* maker, const std::string& path, const std::string& text) {
    TarEntry entry = Entry(path, TarType::kFile);
    entry.size = text.size();
    Text data(text);
    return maker->Take(entry, &data);
  }
  // Copies from/ to to/.
  absl::Status Copy() {
    TreeMaker maker({.top = to_.get(), .noun = "to"}, Teller());
    TreeReader reader(
        {}, [&](TarEntry* entry, EntryData* data) { return maker.Take(*entry, data); }, Teller());
    absl::Status copied = reader.ReadTree(from_.get(), ".");
    copied.Update(maker.Finish());
    return copied;
  }

  testutil::TempDir dir_;
  base::UniqueFd from_, to_;
  std::vector<std::string> told_;
};

TEST_F(TreeMakerTest, ATreeComesOutAsItWas) {
  dir_.Mkdir("from/a/b");
  dir_.Put("from/a/b/file", "text");
  ASSERT_EQ(::chmod(Full("from/a/b/file").c_str(), 04751), 0);
  ASSERT_EQ(::chmod(Full("from/a").c_str(), 0500), 0);
  ASSERT_EQ(::link(Full("from/a/b/file").c_str(), Full("from/z").c_str()), 0);
  ASSERT_EQ(::symlink("/nowhere", Full("from/link").c_str()), 0);
  ASSERT_EQ(::mkfifo(Full("from/fifo").c_str(), 0640), 0);
  const timespec times[2] = {{5, 6}, {-7, 8}};
  ASSERT_EQ(::utimensat(AT_FDCWD, Full("from/a/b").c_str(), times, 0), 0);
  ASSERT_EQ(Copy(), absl::OkStatus());
  EXPECT_EQ(dir_.Get("to/a/b/file"), "text");
  EXPECT_EQ(Stat("to/a/b/file").st_mode & 07777, 04751u);
  EXPECT_EQ(Stat("to/a").st_mode & 07777, 0500u);
  EXPECT_EQ(Stat("to/z").st_ino, Stat("to/a/b/file").st_ino);
  EXPECT_TRUE(S_ISLNK(Stat("to/link").st_mode));
  EXPECT_TRUE(S_ISFIFO(Stat("to/fifo").st_mode));
  EXPECT_EQ(Stat("to/a/b").st_mtim.tv_sec, Stat("from/a/b").st_mtim.tv_sec);
  EXPECT_EQ(Stat("to/a/b").st_mtim.tv_nsec, 8);
  EXPECT_TRUE(told_.empty());
  ::chmod(Full("from/a").c_str(), 0700);
  ::chmod(Full("to/a").c_str(), 0700);
}

TEST_F(TreeMakerTest, HolesStay) {
  const base::UniqueFd file(
      ::open(Full("from/holes").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  ASSERT_EQ(::pwrite(file.get(), "x", 1, 1 << 20), 1);
  ASSERT_EQ(::ftruncate(file.get(), 4 << 20), 0);
  ASSERT_EQ(Copy(), absl::OkStatus());
  EXPECT_EQ(Stat("to/holes").st_size, 4 << 20);
  EXPECT_LT(Stat("to/holes").st_blocks, 2048);
  EXPECT_EQ(dir_.Get("to/holes"), dir_.Get("from/holes"));
}

TEST_F(TreeMakerTest, SocketsAreToldAndLeftOut) {
  const base::UniqueFd at(::open(Full("from").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  absl::StrCat("/proc/self/fd/", at.get(), "/socket").copy(address.sun_path, 100);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(Copy(), absl::OkStatus());
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_TRUE(absl::StrContains(told_[0], "socket"));
}

TEST_F(TreeMakerTest, DirectoriesAndOthersDoNotReplaceOneAnother) {
  dir_.Put("to/file", "");
  dir_.Mkdir("to/directory");
  TreeMaker maker({.top = to_.get(), .noun = "to"}, Teller());
  EXPECT_TRUE(absl::StrContains(maker.Take(Entry("file", TarType::kDirectory), nullptr).message(),
                                "cannot overwrite non-directory"));
  EXPECT_TRUE(
      absl::StrContains(Make(&maker, "directory", "").message(), "cannot overwrite directory"));
  ASSERT_EQ(::symlink("directory", Full("to/link").c_str()), 0);
  EXPECT_TRUE(absl::StrContains(maker.Take(Entry("link", TarType::kDirectory), nullptr).message(),
                                "cannot overwrite non-directory"));
}

TEST_F(TreeMakerTest, ALinkIsReplacedAndNotFollowed) {
  dir_.Put("outside/file", "theirs");
  ASSERT_EQ(::symlink("../outside/file", Full("to/file").c_str()), 0);
  TreeMaker maker({.top = to_.get()}, Teller());
  ASSERT_EQ(Make(&maker, "file", "mine"), absl::OkStatus());
  EXPECT_EQ(dir_.Get("outside/file"), "theirs");
  EXPECT_EQ(dir_.Get("to/file"), "mine");
}

TEST_F(TreeMakerTest, ALinkOnTheWayIsRefusedOrStaysInTheRoot) {
  ASSERT_EQ(::symlink("../outside", Full("to/way").c_str()), 0);
  ASSERT_EQ(::symlink("/real", Full("to/inside").c_str()), 0);
  TreeMaker strict({.top = to_.get()}, Teller());
  EXPECT_TRUE(absl::IsFailedPrecondition(Make(&strict, "way/x", "")));
  EXPECT_FALSE(Make(&strict, "missing/x", "").ok());
  TreeMaker rooted({.top = to_.get(), .link_root = to_.get()}, Teller());
  ASSERT_EQ(Make(&rooted, "way/x", "1"), absl::OkStatus());
  EXPECT_EQ(dir_.Get("outside/x"), "");
  EXPECT_EQ(dir_.Get("to/outside/x"), "1");
  ASSERT_EQ(Make(&rooted, "inside/y", "2"), absl::OkStatus());
  EXPECT_EQ(dir_.Get("to/real/y"), "2");
  ASSERT_EQ(Make(&rooted, "new/deep/z", "3"), absl::OkStatus());
  EXPECT_EQ(dir_.Get("to/new/deep/z"), "3");
}

TEST_F(TreeMakerTest, WhiteoutsAreLeftOut) {
  TreeMaker maker({.top = to_.get()}, Teller());
  ASSERT_EQ(maker.Take(Entry("w", TarType::kCharDevice), nullptr), absl::OkStatus());
  EXPECT_EQ(told_.size(), 1u);
  TarEntry link = Entry("l", TarType::kHardLink);
  link.link = "w";
  ASSERT_EQ(maker.Take(link, nullptr), absl::OkStatus());
  EXPECT_EQ(told_.size(), 2u);
}

TEST_F(TreeMakerTest, WhatIsBeingMadeIsNotCopied) {
  dir_.Put("from/file", "text");
  TreeMaker maker({.top = from_.get()}, Teller());
  TreeReader* reading = nullptr;
  TreeReader reader(
      {},
      [&](TarEntry* entry, EntryData* data) {
        const absl::Status made = maker.Take(*entry, data);
        if (entry->path == "copy") {
          const struct stat st = Stat("from/copy");
          reading->Exclude(st.st_dev, st.st_ino);
        }
        return made;
      },
      Teller());
  reading = &reader;
  ASSERT_EQ(reader.ReadTree(from_.get(), "copy"), absl::OkStatus());
  EXPECT_EQ(dir_.Get("from/copy/file"), "text");
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(TreeMakerTest, DeepTreesNeedFewDescriptors) {
  base::UniqueFd at(::open(Full("from").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (int depth = 0; depth < 300; ++depth) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
    const base::UniqueFd file(
        ::openat(at.get(), "z", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));  // after the directory
    at = base::UniqueFd(::openat(at.get(), "d", O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  int entries = 0;
  TreeReader reader(
      {},
      [&](TarEntry*, EntryData*) {
        ++entries;
        return absl::OkStatus();
      },
      Teller());
  ASSERT_EQ(reader.ReadTree(from_.get(), "."), absl::OkStatus());
  EXPECT_EQ(entries, 601);
  EXPECT_TRUE(told_.empty());
  for (int depth = 0; depth < 20; ++depth) {
    const std::string name(200, 'n');
    ASSERT_EQ(::mkdirat(at.get(), name.c_str(), 0755), 0);
    at = base::UniqueFd(::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  EXPECT_TRUE(absl::IsResourceExhausted(reader.ReadTree(from_.get(), ".")));
}

}  // namespace
}  // namespace stave::image
