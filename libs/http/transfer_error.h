// SPDX-License-Identifier: Apache-2.0
//
// What libcurl calls an error, in the words of libs/http/transfer.h.

#ifndef STAVE_LIBS_HTTP_TRANSFER_ERROR_H_
#define STAVE_LIBS_HTTP_TRANSFER_ERROR_H_

#include <curl/curl.h>

#include "absl/status/status.h"
#include "libs/http/url.h"

namespace stave::http {

// `code` is not CURLE_OK; `detail` is the text of CURLOPT_ERRORBUFFER, "" for none;
// `connect_status` the status that a proxy answered CONNECT with, 0 for none. The message begins
// with the origin of `url`, and holds neither its query nor a proxy's password.
absl::Status TransferError(CURLcode code, const Url& url, const char* detail, int connect_status);

}  // namespace stave::http

#endif  // STAVE_LIBS_HTTP_TRANSFER_ERROR_H_
