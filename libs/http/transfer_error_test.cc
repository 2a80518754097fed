// SPDX-License-Identifier: Apache-2.0
#include "libs/http/transfer_error.h"

#include <curl/curl.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http/url.h"

namespace stave::http {
namespace {

absl::Status Error(CURLcode code, const char* detail = "", int connect_status = 0) {
  return TransferError(code, *ParseUrl("https://reg.example:5000/x?secret"), detail,
                       connect_status);
}

TEST(TransferErrorTest, Words) {
  EXPECT_EQ(base::ErrorWord(Error(CURLE_COULDNT_CONNECT)), "E_CONNECT");
  EXPECT_EQ(base::ErrorWord(Error(CURLE_OPERATION_TIMEDOUT)), "E_TIMEOUT");
  EXPECT_EQ(base::ErrorWord(Error(CURLE_PEER_FAILED_VERIFICATION)), "E_TLS");
  EXPECT_EQ(base::ErrorWord(Error(CURLE_RECV_ERROR)), "E_REMOTE");
  EXPECT_EQ(base::ErrorWord(Error(CURLE_OUT_OF_MEMORY)), "E_LIMIT");
}

TEST(TransferErrorTest, WhatBreaksTheProtocolIsNotWorthAnotherTry) {
  EXPECT_TRUE(absl::IsUnavailable(Error(CURLE_PARTIAL_FILE)));
  EXPECT_TRUE(absl::IsFailedPrecondition(Error(CURLE_WEIRD_SERVER_REPLY)));
}

TEST(TransferErrorTest, Texts) {
  EXPECT_EQ(Error(CURLE_COULDNT_RESOLVE_HOST).message(),
            "https://reg.example:5000: DNS knows no address of reg.example");
  EXPECT_EQ(Error(CURLE_SSL_CONNECT_ERROR, "error:0A: wrong version number").message(),
            "https://reg.example:5000: what answers there is no TLS");
  EXPECT_EQ(Error(CURLE_RECV_ERROR, "CONNECT tunnel failed", 407).message(),
            "https://reg.example:5000: the proxy answers CONNECT with status 407");
}

TEST(TransferErrorTest, NoPasswordOfAProxy) {
  const absl::Status status = Error(CURLE_COULDNT_CONNECT, "to http://user:pw@proxy");

  EXPECT_FALSE(absl::StrContains(status.message(), "pw"));
}

}  // namespace
}  // namespace stave::http
