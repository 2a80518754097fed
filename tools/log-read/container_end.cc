// SPDX-License-Identifier: Apache-2.0
#include "tools/log-read/container_end.h"

#include <optional>

#include "absl/status/status.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/store/containers.h"
#include "libs/store/record.h"

namespace stave::tools {
namespace {

// What state.json says; nullopt if it has ended or is gone.
absl::StatusOr<std::optional<store::State>> LiveState(const store::Store& store,
                                                      const std::string& id) {
  auto view = store::GetContainer(store, id);
  if (absl::IsNotFound(view.status())) return std::nullopt;
  if (!view.ok()) return view.status();
  if (view->state.has_value() && view->state->status == store::Status::kExited) {
    return std::nullopt;
  }
  return std::move(view->state);
}

}  // namespace

absl::StatusOr<ContainerEnd> ContainerEnd::Watch(const store::Store& store, const std::string& id) {
  STAVE_ASSIGN_OR_RETURN(auto watch, store::ContainerWatch::Start(store, id));
  ContainerEnd end(store, id, std::move(watch));
  STAVE_ASSIGN_OR_RETURN(const auto state, LiveState(store, id));
  if (!state.has_value()) return end;
  const auto& process = state->runner.has_value() ? state->runner : state->init;
  if (process.has_value()) {
    STAVE_ASSIGN_OR_RETURN(auto writer, base::OpenProcess(*process));
    if (writer.has_value()) end.writer_ = *std::move(writer);
  }
  return end;
}

absl::StatusOr<bool> ContainerEnd::Reached() {
  watch_.Clear();
  if (!writer_.valid()) return true;
  pollfd writer = {writer_.get(), POLLIN, 0};
  if (::poll(&writer, 1, 0) > 0) return true;
  STAVE_ASSIGN_OR_RETURN(const auto state, LiveState(*store_, id_));
  if (!state.has_value()) writer_.Reset();
  return !state.has_value();
}

std::vector<pollfd> ContainerEnd::Events() const {
  return {{watch_.fd(), POLLIN, 0}, {writer_.get(), POLLIN, 0}};
}

}  // namespace stave::tools
