// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/blob_transfer.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http/transfer.h"
#include "libs/oci/digest.h"

namespace stave::registry {
namespace {

http::Response Head(int status, std::vector<std::pair<std::string, std::string>> headers = {}) {
  http::Response response;
  response.status = status;
  response.headers = std::move(headers);
  return response;
}

// A transfer of "0123456789" of which the sink has had `offset` bytes.
class BlobTransferTest : public testing::Test {
 protected:
  BlobTransfer From(int64_t offset) {
    got_ = std::string("0123456789").substr(0, static_cast<size_t>(offset));
    return BlobTransfer(oci::DigestOf("0123456789"), 10, offset, [this](absl::string_view data) {
      absl::StrAppend(&got_, data);
      return absl::OkStatus();
    });
  }
  std::string got_;
};

TEST_F(BlobTransferTest, AllOfIt) {
  BlobTransfer transfer = From(0);

  EXPECT_EQ(transfer.Begin(), "");
  ASSERT_TRUE(transfer.TakeHead(Head(200, {{"content-length", "10"}})).ok());
  ASSERT_TRUE(transfer.TakeBody("01234").ok());
  ASSERT_TRUE(transfer.TakeBody("56789").ok());
  EXPECT_TRUE(transfer.done());
  EXPECT_TRUE(transfer.Judge(Head(200)).ok());
  EXPECT_EQ(got_, "0123456789");
}

TEST_F(BlobTransferTest, GoesOnWhereItBrokeOff) {
  BlobTransfer transfer = From(0);
  transfer.Begin();
  ASSERT_TRUE(transfer.TakeHead(Head(200, {{"content-length", "10"}})).ok());
  ASSERT_TRUE(transfer.TakeBody("0123").ok());

  EXPECT_EQ(transfer.Begin(), "bytes=4-");
  ASSERT_TRUE(transfer.TakeHead(Head(206, {{"content-range", "bytes 4-9/10"}})).ok());
  ASSERT_TRUE(transfer.TakeBody("456789").ok());
  EXPECT_EQ(transfer.progress(), 6);
  EXPECT_EQ(got_, "0123456789");
}

TEST_F(BlobTransferTest, ARegistryWithoutRangesStartsOver) {
  BlobTransfer transfer = From(4);
  EXPECT_EQ(transfer.Begin(), "bytes=4-");

  ASSERT_TRUE(transfer.TakeHead(Head(200, {{"content-length", "10"}})).ok());
  ASSERT_TRUE(transfer.TakeBody("012").ok());
  ASSERT_TRUE(transfer.TakeBody("3456789").ok());
  EXPECT_EQ(got_, "0123456789");
}

TEST_F(BlobTransferTest, AnotherRangeIsRefusedAndNotAskedForAgain) {
  for (const char* range : {"bytes 3-9/10", "bytes 5-9/10", "bytes 4-9", "bytes 9-4/10", "4-9/10",
                            "bytes */10", "", "bytes 4-9/10/10", "bytes -4-9/10"}) {
    BlobTransfer transfer = From(4);
    transfer.Begin();

    const absl::Status refused = transfer.TakeHead(Head(206, {{"content-range", range}}));

    EXPECT_EQ(base::ErrorWord(refused), "E_REMOTE") << range;
    EXPECT_TRUE(absl::IsUnavailable(refused)) << range;
    EXPECT_EQ(transfer.Begin(), "") << range;
  }
}

TEST_F(BlobTransferTest, APartOfTheRangeIsFollowedByTheNext) {
  BlobTransfer transfer = From(4);
  transfer.Begin();
  ASSERT_TRUE(transfer.TakeHead(Head(206, {{"content-range", "bytes 4-6/*"}})).ok());
  ASSERT_TRUE(transfer.TakeBody("456").ok());

  EXPECT_TRUE(absl::IsUnavailable(transfer.Judge(Head(206)).status()));
  EXPECT_EQ(transfer.Begin(), "bytes=7-");
}

TEST_F(BlobTransferTest, NoSuchRangeAsksForAllOfIt) {
  BlobTransfer transfer = From(4);
  transfer.Begin();

  EXPECT_TRUE(absl::IsUnavailable(transfer.Judge(Head(416)).status()));
  EXPECT_EQ(transfer.Begin(), "");
  EXPECT_EQ(transfer.Judge(Head(416))->status, 416);
}

TEST_F(BlobTransferTest, WhatWasNotAskedForIsRefused) {
  BlobTransfer transfer = From(0);
  transfer.Begin();

  EXPECT_EQ(transfer.TakeHead(Head(206, {{"content-range", "bytes 0-9/10"}})).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(transfer.TakeHead(Head(204)).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(BlobTransferTest, OtherSizesAreErrors) {
  const auto word = [this](int64_t offset, const http::Response& head) {
    BlobTransfer transfer = From(offset);
    transfer.Begin();
    return base::ErrorWord(transfer.TakeHead(head));
  };

  EXPECT_EQ(word(0, Head(200, {{"content-length", "11"}})), "E_SIZE");
  EXPECT_EQ(word(0, Head(200, {{"content-length", "9"}})), "E_SIZE");
  EXPECT_EQ(word(4, Head(206, {{"content-range", "bytes 4-10/11"}})), "E_SIZE");
  EXPECT_EQ(word(4, Head(206, {{"content-range", "bytes 4-8/9"}})), "E_SIZE");

  BlobTransfer transfer = From(0);
  transfer.Begin();
  ASSERT_TRUE(transfer.TakeHead(Head(200)).ok());
  EXPECT_EQ(base::ErrorWord(transfer.TakeBody("0123456789x")), "E_SIZE");
}

TEST_F(BlobTransferTest, AnEndWithoutALengthIsAskedAboutOnce) {
  BlobTransfer transfer = From(0);
  transfer.Begin();
  ASSERT_TRUE(transfer.TakeHead(Head(200)).ok());
  ASSERT_TRUE(transfer.TakeBody("01234").ok());
  EXPECT_EQ(base::ErrorWord(transfer.Judge(Head(200)).status()), "E_REMOTE");

  transfer.Begin();
  ASSERT_TRUE(transfer.TakeHead(Head(200)).ok());
  ASSERT_TRUE(transfer.TakeBody("01234").ok());
  EXPECT_EQ(base::ErrorWord(transfer.Judge(Head(200)).status()), "E_SIZE");
}

TEST_F(BlobTransferTest, ABreakAfterTheLastByteIsNone) {
  BlobTransfer transfer = From(9);
  transfer.Begin();
  ASSERT_TRUE(transfer.TakeHead(Head(206, {{"content-range", "bytes 9-9/10"}})).ok());
  ASSERT_TRUE(transfer.TakeBody("9").ok());

  EXPECT_TRUE(transfer.Judge(base::Error(absl::StatusCode::kUnavailable, "E_REMOTE", "x")).ok());
}

}  // namespace
}  // namespace stave::registry
