// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/cli/table.h"
#include "libs/json/parse.h"
#include "libs/lifecycle/container.h"
#include "libs/lifecycle/machine.h"
#include "tools/stave-oci/call.h"
#include "tools/stave-oci/commands.h"
#include "tools/stave-oci/user_name.h"

namespace stave::stave_oci {
namespace {

constexpr cli::Option kListOptions[] = {
    {"format", 'f', cli::Takes::kValue, "FORMAT", "table or json"},
    {"quiet", 'q', cli::Takes::kNothing, "", "only ids"},
};

absl::StatusOr<int> State(const cli::VerbCall& call) {
  STAVE_RETURN_IF_ERROR(CheckOperands(call, "state", 1, 1));
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Root root, OpenRoot(call));
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Container container,
                         lifecycle::Container::Open(root, call.own.operands()[0]));
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Condition condition, container.Look());
  STAVE_RETURN_IF_ERROR(Print(absl::StrCat(json::PrintIndented(condition.State()), "\n")));
  return 0;
}

// The states of all containers. One that goes meanwhile is left out, one that is damaged is told.
absl::StatusOr<std::vector<json::Value>> States(const cli::VerbCall& call,
                                                const lifecycle::Root& root) {
  const auto passwd = base::ReadFileAt(AT_FDCWD, "/etc/passwd", size_t{1} << 20);
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> ids, root.Ids());
  std::vector<json::Value> states;
  lifecycle::Machine machine;
  for (const std::string& id : ids) {
    const auto container = lifecycle::Container::Open(root, id);
    if (absl::IsNotFound(container.status())) continue;
    const auto condition =
        container.ok() ? container->Look(&machine, lifecycle::Freezer::kAsk) : container.status();
    if (!condition.ok()) {
      call.warn(condition.status().message());
      continue;
    }
    json::Value state = condition->State();
    state.Set("owner",
              json::Value::String(UserName(passwd.ok() ? *passwd : "", container->owner())));
    states.push_back(std::move(state));
  }
  return states;
}

std::string FormatStates(const std::vector<json::Value>& states) {
  std::vector<cli::TableRow> rows;
  for (const json::Value& state : states) {
    cli::TableRow& row = rows.emplace_back();
    for (const char* key : {"id", "pid", "status", "bundle", "created", "owner"}) {
      row.push_back(base::Printable(state.Find(key)->text(), 4096));
    }
  }
  return cli::FormatTable({"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}, rows);
}

absl::StatusOr<int> List(const cli::VerbCall& call) {
  STAVE_RETURN_IF_ERROR(CheckOperands(call, "list", 0, 0));
  STAVE_ASSIGN_OR_RETURN(const bool wants_json, WantsJson(call));
  STAVE_ASSIGN_OR_RETURN(const lifecycle::Root root, OpenRoot(call));
  STAVE_ASSIGN_OR_RETURN(std::vector<json::Value> states, States(call, root));
  std::string text;
  if (call.own.Has("quiet")) {
    for (const json::Value& state : states) absl::StrAppend(&text, state.Find("id")->text(), "\n");
  } else if (wants_json) {
    text = absl::StrCat(json::Print(json::Value::Array(std::move(states))), "\n");
  } else {
    text = FormatStates(states);
  }
  STAVE_RETURN_IF_ERROR(Print(text));
  return 0;
}

}  // namespace

cli::Verb StateVerb() {
  return {Table("state", "ID", "print the state of a container, as JSON", {}), State};
}

cli::Verb ListVerb() {
  return {Table("list", "[OPTION...]", "list the containers of the state root", kListOptions),
          List};
}

}  // namespace stave::stave_oci
