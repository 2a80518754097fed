// SPDX-License-Identifier: Apache-2.0
#include "libs/log/journal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/unique_fd.h"

namespace stave::log {
namespace {

// A socket that stands for the journal's.
class JournalTest : public ::testing::Test {
 protected:
  JournalTest() {
    char folder[] = "/tmp/stave-journal-XXXXXX";  // short enough for a socket
    folder_ = ::mkdtemp(folder);
    path_ = folder_ + "/socket";
    Listen();
  }
  ~JournalTest() override { (void)base::RemoveTreeAt(AT_FDCWD, folder_); }

  void Listen() {
    ::unlink(path_.c_str());
    socket_ = base::UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  std::string Received() {
    char text[65536];
    const ssize_t n = ::recv(socket_.get(), text, sizeof text, MSG_DONTWAIT);
    return n < 0 ? "(none)" : std::string(text, static_cast<size_t>(n));
  }
  Journal Open(const Origin& origin) {
    auto journal = Journal::Open(origin, path_);
    EXPECT_TRUE(journal.ok()) << journal.status();
    return *std::move(journal);
  }

  std::string folder_;
  std::string path_;
  base::UniqueFd socket_;
};

const Origin kOrigin = {.id = std::string(64, 'a'), .name = "web", .tag = "", .image = "alpine"};
constexpr char kFields[] =
    "CONTAINER_ID=aaaaaaaaaaaa\n"
    "CONTAINER_ID_FULL=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
    "CONTAINER_NAME=web\nCONTAINER_TAG=aaaaaaaaaaaa\nSYSLOG_IDENTIFIER=aaaaaaaaaaaa\n"
    "IMAGE_NAME=alpine\n";

TEST_F(JournalTest, SendsTheFieldsThatDockerHas) {
  Journal journal = Open(kOrigin);

  EXPECT_TRUE(journal.Send(Stream::kStdout, "hello\n", false, absl::UnixEpoch()));
  EXPECT_EQ(Received(), std::string(kFields) +
                            "PRIORITY=6\nSYSLOG_TIMESTAMP=1970-01-01T00:00:00Z\nMESSAGE=hello\n");
  EXPECT_TRUE(journal.Send(Stream::kStderr, "part", true, absl::UnixEpoch()));
  EXPECT_EQ(Received(), std::string(kFields) +
                            "PRIORITY=3\nSYSLOG_TIMESTAMP=1970-01-01T00:00:00Z\n"
                            "CONTAINER_PARTIAL_MESSAGE=true\nMESSAGE=part\n");
}

TEST_F(JournalTest, AttributesAreFieldsAndNewlinesAreToldByLength) {
  Origin origin = kOrigin;
  origin.tag = "my tag";
  origin.attributes = {{"com.example/key", "v"}, {"_", "x"}, {"two", "a\nb"}};
  Journal journal = Open(origin);

  EXPECT_TRUE(journal.Send(Stream::kStdout, "\n", false, absl::UnixEpoch()));

  const std::string received = Received();
  EXPECT_NE(received.find("\nCOM_EXAMPLE_KEY=v\n"), received.npos) << received;
  EXPECT_NE(received.find(std::string("\nTWO\n\x03\0\0\0\0\0\0\0a\nb\n", 17)), received.npos);
  EXPECT_NE(received.find("\nSYSLOG_IDENTIFIER=my tag\n"), received.npos);
  EXPECT_NE(received.find("\nMESSAGE=\n"), received.npos);
}

TEST_F(JournalTest, AJournalThatStartsAnewIsFound) {
  Journal journal = Open(kOrigin);
  socket_.Reset();
  EXPECT_FALSE(journal.Send(Stream::kStdout, "lost\n", false, absl::UnixEpoch()));
  Listen();
  EXPECT_TRUE(journal.Send(Stream::kStdout, "there\n", false, absl::UnixEpoch()));
}

TEST_F(JournalTest, OneThatTakesNothingStopsNobody) {
  Journal journal = Open(kOrigin);
  int sent = 0;
  while (journal.Send(Stream::kStdout, "x\n", false, absl::UnixEpoch())) ++sent;
  EXPECT_GT(sent, 0);
  for (int i = 0; i < 10000; ++i) {  // with patience for each it would take half an hour
    EXPECT_FALSE(journal.Send(Stream::kStdout, "x\n", false, absl::UnixEpoch()));
  }
  while (Received() != "(none)") {
  }
  EXPECT_TRUE(journal.Send(Stream::kStdout, "x\n", false, absl::UnixEpoch()));
}

TEST_F(JournalTest, NoJournalIsAnErrorWithAHint) {
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  const auto journal = Journal::Open(kOrigin, path_);
  ASSERT_FALSE(journal.ok());
  EXPECT_EQ(base::ErrorWord(journal.status()), "E_UNSUPPORTED");
  EXPECT_NE(base::ErrorHint(journal.status()), "");
}

TEST(FieldNameTest, IsMadeOfWhatJournaldTakes) {
  EXPECT_EQ(FieldName("com.docker-x1"), "COM_DOCKER_X1");
  EXPECT_EQ(FieldName("__a__"), "A__");
  EXPECT_EQ(FieldName("\u00e9"), "");
}

}  // namespace
}  // namespace stave::log
