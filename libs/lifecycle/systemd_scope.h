// SPDX-License-Identifier: Apache-2.0
//
// A container's cgroup as a scope of systemd's, which the helper stave-scope asks for over D-Bus:
// this program is static, and sd-bus is not.
//
//   STAVE_ASSIGN_OR_RETURN(Scope scope, Scope::Start(name, "container c1", properties));
//   ... clone3(CLONE_INTO_CGROUP) into scope.cgroup() ...
//   scope.Leave();
//
// Why a placeholder: systemd starts no scope without a process. It could be the container's first
// one, moved when it has been cloned, as runc does. But then that process would begin in our
// cgroup, and what it does before the move is charged to us; its cgroup namespace must not be made
// before the move, else it is rooted at our cgroup and shows the host's paths inside; and the move
// waits for an RCU grace period while the container waits for it. So the helper itself is the
// scope's process until the first one has been cloned right into it, by the code that all
// containers use. It ends with its parent: a scope whose maker was killed is empty, and systemd
// takes it away.
//
// Only for pure cgroup v2: on v1 systemd writes the devices and limits of a unit anew with each of
// its reloads, delegated or not, and so opens what a container is denied.

#ifndef STAVE_LIBS_LIFECYCLE_SYSTEMD_SCOPE_H_
#define STAVE_LIBS_LIFECYCLE_SYSTEMD_SCOPE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/subprocess.h"
#include "libs/cgroup/hierarchy.h"
#include "libs/lifecycle/scope_plan.h"

namespace stave::lifecycle {

// Errors of all below: FailedPrecondition [E_SYSTEMD] `systemd cgroup manager: cannot reach the
// system bus: ..` and the like, with a hint; NotFound [E_HELPER] without the helper.

// Errors: Unimplemented [E_UNSUPPORTED] where v1 is in use.
absl::Status CheckSystemdHierarchies(const cgroup::Hierarchies& hierarchies);

class [[nodiscard]] Scope {
 public:
  // `properties` are those of UnitProperties. On failure systemd has nothing left of it, or takes
  // it away by itself.
  static absl::StatusOr<Scope> Start(const ScopeName& name, const std::string& description,
                                     const std::vector<std::string>& properties);

  // As systemd says: relative to the cgroup root, with a slash before it.
  const std::string& cgroup() const { return cgroup_; }

  // Ends the placeholder and waits for that. Without another process in it the scope goes.
  void Leave() { placeholder_.reset(); }

 private:
  Scope(base::ChildProcess placeholder, std::string cgroup)
      : placeholder_(std::move(placeholder)), cgroup_(std::move(cgroup)) {}

  std::optional<base::ChildProcess> placeholder_;
  std::string cgroup_;
};

// Changes properties of a unit; none is fine.
absl::Status SetScope(const std::string& unit, const std::vector<std::string>& properties);

// Stops a unit and waits for that; one that has gone is fine.
absl::Status StopScope(const std::string& unit);

}  // namespace stave::lifecycle

#endif  // STAVE_LIBS_LIFECYCLE_SYSTEMD_SCOPE_H_
