// SPDX-License-Identifier: Apache-2.0
//
// One image's repository, wherever it is to be had: its mirrors in order, then the registry itself.
//
//   Repository repository(endpoints, options, credential_for);
//   STAVE_ASSIGN_OR_RETURN(RawManifest manifest, repository.GetManifest("latest"));
//
// - Whatever fails at a mirror (nobody there, no such image, 5xx, a wrong certificate or digest) is
//   asked of the next; a blob goes on there where it broke off. What the last one says is the
//   error, and what the others said first is its hint. All goes to http::Options.trace, wrong
//   content also to a warning.
// - A mirror that cannot be reached is not asked again, and one is tried twice where the registry
//   is tried five times.
// - A mirror gets the credential that `credential_for` has for it, never the registry's.
//
// Any thread may call.

#ifndef STAVE_LIBS_REGISTRY_REPOSITORY_H_
#define STAVE_LIBS_REGISTRY_REPOSITORY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/oci/digest.h"
#include "libs/registry/client.h"
#include "libs/registry/credential.h"
#include "libs/registry/endpoints.h"

namespace stave::registry {

// The credential of an endpoint; an empty source for none.
using CredentialFor = std::function<CredentialSource(const Endpoint&)>;

class Repository {
 public:
  // `endpoints`: at least one, the registry last. `options` is for each of them, but for its
  // credential: without `credential_for` it is the registry's. plain_http is the registry's, too.
  Repository(const std::vector<Endpoint>& endpoints, const ClientOptions& options,
             const CredentialFor& credential_for);
  Repository(Repository&&) noexcept;
  ~Repository();

  // As in Client.
  absl::StatusOr<std::optional<ManifestHead>> HeadManifest(absl::string_view tag);
  absl::StatusOr<RawManifest> GetManifest(absl::string_view tag_or_digest);
  absl::Status GetBlob(const oci::Digest& digest, int64_t size, int64_t offset,
                       const std::function<absl::Status(absl::string_view)>& sink);
  void Cancel();

  // The blob that came does not have its digest. True if its bytes were a mirror's, which will not
  // be asked for it again: then it is worth getting anew, from its start.
  bool Reject(const oci::Digest& digest);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_REPOSITORY_H_
