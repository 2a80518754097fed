// SPDX-License-Identifier: Apache-2.0
//
// A typed, sized, content-addressed pointer to a blob.
//
//   {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:..","size":424,
//    "platform":{"os":"linux","architecture":"amd64"}}
//
// It is also the content of a file under refs/. Source: image-spec descriptor.md.

#ifndef STAVE_LIBS_OCI_DESCRIPTOR_H_
#define STAVE_LIBS_OCI_DESCRIPTOR_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"
#include "libs/oci/digest.h"
#include "libs/oci/member_reader.h"
#include "libs/oci/platform.h"

namespace stave::oci {

// The largest blob that is believed: 1 TiB.
inline constexpr int64_t kMaxBlobSize = int64_t{1} << 40;

struct Descriptor {
  std::string media_type;
  Digest digest;
  int64_t size;                      // bytes, 0..kMaxBlobSize
  std::optional<Platform> platform;  // of entries of an index; normalised
  std::string artifact_type;
  TextPairs annotations;

  const std::string* FindAnnotation(absl::string_view key) const;
};

// `pointer` is where `value` stands, for messages; `word` the kind of errors.
// Errors: InvalidArgument [`word`] for missing members, wrong types and sizes out of range;
// those of Digest::Parse with the pointer before them.
absl::StatusOr<Descriptor> ParseDescriptor(const json::Value& value, const std::string& pointer,
                                           const std::string& word);

// The descriptor as JSON; members that are empty are left out.
json::Value ToJson(const Descriptor& descriptor);

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_DESCRIPTOR_H_
