// SPDX-License-Identifier: Apache-2.0
//
// The name of an image as people write it, and as Docker reads it.
//
//   alpine                    docker.io / library/alpine : latest
//   localhost/x, reg:5000/x   the first component is a host if it is "localhost", holds '.' or ':',
//                             or has upper-case letters; else it belongs to the path on docker.io
//   reg.io/a/b:1@sha256:..    both kept; the digest decides what is fetched
//
// Sources: Docker's reference grammar and its normalisation.

#ifndef STAVE_LIBS_OCI_REFERENCE_H_
#define STAVE_LIBS_OCI_REFERENCE_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/oci/digest.h"

namespace stave::oci {

class Reference {
 public:
  // Parses and normalises; touches nothing. A reference with neither tag nor digest gets "latest".
  // Errors: InvalidArgument [E_REFERENCE] naming what is wrong, often with a hint. What could be a
  // password ("user:pass@reg/x") is not repeated in the message.
  static absl::StatusOr<Reference> Parse(absl::string_view text);

  // A reference from parts that are checked likewise, e.g. to name a local image.
  static absl::StatusOr<Reference> FromParts(absl::string_view domain, absl::string_view path,
                                             absl::string_view tag);

  const std::string& domain() const { return domain_; }  // "docker.io", "[::1]:5000"
  const std::string& path() const { return path_; }      // "library/alpine"
  const std::string& tag() const { return tag_; }        // "" if only a digest was given
  const std::optional<Digest>& digest() const { return digest_; }

  // The whole name: "docker.io/library/alpine:latest", "reg.io/x:1@sha256:..".
  std::string String() const;
  // The same without what goes without saying: "alpine:latest", "user/x:1".
  std::string Familiar() const;
  // Familiar() without tag and digest, as in a REPOSITORY column.
  std::string FamiliarName() const;
  // The host (and port) of the registry's API: "registry-1.docker.io" for docker.io.
  std::string ApiHost() const;
  // What the registry is asked for: the digest if there is one, else the tag.
  std::string Target() const;
  // The last path component under STATE/refs/DOMAIN/PATH/: "@sha256:.." or ":TAG".
  std::string Leaf() const;

  // Tag and digest are given: the tag says nothing then, which a caller may want to warn of.
  bool has_idle_tag() const { return digest_.has_value() && !tag_.empty(); }

  friend bool operator==(const Reference& a, const Reference& b) {
    return a.domain_ == b.domain_ && a.path_ == b.path_ && a.tag_ == b.tag_ &&
           a.digest_ == b.digest_;
  }

 private:
  Reference() = default;

  std::string domain_;
  std::string path_;
  std::string tag_;
  std::optional<Digest> digest_;
};

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_REFERENCE_H_
