// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/missing.h"

namespace stave::tools {
namespace {

constexpr char kLater[] = "stave cannot do that yet";
constexpr char kNetworks[] = "there are no networks yet but none, host and container:NAME";
constexpr char kCluster[] =
    "stave is for one machine; stave-oci is a runtime below those who are not";
constexpr char kNoDaemon[] = "there is no daemon to talk to";

struct MissingVerb {
  const char *name, *why;
};

constexpr MissingVerb kVerbs[] = {
    {"build", "stave cannot build images yet; buildah can, with stave-oci as its runtime"},
    {"builder", "stave cannot build images yet"},
    {"buildx", "stave cannot build images yet"},
    {"bake", "stave cannot build images yet"},
    {"commit", "stave cannot make images of containers yet; stave export writes a tar"},
    {"push", "stave cannot push images yet; the store holds an OCI layout, which skopeo copies"},
    {"save", "stave cannot save images yet; the store holds an OCI layout, which skopeo copies"},
    {"load", "stave cannot load images yet; image-fetch docker-archive:FILE does"},
    {"import", kLater},
    {"manifest", kLater},
    {"port", kNetworks},
    {"network", kNetworks},
    {"volume", "there are no volumes yet, but binds: -v /here:/there"},
    {"compose", "there is no compose; a pipeline is a line of shell"},
    {"context", kNoDaemon},
    {"dial-stdio", kNoDaemon},
    {"plugin", "the programs of a pipeline are the plugins"},
    {"checkpoint", "there are no checkpoints"},
    {"trust", "no signatures are checked"},
    {"scout", "there is no such service"},
    {"swarm", kCluster},
    {"node", kCluster},
    {"service", kCluster},
    {"stack", kCluster},
    {"secret", kCluster},
    {"config", kCluster},
};

constexpr Missing kGlobal[] = {
    {"host", 'H', kNoDaemon},
    {"context", 'c', kNoDaemon},
    {"tls", 0, kNoDaemon},
    {"tlscacert", 0, kNoDaemon},
    {"tlscert", 0, kNoDaemon},
    {"tlskey", 0, kNoDaemon},
    {"tlsverify", 0, kNoDaemon},
    {"config", 0, "logins are looked for where the variable DOCKER_CONFIG says"},
    {"debug", 'D', "stave run --explain shows the programs, which have options of their own"},
    {"log-level", 'l', "stave run --explain shows the programs, which have options of their own"},
};

}  // namespace

absl::string_view WhyMissing(absl::string_view name) {
  for (const MissingVerb& verb : kVerbs) {
    if (name == verb.name) return verb.why;
  }
  return "";
}

absl::Span<const Missing> MissingGlobalFlags() { return kGlobal; }

}  // namespace stave::tools
