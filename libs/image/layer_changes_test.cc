// SPDX-License-Identifier: Apache-2.0
#include "libs/image/layer_changes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/archive/byte_sink.h"
#include "libs/archive/byte_source.h"
#include "libs/archive/tar_reader.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"
#include "libs/testutil/temp_dir.h"

namespace stave::image {
namespace {

constexpr char kOpaque[] = "user.overlay.opaque";

// Two layers below an upper directory; all times are one unless said otherwise.
class LayerChanges : public ::testing::Test {
 protected:
  LayerChanges() {
    for (const char* name : {"upper", "top", "base"}) dir_.Mkdir(name);
  }

  void Put(const std::string& path) {
    dir_.Mkdir(path.substr(0, path.rfind('/')));
    dir_.Put(path, path);
  }
  void Mkdir(const std::string& path) { dir_.Mkdir(path); }
  void Whiteout(const std::string& path) {
    ASSERT_EQ(::mknod(Full(path).c_str(), S_IFCHR, makedev(0, 0)), 0) << path;
  }
  bool MakeOpaque(const std::string& path) {
    return ::setxattr(Full(path).c_str(), kOpaque, "y", 1, 0) == 0;
  }
  void SetTime(const std::string& path, time_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, Full(path).c_str(), times, 0), 0) << path;
  }
  std::string Full(const std::string& path) { return absl::StrCat(dir_.path(), "/", path); }

  std::vector<Change> Find() {
    LayerStack stack;
    stack.opaque = kOpaque;
    stack.mount_points = mount_points_;
    stack.upper = Open("upper");
    stack.lowers = {Open("top"), Open("base")};
    auto changes = FindChanges(stack);
    EXPECT_TRUE(changes.ok()) << changes.status();
    return changes.ok() ? *changes : std::vector<Change>();
  }

  // "C etc|A etc/motd|..".
  std::string Lines() {
    std::string text;
    for (const Change& change : Find()) {
      absl::StrAppend(&text, text.empty() ? "" : "|",
                      std::string(1, "ACD"[static_cast<int>(change.kind)]), " ", change.path);
    }
    return text;
  }

