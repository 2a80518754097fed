// SPDX-License-Identifier: Apache-2.0
#include "libs/lifecycle/create.h"

#include <utility>

#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/lifecycle/creation.h"
#include "libs/lifecycle/poststart.h"
#include "libs/runtime/foreground.h"

namespace stave::lifecycle {
namespace {

struct Streams {
  int in = 0, out = 1, err = 2;
};

// Until it is created, or runs.
absl::Status Make(Creation* creation, Creation::Gated gated, const Streams& streams,
                  const Warn& warn) {
  absl::Status made = creation->Prepare(gated);
  if (made.ok()) made = creation->Launch(streams.in, streams.out, streams.err);
  if (made.ok()) made = creation->HandOver();
  if (made.ok() && gated == Creation::Gated::kNo) {
    made = RunPoststart(creation->plan().hooks.poststart, creation->record(),
                        creation->launched().pid, warn);
  }
  if (!made.ok()) creation->TakeBack();
  return made;
}

absl::StatusOr<int> RunAttached(const RunOptions& options, Creation* creation) {
  runtime::StreamWishes wishes;
  wishes.interactive = true;
  wishes.terminal = creation->plan().process.terminal;
  STAVE_ASSIGN_OR_RETURN(runtime::Foreground foreground, runtime::Foreground::Prepare(wishes));
  runtime::Process& process = creation->plan().process;
  if (process.terminal && process.rows == 0) {
    process.rows = foreground.size().rows;
    process.columns = foreground.size().columns;
  }
  STAVE_RETURN_IF_ERROR(Make(creation, Creation::Gated::kNo,
                             {foreground.in(), foreground.out(), foreground.err()},
                             options.create.warn));
  // The lock is not kept while it runs.
  creation->Finish();
  const absl::StatusOr<runtime::Ended> ended = foreground.Watch(&creation->launched());
  if (!options.keep || !ended.ok()) {
    STAVE_RETURN_IF_ERROR(creation->Delete());
  }
  if (!ended.ok()) return ended.status();
  return ended->code;
}

}  // namespace

absl::Status Create(const Root& root, const CreateOptions& options) {
  Creation creation(root, options);
  STAVE_RETURN_IF_ERROR(creation.Read(Attachment::kDetached));
  STAVE_RETURN_IF_ERROR(Make(&creation, Creation::Gated::kYes, {}, options.warn));
  creation.Finish();
  return absl::OkStatus();
}

absl::StatusOr<int> Run(const Root& root, const RunOptions& options) {
  Creation creation(root, options.create);
  STAVE_RETURN_IF_ERROR(
      creation.Read(options.detach ? Attachment::kDetached : Attachment::kForeground));
  if (creation.plan().process.args.empty()) {  // create may do without, start may not
    return base::Error(absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
                       "/process: is missing, there is nothing to start");
  }
  if (!options.detach) return RunAttached(options, &creation);
  STAVE_RETURN_IF_ERROR(Make(&creation, Creation::Gated::kNo, {}, options.create.warn));
  creation.Finish();
  return 0;
}

}  // namespace stave::lifecycle
