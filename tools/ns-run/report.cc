// SPDX-License-Identifier: Apache-2.0
#include "tools/ns-run/report.h"

#include <optional>
#include <utility>

#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/process.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/lifecycle/container.h"
#include "libs/lifecycle/root.h"
#include "libs/runtime/enforced.h"
#include "libs/store/containers.h"
#include "libs/store/store.h"

namespace stave {
namespace {

absl::Status NotRunning(const std::string& name) {
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE",
                     name + ": container not running");
}

absl::StatusOr<json::Value> OfStateDirectory(const std::string& path) {
  const std::string plain(absl::StripSuffix(path, "/"));
  const size_t slash = plain.rfind('/');
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Root root,
                         lifecycle::Root::Open(slash == 0 ? "/" : plain.substr(0, slash)));
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Container container,
                         lifecycle::Container::Open(root, plain.substr(slash + 1)));
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Condition condition, container.Look());
  if (!condition.init.valid()) return NotRunning(container.id());
  return runtime::Enforced(condition.pid(), condition.init.get());
}

}  // namespace

absl::StatusOr<json::Value> ReportOn(const std::string& name) {
  if (name.find('/') != std::string::npos) return OfStateDirectory(name);
  STAVE_ASSIGN_OR_RETURN(const store::Store store, store::Store::Open(store::Access::kRead));
  STAVE_ASSIGN_OR_RETURN(const std::string id, store::FindContainer(store, name));
  STAVE_ASSIGN_OR_RETURN(const store::ContainerView view, store::GetContainer(store, id));
  if (!view.state || !view.state->init) return NotRunning(name);
  STAVE_ASSIGN_OR_RETURN(const std::optional<base::UniqueFd> init,
                         base::OpenProcess(*view.state->init));
  if (!init) return NotRunning(name);
  return runtime::Enforced(view.state->init->pid, init->get());
}

}  // namespace stave
