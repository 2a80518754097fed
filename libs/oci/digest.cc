// SPDX-License-Identifier: Apache-2.0
#define OPENSSL_SUPPRESS_DEPRECATED 1  // EVP costs 0.75 ms at its first use
#include "libs/oci/digest.h"

#include <openssl/sha.h>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/id.h"

namespace stave::oci {
namespace {

constexpr absl::string_view kPrefix = "sha256:";

bool IsHex(absl::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

absl::Status Bad(absl::string_view text, absl::string_view why) {
  return base::Error(absl::StatusCode::kInvalidArgument, "E_DIGEST",
                     absl::StrCat("digest \"", base::Printable(text, 96), "\": ", why));
}

}  // namespace

absl::StatusOr<Digest> Digest::Parse(absl::string_view text) {
  absl::string_view hex = text;
  if (absl::StartsWith(text, "sha512:")) {
    return base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                       absl::StrCat("digest \"", base::Printable(text, 24),
                                    "\": sha512 is not supported, only sha256"));
  }
  if (!absl::ConsumePrefix(&hex, kPrefix)) {
    return Bad(text, "does not begin with \"sha256:\"");
  }
  if (hex.size() != base::kIdLength) {
    return Bad(text, absl::StrCat("has ", hex.size(), " digits, not 64"));
  }
  if (!IsHex(hex)) return Bad(text, "has other characters than 0-9 and a-f");
  return Digest(std::string(hex));
}

std::string Digest::ToString() const { return absl::StrCat(kPrefix, hex_); }

struct Sha256::Context {
  SHA256_CTX sha;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) { SHA256_Init(&context_->sha); }
Sha256::Sha256(Sha256&& other) noexcept = default;
Sha256& Sha256::operator=(Sha256&& other) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::Update(absl::string_view data) {
  SHA256_Update(&context_->sha, data.data(), data.size());
}

Digest Sha256::Finish() {
  unsigned char bytes[SHA256_DIGEST_LENGTH];
  SHA256_Final(bytes, &context_->sha);
  SHA256_Init(&context_->sha);
  return Digest(base::Hex(bytes, sizeof bytes));
}

Digest DigestOf(absl::string_view data) {
  Sha256 sha;
  sha.Update(data);
  return sha.Finish();
}

std::vector<Digest> ChainIds(const std::vector<Digest>& diff_ids) {
  std::vector<Digest> chain;
  chain.reserve(diff_ids.size());
  for (const Digest& diff_id : diff_ids) {
    chain.push_back(chain.empty()
                        ? diff_id
                        : DigestOf(absl::StrCat(chain.back().ToString(), " ", diff_id.ToString())));
  }
  return chain;
}

}  // namespace stave::oci
