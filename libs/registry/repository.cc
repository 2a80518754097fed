// SPDX-License-Identifier: Apache-2.0
#include "libs/registry/repository.h"

#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/error.h"
#include "libs/http/url.h"

namespace stave::registry {
namespace {

constexpr int kMirrorTries = 2;

ClientOptions OptionsFor(const Endpoint& endpoint, ClientOptions options,
                         const CredentialFor& credential_for) {
  if (credential_for) {
    options.credential = credential_for(endpoint);
  } else if (endpoint.mirror) {
    options.credential = nullptr;
  }
  if (endpoint.mirror) {
    options.tries = kMirrorTries;
    options.http.plain_http = false;
  }
  if (endpoint.insecure) {
    const auto url = http::ParseUrl(absl::StrCat("https://", endpoint.host));
    if (url.ok()) options.http.insecure_host = url->host;
  }
  return options;
}

}  // namespace

// One endpoint, with what we have learnt of it.
struct Place {
  Place(const Endpoint& endpoint, ClientOptions options)
      : name(base::Printable(endpoint.host)),
        client(endpoint.host, endpoint.path, std::move(options)) {}

  const std::string name;
  Client client;
  bool down = false;
  std::string failure;             // why it did not give what it was asked for first
  std::set<std::string> gave;      // digests of blobs of which bytes came from here
  std::set<std::string> rejected;  // those that were wrong
};

struct Repository::State {
  std::mutex mutex;  // of what is learnt
  std::vector<std::unique_ptr<Place>> places;
  std::function<void(Note, absl::string_view)> note;
  std::function<void(absl::string_view)> trace;

  bool IsLast(size_t i) const { return i + 1 == places.size(); }
  bool MayAsk(size_t i, const std::string& blob);
  void Learn(size_t i, const absl::Status& status);
  absl::Status WithMirrors(const absl::Status& status);
};

// The last one is always asked: its error is the answer.
bool Repository::State::MayAsk(size_t i, const std::string& blob) {
  const std::lock_guard<std::mutex> lock(mutex);
  return IsLast(i) || (!places[i]->down && places[i]->rejected.count(blob) == 0);
}

// A mirror has failed.
void Repository::State::Learn(size_t i, const absl::Status& status) {
  const std::string word = base::ErrorWord(status);
  const std::string text = absl::StrCat("mirror ", places[i]->name, ": ", status.message());
  if (trace) trace(absl::StrCat(text, " [", word, "]"));
  if (note && (word == "E_DIGEST" || word == "E_SIZE")) {
    note(Note::kWarning, absl::StrCat(text, "; the next one is asked"));
  }
  const std::lock_guard<std::mutex> lock(mutex);
  if (places[i]->failure.empty()) {
    places[i]->failure =
        absl::StrCat("mirror ", places[i]->name, ": ", status.message(), " [", word, "]");
  }
  if (word == "E_CONNECT" || word == "E_TLS" || word == "E_TIMEOUT") places[i]->down = true;
}

// What the registry says, and why it had to be asked.
absl::Status Repository::State::WithMirrors(const absl::Status& status) {
  if (status.ok()) return status;
  const std::lock_guard<std::mutex> lock(mutex);
  std::vector<std::string> failures;
  for (const auto& place : places) {
    if (!place->failure.empty()) failures.push_back(place->failure);
  }
  return failures.empty() ? status : base::WithHint(status, absl::StrJoin(failures, "; "));
}

Repository::Repository(const std::vector<Endpoint>& endpoints, const ClientOptions& options,
                       const CredentialFor& credential_for)
    : state_(new State) {
  state_->note = options.note;
  state_->trace = options.http.trace;
  for (const Endpoint& endpoint : endpoints) {
    state_->places.push_back(
        std::make_unique<Place>(endpoint, OptionsFor(endpoint, options, credential_for)));
  }
}
Repository::Repository(Repository&&) noexcept = default;
Repository::~Repository() = default;

absl::StatusOr<std::optional<ManifestHead>> Repository::HeadManifest(absl::string_view tag) {
  for (size_t i = 0;; ++i) {
    if (!state_->MayAsk(i, "")) continue;
    auto head = state_->places[i]->client.HeadManifest(tag);
    if (absl::IsCancelled(head.status())) return head;
    if (state_->IsLast(i) && !head.ok()) return state_->WithMirrors(head.status());
    if (state_->IsLast(i) || (head.ok() && head->has_value())) return head;
    if (!head.ok()) state_->Learn(i, head.status());
  }
}

absl::StatusOr<RawManifest> Repository::GetManifest(absl::string_view tag_or_digest) {
  for (size_t i = 0;; ++i) {
    if (!state_->MayAsk(i, "")) continue;
    auto manifest = state_->places[i]->client.GetManifest(tag_or_digest);
    if (manifest.ok() || absl::IsCancelled(manifest.status())) return manifest;
    if (state_->IsLast(i)) return state_->WithMirrors(manifest.status());
    state_->Learn(i, manifest.status());
  }
}

absl::Status Repository::GetBlob(const oci::Digest& digest, int64_t size, int64_t offset,
                                 const std::function<absl::Status(absl::string_view)>& sink) {
  absl::Status sunk;  // why the sink takes no more: no mirror's fault
  for (size_t i = 0;; ++i) {
    if (!state_->MayAsk(i, digest.ToString())) continue;
    const int64_t start = offset;
    const absl::Status status =
        state_->places[i]->client.GetBlob(digest, size, start, [&](absl::string_view data) {
          sunk = sink(data);
          if (sunk.ok()) offset += static_cast<int64_t>(data.size());
          return sunk;
        });
    if (offset > start) {
      const std::lock_guard<std::mutex> lock(state_->mutex);
      state_->places[i]->gave.insert(digest.ToString());
    }
    if (status.ok() || !sunk.ok() || absl::IsCancelled(status)) return status;
    if (state_->IsLast(i)) return state_->WithMirrors(status);
    state_->Learn(i, status);
  }
}

void Repository::Cancel() {
  for (const auto& place : state_->places) place->client.Cancel();
}

bool Repository::Reject(const oci::Digest& digest) {
  const std::string blob = digest.ToString();
  std::vector<std::string> warnings;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    for (size_t i = 0; !state_->IsLast(i); ++i) {
      Place& place = *state_->places[i];
      if (place.gave.erase(blob) == 0) continue;
      place.rejected.insert(blob);
      warnings.push_back(absl::StrCat("mirror ", place.name, ": blob ", blob,
                                      ": has another digest; the next one is asked"));
    }
  }
  for (const std::string& text : warnings) {
    if (state_->note) state_->note(Note::kWarning, text);
  }
  return !warnings.empty();
}

}  // namespace stave::registry