  // The names in the layer's tar.
  std::string Layer() {
    std::string text, names;
    archive::StringSink sink(&text);
    archive::TarWriter tar(&sink);
    told_.clear();
    EXPECT_TRUE(WriteLayer(
                    Open("upper"), Find(),
                    [this](const std::string& message) { told_.push_back(message); }, &tar)
                    .ok());
    EXPECT_TRUE(tar.Finish().ok());
    archive::MemorySource source(text, 4096);
    archive::TarReader reader(&source);
    archive::TarEntry entry;
    for (;;) {
      const auto more = reader.Next(&entry);
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) return names;
      absl::StrAppend(&names, names.empty() ? "" : "|", entry.path);
    }
  }

  int Open(const char* name) {
    fds_.emplace_back(::open(Full(name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return fds_.back().get();
  }

  testutil::TempDir dir_;
  std::vector<base::UniqueFd> fds_;
  std::set<std::string> mount_points_;
  std::vector<std::string> told_;
};

TEST_F(LayerChanges, AnEmptyUpperDirectoryHasNone) {
  Put("base/etc/passwd");
  EXPECT_EQ(Lines(), "");
  EXPECT_EQ(Layer(), "");
}

TEST_F(LayerChanges, NewChangedAndGone) {
  Put("base/etc/passwd");
  Put("base/etc/shadow");
  Put("top/etc/group");
  Put("upper/etc/passwd");
  Put("upper/etc/motd");
  Whiteout("upper/etc/shadow");
  Whiteout("upper/etc/group");
  EXPECT_EQ(Lines(), "C etc|D etc/group|A etc/motd|C etc/passwd|D etc/shadow");
  EXPECT_EQ(Layer(), "etc|etc/.wh.group|etc/motd|etc/passwd|etc/.wh.shadow");
}

TEST_F(LayerChanges, TheOrderIsThatOfNamesDirectoryByDirectory) {
  Mkdir("upper/a");
  Put("upper/a/z");
  Put("upper/a-b");
  EXPECT_EQ(Lines(), "A a|A a/z|A a-b");
}

TEST_F(LayerChanges, AParentIsChangedAndAnUntouchedDirectoryIsNot) {
  for (const char* path : {"base/a", "base/a/b", "base/a/b/c", "base/same", "upper/a", "upper/a/b",
                           "upper/a/b/c", "upper/same"}) {
    Mkdir(path);
  }
  Put("upper/a/b/c/new");
  for (const char* path :
       {"base/a/b", "upper/a/b", "base/a", "upper/a", "base/same", "upper/same"}) {
    SetTime(path, 1);
  }
  EXPECT_EQ(Lines(), "C a|C a/b|C a/b/c|A a/b/c/new");
}

TEST_F(LayerChanges, ADirectoryWithOtherAttributesIsChanged) {
  for (const char* path : {"base/mode", "base/time", "upper/mode", "upper/time"}) Mkdir(path);
  ASSERT_EQ(::chmod(Full("upper/mode").c_str(), 0700), 0);
  for (const char* path : {"base/mode", "upper/mode", "base/time"}) SetTime(path, 1);
  SetTime("upper/time", 2);
  EXPECT_EQ(Lines(), "C mode|C time");
}

TEST_F(LayerChanges, TheTopmostLayerIsWhatCounts) {
  Put("base/gone");
  Whiteout("top/gone");
  Put("upper/gone");          // is not there below: new
  Whiteout("upper/nothing");  // hides nothing
  Put("base/file/inner");
  Put("top/file");  // a file over a directory
  Whiteout("upper/file");
  EXPECT_EQ(Lines(), "D file|A gone");
  EXPECT_EQ(Layer(), ".wh.file|gone");
}

TEST_F(LayerChanges, AnotherTypeIsAChange) {
  Put("base/was-directory/inner");
  Put("base/was-file");
  Put("upper/was-directory");
  Put("upper/was-file/inner");
  EXPECT_EQ(Lines(), "C was-directory|C was-file|A was-file/inner");
}

TEST_F(LayerChanges, AnOpaqueDirectoryHidesWhatIsBelow) {
  Put("base/d/old");
  Put("base/d/kept");
  Put("base/d/sub/old");
  Put("top/d/sub/older");
  Put("upper/d/kept");
  Put("upper/d/sub/new");
  if (!MakeOpaque("upper/d")) GTEST_SKIP() << "no user attributes here";
  EXPECT_EQ(Lines(), "C d|C d/kept|D d/old|C d/sub|A d/sub/new|D d/sub/old|D d/sub/older");
  EXPECT_EQ(Layer(), "d|d/.wh..wh..opq|d/kept|d/sub|d/sub/new");
}

TEST_F(LayerChanges, AnOpaqueLayerEndsTheLookBelow) {
  Put("base/d/old");
  Put("top/d/mine");
  Put("upper/d/old");
  Put("upper/d/mine");
  if (!MakeOpaque("top/d")) GTEST_SKIP() << "no user attributes here";
  EXPECT_EQ(Lines(), "C d|C d/mine|A d/old");
}

TEST_F(LayerChanges, WhatWasMadeToMountOnIsNone) {
  mount_points_ = {"proc", "etc/hosts", "dev", "data"};
  Mkdir("base/etc");
  Mkdir("upper/proc");
  Mkdir("upper/dev");
  Mkdir("upper/etc");
  dir_.Put("upper/etc/hosts", "");
  Put("upper/data/file");
  SetTime("base/etc", 1);
  EXPECT_EQ(Lines(), "A data|A data/file");
  dir_.Put("upper/etc/hosts", "written");
  EXPECT_EQ(Lines(), "A data|A data/file|C etc|A etc/hosts");
}

TEST_F(LayerChanges, ANameThatALayerCannotHaveIsTold) {
  Put("upper/.wh.fake");
  Put("upper/.wh.dir/file");
  Put("upper/real");
  EXPECT_EQ(Layer(), "real");
  EXPECT_EQ(told_.size(), 3u);
}

TEST_F(LayerChanges, HardLinksStayTogether) {
  Put("upper/a");
  ASSERT_EQ(::link(Full("upper/a").c_str(), Full("upper/b").c_str()), 0);
  std::string text;
  archive::StringSink sink(&text);
  archive::TarWriter tar(&sink);
  ASSERT_TRUE(WriteLayer(Open("upper"), Find(), nullptr, &tar).ok());
  ASSERT_TRUE(tar.Finish().ok());
  archive::MemorySource source(text, 4096);
  archive::TarReader reader(&source);
  archive::TarEntry entry;
  ASSERT_TRUE(reader.Next(&entry).ok());
  ASSERT_TRUE(reader.Next(&entry).ok());
  EXPECT_EQ(entry.type, archive::TarType::kHardLink);
  EXPECT_EQ(entry.link, "a");
}

TEST_F(LayerChanges, DeepTreesNeedNoDeepStack) {
  std::string path = "upper";
  base::UniqueFd at(::open(Full("upper").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (int depth = 0; depth < 300; ++depth) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
    at = base::UniqueFd(::openat(at.get(), "d", O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  EXPECT_EQ(Find().size(), 300u);
  for (int depth = 0; depth < 20; ++depth) {
    const std::string name(200, 'n');
    ASSERT_EQ(::mkdirat(at.get(), name.c_str(), 0755), 0);
    at = base::UniqueFd(::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  LayerStack stack;
  stack.upper = Open("upper");
  EXPECT_TRUE(absl::IsResourceExhausted(FindChanges(stack).status()));
}

}  // namespace
}  // namespace stave::image
