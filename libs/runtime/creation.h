// SPDX-License-Identifier: Apache-2.0
//
// A container comes to be: id, name, folders, config.json and record.json, and nothing that runs.
//
// Until Pending::Done or ToForeground it belongs to this process: killed, it is undone by the next
// command.

#ifndef STAVE_LIBS_RUNTIME_CREATION_H_
#define STAVE_LIBS_RUNTIME_CREATION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/json/value.h"
#include "libs/runtime/plan.h"
#include "libs/store/pending.h"
#include "libs/store/store.h"

namespace stave::runtime {

struct CreationWishes {
  bool rm = false;       // it goes with its end
  bool record = true;    // false (--rootfs): only RUN knows of it, and nothing stays
  bool started = false;  // it is about to be started
};

struct Created {
  store::Pending entry;
  Plan plan;  // of the document as it has become
};

// Draws an id and gives the document what only an id can give: `hostname` (the short id) and
// HOSTNAME, `linux.cgroupsPath`. The --print form of ns-run calls it too.
void Personalise(const std::string& id, json::Value* document);

// Reserves the name that `document` wishes for, or draws one, completes the document and writes it
// down. Errors: those of Pending::Reserve; InvalidArgument and Unimplemented for a document that
// cannot be run; those of writing. After an error nothing is left.
absl::StatusOr<Created> Create(const store::Store& store, const CreationWishes& wishes,
                               json::Value* document);

// The event of its creation, with what of `document` is asked of events when the container is gone:
// the image, and the labels.
void TellCreated(const store::Store& store, const store::Pending& entry,
                 const json::Value& document);

// Whether `plan`, of an OCI config, is one that a container of the store can be started from.
absl::Status CheckRunnable(const Plan& plan);

}  // namespace stave::runtime

#endif  // STAVE_LIBS_RUNTIME_CREATION_H_
