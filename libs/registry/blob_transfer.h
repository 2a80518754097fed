// SPDX-License-Identifier: Apache-2.0
//
// One blob on its way, over as many requests as it takes: what to ask for next, and whether what
// comes is that. Pure: it sends nothing.
//
//   -> Range: bytes=1000-      <- 206, Content-Range: bytes 1000-4999/5000     goes on
//                              <- 200                      from the start; what we have is skipped
//                              <- 206 with another range, 416   the next request asks for all of it
//
// The sink gets each byte once, in order. Source: RFC 9110 sections 14 and 15.

#ifndef STAVE_LIBS_REGISTRY_BLOB_TRANSFER_H_
#define STAVE_LIBS_REGISTRY_BLOB_TRANSFER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/http/transfer.h"
#include "libs/oci/digest.h"

namespace stave::registry {

class BlobTransfer {
 public:
  using Sink = std::function<absl::Status(absl::string_view)>;

  // `sink` has had `offset` of `size` bytes.
  BlobTransfer(const oci::Digest& digest, int64_t size, int64_t offset, Sink sink);

  // Begins a request; returns the value of its Range header, "" for none.
  std::string Begin();

  // The head of a successful answer, then its body. Errors: Unavailable [E_REMOTE] for another
  // range than the one that was asked for, FailedPrecondition [E_REMOTE] for one that was not asked
  // for; DataLoss [E_SIZE] if the blob is not `size` long; those of the sink.
  absl::Status TakeHead(const http::Response& response);
  absl::Status TakeBody(absl::string_view data);

  // What `outcome` of the request means for the transfer: the same, or, if it ended well but too
  // early, or with 416, Unavailable [E_REMOTE], or DataLoss [E_SIZE] if it brought nothing.
  absl::StatusOr<http::Response> Judge(absl::StatusOr<http::Response> outcome);

  bool done() const { return offset_ == size_; }
  int64_t offset() const { return offset_; }
  int64_t progress() const { return offset_ - start_; }  // of the request

 private:
  absl::Status TakePart(const http::Response& response);
  absl::Status SizeError(absl::string_view how) const;
  absl::Status Remote(absl::StatusCode code, absl::string_view why) const;

  const oci::Digest digest_;
  const int64_t size_;
  const Sink sink_;
  int64_t offset_;      // what the sink has had
  int64_t start_;       // where the request began
  int64_t skip_ = 0;    // bytes to come that the sink has had
  bool asked_ = false;  // the request is for a range
  bool ranges_ = true;  // the registry knows ranges, as far as we know
  bool sized_ = false;  // the answer tells its length
};

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_BLOB_TRANSFER_H_
