// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/container.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "libs/base/atomic_file.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/process.h"
#include "libs/testutil/temp_dir.h"

namespace stave::lifecycle {
namespace {

class ContainerTest : public ::testing::Test {
 protected:
  Root root() const { return Root::Make(dir_).value(); }
  static Record Named(const std::string& id) {
    Record record;
    record.id = id;
    record.oci_version = "1.0.2";
    record.created = absl::FromUnixSeconds(1700000000);
    return record;
  }
  void Write(const std::string& name, absl::string_view text) const {
    const auto container = base::OpenDirAt(root().dir(), "c");
    ASSERT_TRUE(
        base::ReplaceFileAt(container->get(), name, text, 0600, base::Durability::kVolatile).ok());
  }
  testutil::TempDir temp_;
  const std::string& dir_ = temp_.path();
};

TEST_F(ContainerTest, IsFoundAsItWasMade) {
  ASSERT_TRUE(Container::Make(root(), Named("c"), "{\"a\":1}").ok());

  const auto container = Container::Open(root(), "c");

  ASSERT_TRUE(container.ok()) << container.status();
  EXPECT_EQ(container->ReadRecord()->id, "c");
  EXPECT_EQ(container->ReadConfig().value(), "{\"a\":1}");
  EXPECT_EQ(container->owner(), ::geteuid());
  EXPECT_EQ(root().Ids().value().size(), 1u);
}

TEST_F(ContainerTest, ThereIsOneOfAName) {
  ASSERT_TRUE(Container::Make(root(), Named("c"), "").ok());

  const auto second = Container::Make(root(), Named("c"), "");

  EXPECT_TRUE(absl::IsAlreadyExists(second.status()));
  EXPECT_EQ(second.status().message(), "container with given ID already exists");
  EXPECT_EQ(Container::CheckFree(root(), "c").message(), second.status().message());
}

TEST_F(ContainerTest, OneThatIsNotThere) {
  const auto container = Container::Open(root(), "c");

  EXPECT_EQ(base::ErrorWord(container.status()), "E_NO_CONTAINER");
  EXPECT_EQ(container.status().message(), "container \"c\" does not exist");
}

TEST_F(ContainerTest, WhatAKilledCreateLeftIsCleared) {
  ASSERT_EQ(::mkdirat(root().dir(), "c~new", 0700), 0);
  ASSERT_EQ(::mknodat(root().dir(), "c~new/state.json", S_IFREG | 0600, 0), 0);

  EXPECT_TRUE(Container::Make(root(), Named("c"), "").ok());

  EXPECT_NE(::faccessat(root().dir(), "c~new", F_OK, 0), 0);
}

TEST_F(ContainerTest, StraysGo) {
  for (const char* name : {"c~new", "c~gone"}) ASSERT_EQ(::mkdirat(root().dir(), name, 0700), 0);

  RemoveStrays(root(), "c");

  for (const char* name : {"c~new", "c~gone"}) {
    EXPECT_NE(::faccessat(root().dir(), name, F_OK, 0), 0) << name;
  }
}

TEST_F(ContainerTest, TheMakerHasTheLock) {
  auto made = Container::Make(root(), Named("c"), "");
  ASSERT_TRUE(made.ok());
  auto other = Container::Open(root(), "c");

  EXPECT_FALSE(other->TryLock().value());
  { const Container gone = *std::move(made); }
  EXPECT_TRUE(other->TryLock().value());
}

TEST_F(ContainerTest, NobodyLocksWhatIsGone) {
  auto first = Container::Open(root(), "c");
  ASSERT_TRUE(Container::Make(root(), Named("c"), "").ok());
  first = Container::Open(root(), "c");
  auto second = Container::Open(root(), "c");
  ASSERT_TRUE(first->Lock().ok());
  ASSERT_TRUE(first->Remove(root()).ok());
  // The id is free, and another container may have it.
  {
    const auto third = Container::Open(root(), "c");
    EXPECT_FALSE(third.ok());
  }
  ASSERT_TRUE(Container::Make(root(), Named("c"), "").ok());
  { const Container gone = *std::move(first); }

  EXPECT_TRUE(absl::IsNotFound(second->Lock()));
}

TEST_F(ContainerTest, IsBeingCreatedWhileItsCreatorLives) {
  Record record = Named("c");
  record.creator = base::IdentifyProcess(::getpid()).value();
  const auto container = Container::Make(root(), record, "");
  ASSERT_TRUE(container.ok());

  EXPECT_EQ(container->Look()->status, Status::kCreating);

  record.creator->start_time += 1;  // another process that has its number
  ASSERT_TRUE(container->WriteRecord(record).ok());
  EXPECT_EQ(container->Look()->status, Status::kStopped);
}

TEST_F(ContainerTest, IsCreatedUntilTheFifoIsGone) {
  Record record = Named("c");
  record.init = base::IdentifyProcess(::getpid()).value();
  const auto container = Container::Make(root(), record, "");
  ASSERT_EQ(::mkfifoat(container->dir(), "exec.fifo", 0600), 0);

  EXPECT_EQ(container->Look()->status, Status::kCreated);
  ASSERT_EQ(::unlinkat(container->dir(), "exec.fifo", 0), 0);
  const auto running = container->Look();

  EXPECT_EQ(running->status, Status::kRunning);
  EXPECT_EQ(running->pid(), ::getpid());
}

TEST_F(ContainerTest, AZombieHasStopped) {
  int gate[2];
  ASSERT_EQ(::pipe2(gate, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte;
    ::close(gate[1]);
    [[maybe_unused]] const ssize_t n = ::read(gate[0], &byte, 1);
    ::_exit(0);
  }
  Record record = Named("c");
  record.init = base::IdentifyProcess(child).value();
  const auto container = Container::Make(root(), record, "");
  EXPECT_EQ(container->Look()->status, Status::kRunning);
  ::close(gate[0]);
  ::close(gate[1]);
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);

  const auto stopped = container->Look();

  EXPECT_EQ(stopped->status, Status::kStopped);
  EXPECT_EQ(stopped->pid(), 0);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST_F(ContainerTest, AnotherBootHasStoppedIt) {
  Record record = Named("c");
  record.init = base::IdentifyProcess(::getpid()).value();
  record.init->boot_id = "00000000-0000-0000-0000-000000000000";
  const auto container = Container::Make(root(), record, "");

  EXPECT_EQ(container->Look()->status, Status::kStopped);
}

TEST_F(ContainerTest, ADamagedStateIsThisContainersError) {
  ASSERT_TRUE(Container::Make(root(), Named("c"), "").ok());
  ASSERT_TRUE(Container::Make(root(), Named("d"), "").ok());
  for (const std::string& text :
       {std::string(), std::string("{"), std::string(100, '\0'), std::string("[1]")}) {
    Write("state.json", text);
    EXPECT_EQ(base::ErrorWord(Container::Open(root(), "c")->Look().status()), "E_CORRUPT");
  }
  EXPECT_TRUE(Container::Open(root(), "d")->Look().ok());
}

TEST_F(ContainerTest, AStateThatIsNoFileOfOursIsNotRead) {
  const auto container = Container::Make(root(), Named("c"), "");
  ASSERT_EQ(::fchmodat(container->dir(), "state.json", 0666, 0), 0);
  EXPECT_EQ(base::ErrorWord(container->ReadRecord().status()), "E_CORRUPT");
  ASSERT_EQ(::unlinkat(container->dir(), "state.json", 0), 0);
  EXPECT_EQ(base::ErrorWord(container->ReadRecord().status()), "E_CORRUPT");
  ASSERT_EQ(::symlinkat("config.json", container->dir(), "state.json"), 0);
  EXPECT_EQ(base::ErrorWord(container->ReadRecord().status()), "E_CORRUPT");
  ASSERT_EQ(::unlinkat(container->dir(), "state.json", 0), 0);
  ASSERT_EQ(::mkfifoat(container->dir(), "state.json", 0600), 0);
  EXPECT_EQ(base::ErrorWord(container->ReadRecord().status()), "E_CORRUPT");
  ASSERT_EQ(::unlinkat(container->dir(), "state.json", 0), 0);
  ASSERT_EQ(::mkdirat(container->dir(), "state.json", 0700), 0);
  EXPECT_EQ(base::ErrorWord(container->ReadRecord().status()), "E_CORRUPT");
}

}  // namespace
}  // namespace stave::lifecycle
