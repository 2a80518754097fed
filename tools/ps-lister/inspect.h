// SPDX-License-Identifier: Apache-2.0
//
// A container as `docker container inspect` tells it, with Docker's members and order, and one
// more:
//
//   {"Id":"4f..","Created":"2026-01-02T03:04:05.6Z","Path":"httpd","Args":["-f"],
//    "State":{"Status":"running","Running":true,..},"Image":"sha256:..",..,"Name":"/web",..,
//    "GraphDriver":{..},"Mounts":[..],"Config":{..},"NetworkSettings":{..},
//    "stave":{"bundle":"/var/lib/stave/containers/4f..","config":"..","cgroup":"..","watcher":4710,
//             "reference":"docker.io/library/alpine:latest","manifest":"sha256:.."}}
//
// An exit code that nobody knows is -1. Config and HostConfig: inspect_config.h. Pure.
// Source: Docker Engine API 1.51, GET /containers/{id}/json.

#ifndef STAVE_TOOLS_PS_LISTER_INSPECT_H_
#define STAVE_TOOLS_PS_LISTER_INSPECT_H_

#include <optional>
#include <string>

#include "libs/json/value.h"
#include "libs/store/containers.h"
#include "libs/store/health.h"
#include "libs/template/from_json.h"
#include "tools/ps-lister/cells.h"

namespace stave::tools {

// What is known of a container.
struct Facts {
  store::ContainerView view;
  json::Value document;  // config.json; null where it cannot be read
  std::optional<store::Health> health;
  std::string folder;          // what is kept of it
  std::string layers;          // the folder of all layers
  std::string log;             // the path of its log, "" if there is none
  std::optional<Sizes> sizes;  // if asked for
};

// All members; State.Health, SizeRw and SizeRootFs are null where there is nothing to say.
json::Value Inspect(const Facts& facts);

// Without those that Docker leaves out where they are null.
json::Value WithoutNulls(json::Value object);

// The types that Docker's templates know.
const templates::Shape& InspectShape();

// The container in stave's own words: {"container":{.. as of ps-lister --json},"state":{..},
// "exit":{..},"health":{..},"document":{..}}; null where there is none.
json::Value OwnWords(const Facts& facts, json::Value line);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_LISTER_INSPECT_H_
