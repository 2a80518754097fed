// SPDX-License-Identifier: Apache-2.0
//
// The three things that a cgroup manager wants of systemd, over D-Bus.
//
//   STAVE_ASSIGN_OR_RETURN(const Bus bus, Bus::Connect());
//   STAVE_ASSIGN_OR_RETURN(const std::string cgroup, bus.Start({.unit = "a.scope", ..}));
//
// Sources: org.freedesktop.systemd1(5), sd-bus(3); systemd's CONTROL_GROUP_INTERFACE.md.

#ifndef STAVE_TOOLS_STAVE_SCOPE_BUS_H_
#define STAVE_TOOLS_STAVE_SCOPE_BUS_H_

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tools/stave-scope/property.h"

namespace stave::stave_scope {

struct ScopeRequest {
  std::string unit;         // "stave-c1.scope"
  std::string slice;        // "machine.slice"; made by systemd where it is missing
  std::string description;  // one line, for people
  pid_t pid = 0;            // the process to move into it
  std::vector<Property> properties;
};

class Bus {
 public:
  // To systemd itself over its own socket, as systemctl(1) of root does, so that no bus daemon is
  // needed; else over the system bus.
  // Errors: FailedPrecondition [E_SYSTEMD] `cannot reach the system bus: No such file or
  // directory`, with a hint.
  static absl::StatusOr<Bus> Connect();

  // Starts a transient scope and waits for it: delegated, accounted, without default dependencies,
  // and collected by systemd once nobody is in it, however its last process ended. Returns its
  // cgroup, "/machine.slice/stave-c1.scope". A failed unit of that name is forgotten first.
  // Errors: AlreadyExists [E_SYSTEMD] for a unit that is active; FailedPrecondition [E_SYSTEMD]
  // with systemd's words; DeadlineExceeded [E_TIMEOUT] after half a minute.
  absl::StatusOr<std::string> Start(const ScopeRequest& request) const;

  // Changes properties until the unit goes. Errors: as Start, without AlreadyExists.
  absl::Status Set(const std::string& unit, absl::Span<const Property> properties) const;

  // Stops a unit, waits for that, and has it forgotten. One that does not exist is fine.
  // Errors: as Set.
  absl::Status Stop(const std::string& unit) const;

 private:
  struct Close {
    void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
  };
  explicit Bus(sd_bus* bus) : bus_(bus) {}
  absl::StatusOr<std::string> ControlGroup(const std::string& unit) const;
  void Forget(const std::string& unit) const;

  std::unique_ptr<sd_bus, Close> bus_;
};

}  // namespace stave::stave_scope

#endif  // STAVE_TOOLS_STAVE_SCOPE_BUS_H_
