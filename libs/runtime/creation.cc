// SPDX-License-Identifier: Apache-2.0
#include "libs/runtime/creation.h"

#include <sched.h>
#include <sys/utsname.h>

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/error.h"
#include "libs/base/id.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/json/parse.h"
#include "libs/oci/given_mounts.h"
#include "libs/oci/process.h"
#include "libs/oci/stave_member.h"
#include "libs/runtime/host_files.h"
#include "libs/runtime/recover.h"
#include "libs/runtime/shared_namespaces.h"
#include "libs/store/events.h"
#include "libs/store/lease.h"
#include "libs/store/record.h"

namespace stave::runtime {
namespace {

constexpr size_t kMaxRecorded = size_t{64} << 10;  // of each list; config.json has it whole
constexpr size_t kMaxAsked = 1024;

// What a listing shows of the image and the mounts.
void DescribeImage(const oci::ImageMember& image, store::Record* record) {
  record->image = image.reference;
  record->image_digest = image.manifest.ToString();
  record->image_id = image.config.ToString();
  if (image.asked.size() <= kMaxAsked) record->image_asked = image.asked;
  size_t bytes = 0;
  for (const std::string& port : image.ports) {
    bytes += port.size();
    if (bytes > kMaxRecorded) break;
    record->ports.push_back(port);
  }
}

void DescribeMounts(const json::Value& document, store::Record* record) {
  size_t bytes = 0;
  for (const oci::GivenMount& mount : oci::GivenMounts(document)) {
    if (mount.type != "bind") continue;
    bytes += mount.source.size() + mount.destination.size();
    if (bytes > kMaxRecorded) break;
    record->mounts.push_back({mount.source, mount.destination});
  }
}

store::Record MakeRecord(const store::Pending& entry, const oci::StaveMember& member,
                         const Plan& plan, const CreationWishes& wishes,
                         const json::Value& document) {
  store::Record record;
  record.id = entry.id();
  record.name = entry.intent().name;
  record.image = plan.root_path;
  if (member.image) DescribeImage(*member.image, &record);
  size_t bytes = 0;
  for (const std::string& word : plan.process.args) {
    bytes += word.size();
    if (bytes > kMaxRecorded) break;
    record.command.push_back(word);
  }
  record.created = absl::Now();
  record.labels = {member.labels.begin(), member.labels.end()};
  record.rm = entry.intent().rm;
  record.started = wishes.started;
  record.network = member.network_mode;
  if (record.network.empty() && !plan.Has(CLONE_NEWNET)) record.network = "host";
  DescribeMounts(document, &record);
  return record;
}

// From here on the layers that it names are not collected; a start looks whether they are there.
absl::Status Publish(const store::Store& store, const store::Container& container,
                     const json::Value& document, bool names_image) {
  base::UniqueFd lock;
  if (names_image) {
    STAVE_ASSIGN_OR_RETURN(lock, store::LockToPublish(store));
  }
  return container.WriteConfig(json::Print(document));
}

absl::StatusOr<Plan> WriteDown(const store::Store& store, const store::Pending& entry,
                               const CreationWishes& wishes, json::Value* document) {
  oci::SetName(entry.intent().name, document);
  Personalise(entry.id(), document);
  const store::Container& container = entry.container();
  if (wishes.record) {
    STAVE_RETURN_IF_ERROR(AddHostFiles(store, container.run_path(), document));
  }
  STAVE_ASSIGN_OR_RETURN(Plan plan, MakePlan(*document));
  STAVE_RETURN_IF_ERROR(RefuseDoubts(plan));
  STAVE_RETURN_IF_ERROR(CheckRunnable(plan));
  STAVE_ASSIGN_OR_RETURN(const oci::StaveMember member, oci::GetStaveMember(*document));
  STAVE_RETURN_IF_ERROR(Publish(store, container, *document, member.image.has_value()));
  STAVE_RETURN_IF_ERROR(container.WriteRecord(MakeRecord(entry, member, plan, wishes, *document)));
  return plan;
}

}  // namespace

void TellCreated(const store::Store& store, const store::Pending& entry,
                 const json::Value& document) {
  std::map<std::string, std::string> attributes;
  for (const char* name : {"reference", "asked"}) {  // the second, where it is there
    const json::Value* image = document.Find({"stave", "image", name});
    if (image != nullptr && image->is_string()) attributes["image"] = image->text();
  }
  const json::Value* labels = document.Find({"stave", "labels"});
  if (labels != nullptr && labels->is_object()) {
    for (const auto& [key, value] : labels->members()) {
      if (value.is_string()) attributes[absl::StrCat(store::kLabelAttribute, key)] = value.text();
    }
  }
  store::AppendEvent(store, "create", entry.id(), entry.intent().name, std::move(attributes));
}

absl::Status CheckRunnable(const Plan& plan) {
  if (!plan.Has(CLONE_NEWNS)) {
    return base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                       "/linux/namespaces: a container needs a mount namespace");
  }
  if (!plan.process.args.empty()) return absl::OkStatus();
  return base::Error(absl::StatusCode::kInvalidArgument, "E_DOCUMENT",
                     "/process: is missing, so there is nothing to start");
}

void Personalise(const std::string& id, json::Value* document) {
  const std::string short_id = id.substr(0, base::kShortIdLength);
  const json::Value* hostname = document->Find("hostname");
  bool uts = false;
  if (const json::Value* namespaces = document->Find({"linux", "namespaces"})) {
    for (const json::Value& one : namespaces->elements()) {
      const json::Value* type = one.Find("type");
      uts = uts || (type != nullptr && type->text() == "uts" && one.Find("path") == nullptr);
    }
  }
  if (uts && (hostname == nullptr || hostname->text().empty())) {
    // With the host's network its name too, as with Docker.
    const json::Value* mode = document->Find({"stave", "network", "mode"});
    utsname host{};
    const bool as_host = mode != nullptr && mode->text() == "host" && ::uname(&host) == 0;
    document->Set("hostname", json::Value::String(as_host ? std::string(host.nodename) : short_id));
  }
  if (const json::Value* name = document->Find("hostname");
      name != nullptr && name->is_string() && !oci::GetEnv("HOSTNAME", *document)) {
    oci::SetEnv(absl::StrCat("HOSTNAME=", name->text()), document).IgnoreError();
  }
  json::Value& linux = document->Make({"linux"});
  // A path that the document gives is where the container's own cgroup lies: one template may run
  // many times, and what is removed in the end bears the id.
  const json::Value* parent = linux.Find("cgroupsPath");
  const bool given = parent != nullptr && parent->is_string() && !parent->text().empty();
  linux.Set("cgroupsPath",
            json::Value::String(given ? absl::StrCat(parent->text(), "/", id) : CgroupPath(id)));
}

absl::StatusOr<Created> Create(const store::Store& store, const CreationWishes& wishes,
                               json::Value* document) {
  STAVE_RETURN_IF_ERROR(NameByIds(store, document));
  STAVE_ASSIGN_OR_RETURN(const oci::StaveMember member, oci::GetStaveMember(*document));
  store::Intent intent;
  intent.name = member.name;
  intent.rm = wishes.rm || !wishes.record;
  intent.record = wishes.record;
  STAVE_ASSIGN_OR_RETURN(store::Pending entry, store::Pending::Reserve(store, std::move(intent)));
  absl::StatusOr<Plan> plan = WriteDown(store, entry, wishes, document);
  if (!plan.ok()) {
    entry.Undo().IgnoreError();
    return plan.status();
  }
  return Created{std::move(entry), *std::move(plan)};
}

}  // namespace stave::runtime
