// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-scope/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"

namespace stave::stave_scope {
namespace {

constexpr char kSystemd[] = "org.freedesktop.systemd1";
constexpr char kPath[] = "/org/freedesktop/systemd1";
constexpr char kManager[] = "org.freedesktop.systemd1.Manager";
constexpr char kPrivate[] = "unix:path=/run/systemd/private";
constexpr absl::Duration kJobHas = absl::Seconds(30);

struct Unreference {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
  void operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }
};
using Message = std::unique_ptr<sd_bus_message, Unreference>;
using Slot = std::unique_ptr<sd_bus_slot, Unreference>;

absl::Status SystemdError(absl::string_view message) {
  return base::Error(absl::StatusCode::kFailedPrecondition, "E_SYSTEMD", message);
}

// `code` is a negative errno, as sd-bus has them.
absl::Status Failed(int code, absl::string_view act) {
  return SystemdError(absl::StrCat(act, ": ", ::strerror(-code)));
}

// An answer that is an error. systemd's own words say more than an errno.
struct CallError {
  CallError() = default;
  CallError(const CallError&) = delete;
  ~CallError() { sd_bus_error_free(&error); }

  bool Is(absl::string_view name) const { return error.name != nullptr && name == error.name; }
  absl::Status Status(int code, absl::string_view act) const {
    if (error.message == nullptr) return Failed(code, act);
    return SystemdError(absl::StrCat(act, ": ", base::Printable(error.message)));
  }

  sd_bus_error error = SD_BUS_ERROR_NULL;
};

// A job of systemd's and its end. Signals that come before the answer with the job's name are kept
// by sd-bus until they are processed.
class Job {
 public:
  absl::Status Watch(sd_bus* bus) {
    // Over its own socket systemd has no bus name.
    const int is_client = sd_bus_is_bus_client(bus);
    sd_bus_slot* slot = nullptr;
    const int code = sd_bus_match_signal(bus, &slot, is_client > 0 ? kSystemd : nullptr, kPath,
                                         kManager, "JobRemoved", Removed, this);
    slot_.reset(slot);
    if (code < 0) return Failed(code, "watching systemd's jobs");
    if (is_client <= 0) return absl::OkStatus();
    CallError error;
    const int asked =
        sd_bus_call_method(bus, kSystemd, kPath, kManager, "Subscribe", &error.error, nullptr, "");
    return asked < 0 ? error.Status(asked, "watching systemd's jobs") : absl::OkStatus();
  }

  // `answer` holds the job's name.
  absl::Status Wait(sd_bus* bus, sd_bus_message* answer, absl::string_view act) {
    const char* path = nullptr;
    const int read = sd_bus_message_read(answer, "o", &path);
    if (read < 0) return Failed(read, act);
    path_ = path;
    const absl::Time deadline = absl::Now() + kJobHas;
    while (result_.empty()) {
      int code = sd_bus_process(bus, nullptr);
      if (code > 0) continue;
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) {
        return base::Error(absl::StatusCode::kDeadlineExceeded, "E_TIMEOUT",
                           absl::StrCat(act, ": systemd does not come to an end with it"));
      }
      if (code == 0)
        code = sd_bus_wait(bus, static_cast<uint64_t>(absl::ToInt64Microseconds(left)));
      if (code < 0 && code != -EINTR) return Failed(code, act);
    }
    if (result_ == "done") return absl::OkStatus();
    return SystemdError(absl::StrCat(act, ": systemd's job ended as \"", result_, "\""));
  }

 private:
  static int Removed(sd_bus_message* message, void* data, sd_bus_error*) {
    Job* const job = static_cast<Job*>(data);
    uint32_t id = 0;
    const char *path = nullptr, *unit = nullptr, *result = nullptr;
    if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) < 0) return 0;
    if (job->path_ == path) job->result_ = base::Printable(result, 64);
    return 0;
  }

  Slot slot_;
  std::string path_, result_;
};

absl::StatusOr<Message> NewCall(sd_bus* bus, const char* method) {
  sd_bus_message* call = nullptr;
  const int code = sd_bus_message_new_method_call(bus, &call, kSystemd, kPath, kManager, method);
  if (code < 0) return Failed(code, method);
  return Message(call);
}

int AppendProperty(sd_bus_message* call, const Property& property) {
  if (const uint64_t* number = std::get_if<uint64_t>(&property.value)) {
    return sd_bus_message_append(call, "(sv)", property.name.c_str(), "t", *number);
  }
  const auto& bytes = std::get<std::vector<uint8_t>>(property.value);
  int code = sd_bus_message_open_container(call, 'r', "sv");
  if (code >= 0) code = sd_bus_message_append(call, "s", property.name.c_str());
  if (code >= 0) code = sd_bus_message_open_container(call, 'v', "ay");
  if (code >= 0) code = sd_bus_message_append_array(call, 'y', bytes.data(), bytes.size());
  if (code >= 0) code = sd_bus_message_close_container(call);
  if (code >= 0) code = sd_bus_message_close_container(call);
  return code;
}

// What every scope has: as delegated, systemd leaves its inside to us.
int AppendFixed(sd_bus_message* call, const ScopeRequest& request) {
  return sd_bus_message_append(call, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)",     //
                               "Description", "s", request.description.c_str(),      //
                               "Slice", "s", request.slice.c_str(),                  //
                               "PIDs", "au", 1, static_cast<uint32_t>(request.pid),  //
                               "Delegate", "b", 1, "DefaultDependencies", "b", 0,    //
                               "CPUAccounting", "b", 1, "MemoryAccounting", "b", 1,  //
                               "IOAccounting", "b", 1, "TasksAccounting", "b", 1,    //
                               "CollectMode", "s", "inactive-or-failed");
}

