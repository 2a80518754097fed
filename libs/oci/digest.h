// SPDX-License-Identifier: Apache-2.0
//
// The name of a blob by its content: "sha256:" and 64 lower-case hexadecimal digits.
//
//   sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a   ("{}")
//
// A Digest is only made by the parser or by hashing, so whoever holds one may put hex() into a path
// or a URL. Sources: image-spec descriptor.md "Digests", config.md "Layer ChainID".

#ifndef STAVE_LIBS_OCI_DIGEST_H_
#define STAVE_LIBS_OCI_DIGEST_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace stave::oci {

class Digest {
 public:
  // Errors: Unimplemented [E_UNSUPPORTED] for "sha512:..", which nobody here computes;
  // InvalidArgument [E_DIGEST] for all else that is not a digest, upper-case digits included.
  static absl::StatusOr<Digest> Parse(absl::string_view text);

  const std::string& hex() const { return hex_; }
  std::string ToString() const;

  friend bool operator==(const Digest& a, const Digest& b) { return a.hex_ == b.hex_; }
  friend bool operator!=(const Digest& a, const Digest& b) { return a.hex_ != b.hex_; }
  friend bool operator<(const Digest& a, const Digest& b) { return a.hex_ < b.hex_; }

  template <typename H>
  friend H AbslHashValue(H h, const Digest& digest) {
    return H::combine(std::move(h), digest.hex_);
  }

 private:
  friend class Sha256;
  explicit Digest(std::string hex) : hex_(std::move(hex)) {}

  std::string hex_;
};

// SHA-256 of bytes that arrive in pieces (SHA-NI where the CPU has it).
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&& other) noexcept;
  Sha256& operator=(Sha256&& other) noexcept;
  ~Sha256();

  void Update(absl::string_view data);
  // The digest of all that was given. Afterwards the object hashes from nothing again.
  Digest Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// The digest of `data`.
Digest DigestOf(absl::string_view data);

// The chainIDs of layers whose diffIDs are `diff_ids`, base first: c(0) = d(0), c(n) = digest of
// "c(n-1) d(n)" with both in their long form. As many as were given.
std::vector<Digest> ChainIds(const std::vector<Digest>& diff_ids);

}  // namespace stave::oci

template <>
struct std::hash<stave::oci::Digest> {
  size_t operator()(const stave::oci::Digest& digest) const {
    return std::hash<std::string>()(digest.hex());
  }
};

#endif  // STAVE_LIBS_OCI_DIGEST_H_
