// SPDX-License-Identifier: Apache-2.0
//
// The side key "stave" of the document: what stave's programs have to say to each other and the OCI
// config has no place for.
//
//   "stave": {"version":1, "store":"/var/lib/stave",
//             "image": {"reference":"docker.io/library/alpine:latest","manifest":"sha256:..",
//                       "config":"sha256:..","layers":["sha256:.."],"entrypoint":null,"cmd":["sh"],
//                       "user":"","workdir":"","volumes":[],"ports":[],"stopSignal":null,
//                       "healthcheck":null,"asked":"alpine"},
//             "user":"www:www","entrypoint":"sh","name":"web","labels":{},"rootfs":{"readonly":false},
//             "network":{"mode":"none"},"pid":{"mode":"container:db"},"ipc":{"mode":""}}
//
// A document may come from anybody: what is read here is checked, and derives no path but through a
// Digest. The Set functions change only what they name; unknown members stay. All members but
// version may be absent. Source: design section 1.

#ifndef STAVE_LIBS_OCI_STAVE_MEMBER_H_
#define STAVE_LIBS_OCI_STAVE_MEMBER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libs/json/value.h"
#include "libs/oci/digest.h"
#include "libs/oci/image_config.h"
#include "libs/oci/member_reader.h"
#include "libs/oci/process.h"

namespace stave::oci {

struct ImageMember {
  std::string reference;  // whole, as Reference::String()
  Digest manifest;
  Digest config;
  std::vector<Digest> layers;  // keys of the store, base first
  CommandWords command;
  std::string user;
  std::string workdir;
  std::vector<std::string> volumes;
  std::vector<std::string> ports;
  std::optional<std::string> stop_signal;
  std::optional<json::Value> healthcheck;
  std::string asked;  // what the user called it; "" where nobody has noted it
};

struct StaveMember {
  std::string store;  // absolute, or ""
  std::optional<ImageMember> image;
  std::string user;  // as it was asked for with --user; "": the image's
  std::string name;  // a wish; "" is none
  TextPairs labels;
  bool rootfs_readonly = false;
  std::string network_mode;  // "" is the default
  // "container:NAME": that one's namespace; "" is what linux.namespaces says.
  std::string pid_mode, ipc_mode;
};

// The member as it is in `document`; all defaults where there is none.
// Errors: InvalidArgument [E_DOCUMENT] with a JSON pointer: a wrong type, a newer version, a store
// that is not absolute, a name that CheckContainerName refuses; those of Digest::Parse likewise.
absl::StatusOr<StaveMember> GetStaveMember(const json::Value& document);

// The member that tells of an image whose config is `config`.
ImageMember MakeImageMember(absl::string_view reference, const Digest& manifest,
                            const Digest& config_digest, const std::vector<Digest>& layers,
                            const ImageConfig& config);

void SetStore(absl::string_view store, json::Value* document);
void SetImage(const ImageMember& image, json::Value* document);
// What the user called the image of the document; it has one.
void SetAskedImage(absl::string_view asked, json::Value* document);
// What --user and --entrypoint said, for who shows it.
void SetAskedUser(absl::string_view user, json::Value* document);
void SetAskedEntrypoint(absl::string_view entrypoint, json::Value* document);
void SetName(absl::string_view name, json::Value* document);
void SetLabels(const TextPairs& labels, json::Value* document);  // adds; the same key is replaced
void SetRootfsReadonly(bool readonly, json::Value* document);
// `kind` is "network", "pid" or "ipc".
void SetMode(absl::string_view kind, absl::string_view mode, json::Value* document);

// What may name a container: a letter or digit, then those or "_.-", at most 255 in all. (Docker's
// rule wants two characters at least, and `for n in a b c` is everybody's first trial.) Errors:
// InvalidArgument [E_NAME].
absl::Status CheckContainerName(absl::string_view name);

}  // namespace stave::oci

#endif  // STAVE_LIBS_OCI_STAVE_MEMBER_H_