int FillStart(sd_bus_message* call, const ScopeRequest& request) {
  int code = sd_bus_message_append(call, "ss", request.unit.c_str(), "fail");
  if (code >= 0) code = sd_bus_message_open_container(call, 'a', "(sv)");
  if (code >= 0) code = AppendFixed(call, request);
  for (const Property& property : request.properties) {
    if (code >= 0) code = AppendProperty(call, property);
  }
  if (code >= 0) code = sd_bus_message_close_container(call);
  // No auxiliary units.
  return code < 0 ? code : sd_bus_message_append(call, "a(sa(sv))", 0);
}

}  // namespace

absl::StatusOr<Bus> Bus::Connect() {
  sd_bus* bus = nullptr;
  int code = sd_bus_new(&bus);
  if (code < 0) return Failed(code, "sd-bus");
  Bus own(bus);
  code = ::geteuid() == 0 ? sd_bus_set_address(bus, kPrivate) : -ENOENT;
  if (code >= 0) code = sd_bus_start(bus);
  if (code >= 0) return own;
  bus = nullptr;
  code = sd_bus_open_system(&bus);
  if (code >= 0) return Bus(bus);
  return base::WithHint(Failed(code, "cannot reach the system bus"),
                        "systemd must be process 1 here; without it leave --systemd-cgroup out, "
                        "and have the engine use its cgroupfs driver");
}

absl::StatusOr<std::string> Bus::Start(const ScopeRequest& request) const {
  const std::string act = absl::StrCat("starting ", base::Printable(request.unit));
  Job job;
  STAVE_RETURN_IF_ERROR(job.Watch(bus_.get()));
  for (const bool again : {false, true}) {
    STAVE_ASSIGN_OR_RETURN(const Message call, NewCall(bus_.get(), "StartTransientUnit"));
    int code = FillStart(call.get(), request);
    if (code < 0) return Failed(code, act);
    CallError error;
    sd_bus_message* raw = nullptr;
    code = sd_bus_call(bus_.get(), call.get(), 0, &error.error, &raw);
    const Message answer(raw);
    if (code >= 0) {
      STAVE_RETURN_IF_ERROR(job.Wait(bus_.get(), answer.get(), act));
      return ControlGroup(request.unit);
    }
    if (!error.Is("org.freedesktop.systemd1.UnitExists")) return error.Status(code, act);
    if (!again) Forget(request.unit);
  }
  return base::WithHint(base::Error(absl::StatusCode::kAlreadyExists, "E_SYSTEMD",
                                    absl::StrCat(act, ": there is such a unit already")),
                        "linux.cgroupsPath must be the container's own");
}

absl::StatusOr<std::string> Bus::ControlGroup(const std::string& unit) const {
  char* path = nullptr;
  int code = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path);
  if (code < 0) return Failed(code, unit);
  const std::unique_ptr<char, decltype(&::free)> path_owner(path, ::free);
  CallError error;
  char* group = nullptr;
  code = sd_bus_get_property_string(bus_.get(), kSystemd, path, "org.freedesktop.systemd1.Scope",
                                    "ControlGroup", &error.error, &group);
  const std::unique_ptr<char, decltype(&::free)> group_owner(group, ::free);
  if (code < 0) return error.Status(code, absl::StrCat("the cgroup of ", unit));
  if (group[0] != '/') return SystemdError(absl::StrCat(unit, ": has no cgroup"));
  return std::string(group);
}

void Bus::Forget(const std::string& unit) const {
  CallError error;  // most are not known, or have not failed
  sd_bus_call_method(bus_.get(), kSystemd, kPath, kManager, "ResetFailedUnit", &error.error,
                     nullptr, "s", unit.c_str());
}

absl::Status Bus::Set(const std::string& unit, absl::Span<const Property> properties) const {
  const std::string act = absl::StrCat("changing ", base::Printable(unit));
  STAVE_ASSIGN_OR_RETURN(const Message call, NewCall(bus_.get(), "SetUnitProperties"));
  int code = sd_bus_message_append(call.get(), "sb", unit.c_str(), 1);
  if (code >= 0) code = sd_bus_message_open_container(call.get(), 'a', "(sv)");
  for (const Property& property : properties) {
    if (code >= 0) code = AppendProperty(call.get(), property);
  }
  if (code >= 0) code = sd_bus_message_close_container(call.get());
  if (code < 0) return Failed(code, act);
  CallError error;
  code = sd_bus_call(bus_.get(), call.get(), 0, &error.error, nullptr);
  return code < 0 ? error.Status(code, act) : absl::OkStatus();
}

absl::Status Bus::Stop(const std::string& unit) const {
  const std::string act = absl::StrCat("stopping ", base::Printable(unit));
  Job job;
  STAVE_RETURN_IF_ERROR(job.Watch(bus_.get()));
  CallError error;
  sd_bus_message* raw = nullptr;
  const int code = sd_bus_call_method(bus_.get(), kSystemd, kPath, kManager, "StopUnit",
                                      &error.error, &raw, "ss", unit.c_str(), "replace");
  const Message answer(raw);
  if (code < 0) {
    if (error.Is("org.freedesktop.systemd1.NoSuchUnit")) return absl::OkStatus();
    return error.Status(code, act);
  }
  STAVE_RETURN_IF_ERROR(job.Wait(bus_.get(), answer.get(), act));
  Forget(unit);
  return absl::OkStatus();
}

}  // namespace stave::stave_scope
