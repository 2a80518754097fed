// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/image_verbs.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/cli/program.h"

namespace stave::tools {
namespace {

using cli::Takes;

constexpr char kTemplate[] = "columns as \"table TEMPLATE\", json, or a Go template";

// --- images ----------------------------------------------------------------------------------

constexpr Flag kListFlags[] = {
    {{"all", 'a', Takes::kNothing, "", "those between, too"}, To::kLast},
    {{"digests", 0, Takes::kNothing, "", "and their digests"}, To::kLast},
    {{"filter", 'f', Takes::kList, "filter", "only those of KEY=VALUE, such as dangling=true"},
     To::kLast},
    {{"format", 0, Takes::kValue, "string", kTemplate}, To::kLast},
    {{"no-trunc", 0, Takes::kNothing, "", "ids whole"}, To::kLast},
    {{"quiet", 'q', Takes::kNothing, "", "ids only"}, To::kLast},
};
// "images rm", where "image rm" was meant.
std::string HintAboutList(const Call& call) {
  if (call.operands().empty()) return "";
  for (const char* word :
       {"ls", "list", "rm", "remove", "prune", "inspect", "history", "pull", "tag"}) {
    if (call.operands()[0] == word) {
      return absl::StrCat("\"", word, "\" is taken as a repository; did you mean image ", word,
                          "?");
    }
  }
  return "";
}

constexpr Missing kListMissing[] = {{"tree", 0, "an image is of one platform here"}};

constexpr Flag kInspectFlags[] = {
    {{"format", 'f', Takes::kValue, "string", "a Go template, or json"}, To::kLast},
};
constexpr Missing kPlatformMissing[] = {{"platform", 0, "an image is of one platform here"}};

constexpr Flag kHistoryFlags[] = {
    {{"format", 0, Takes::kValue, "string", kTemplate}, To::kLast},
    {{"human", 'H', Takes::kNothing, "", "sizes and dates for people; true unless =false"}},
    {{"no-trunc", 0, Takes::kNothing, "", "all of it"}, To::kLast},
    {{"quiet", 'q', Takes::kNothing, "", "ids only"}, To::kLast},
};

absl::StatusOr<Plan> PlanHistory(const Call& call) {
  Stage stage = MakeStage(call, "image-list", "--history");
  if (call.given().Off("human")) stage.args.push_back("--human=false");
  AddOperands(call.operands(), &stage);
  return OneStage(std::move(stage));
}

constexpr Flag kPullFlags[] = {
    {{"platform", 0, Takes::kValue, "string", "which of the image's platforms, as linux/arm64"},
     To::kLast},
    {{"quiet", 'q', Takes::kNothing, "", "print its name only"}, To::kLast},
    {{"disable-content-trust", 0, Takes::kNothing, "",
      "check no signatures; true, stave has none"}},
};
constexpr Missing kPullMissing[] = {{"all-tags", 'a', "one tag is pulled at a time"}};

absl::StatusOr<Plan> PlanPull(const Call& call) {
  if (call.given().Off("disable-content-trust")) {
    return base::Error(
        absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
        "--disable-content-trust=false: is not supported: no signatures are checked");
  }
  Stage stage = MakeStage(call, "image-fetch", "--lines");
  stage.args.insert(stage.args.begin() + 1, {"--no-document", "--policy", "always"});
  AddOperands(call.operands(), &stage);
  return OneStage(std::move(stage));
}

constexpr Flag kRmiFlags[] = {
    {{"force", 'f', Takes::kNothing, "", "also what a container uses or what has several names"},
     To::kLast},
    {{"no-prune", 0, Takes::kNothing, "", "keep parents without a name; there are none here"},
     To::kLast},
};
constexpr Missing kRmiMissing[] = {
    {"platform", 0, "an image is of one platform here"},
};

constexpr Flag kPruneFlags[] = {
    {{"all", 'a', Takes::kNothing, "", "all that no container uses, names or not"}, To::kLast},
    {{"force", 'f', Takes::kNothing, "", "do not ask"}},
    {{"filter", 0, Takes::kList, "filter", "only those of until=TIME, label=KEY, label!=KEY"},
     To::kLast},
};

absl::StatusOr<Plan> PlanPrune(const Call& call) {
  Stage stage = MakeStage(call, "image-remove", "--prune");
  stage.args.insert(stage.args.begin() + 1, "--report");
  Plan plan = OneStage(std::move(stage));
  AskFirst(call,
           call.given().Has("all")
               ? "This will remove all images without at least one container associated to them."
               : "This will remove all dangling images.",
           &plan);
  return plan;
}

// --- anything --------------------------------------------------------------------------------

constexpr Flag kAnyFlags[] = {
    {{"format", 'f', Takes::kValue, "string", "a Go template, or json"}, To::kLast},
    {{"size", 's', Takes::kNothing, "", "and the sizes of containers"}, To::kLast},
    {{"type", 0, Takes::kValue, "string", "container or image only"}},
};

absl::StatusOr<Plan> PlanInspect(const Call& call) {
  const std::string type = call.given().Get("type");
  Stage stage;
  if (type == "image") {
    if (call.given().Has("size")) {
      return cli::UsageError("--size: is of containers, not of images");
    }
    stage = MakeStage(call, "image-list", "--inspect");
  } else if (type == "container") {
    stage = MakeStage(call, "ps-lister", "--inspect");
  } else if (type.empty()) {
    stage = MakeStage(call, "ps-lister", "--inspect");
    stage.args.insert(stage.args.begin() + 1, "--or-image");
  } else {
    return cli::UsageError(
        absl::StrCat("unknown type: ", base::Quoted(type, 64), ", it is container or image"));
  }
  AddOperands(call.operands(), &stage);
  return OneStage(std::move(stage));
}

// --- registries ------------------------------------------------------------------------------

constexpr Flag kSearchFlags[] = {
    {{"filter", 'f', Takes::kList, "filter", "only those of KEY=VALUE, such as stars=3"},
     To::kLast},
    {{"format", 0, Takes::kValue, "string", kTemplate}, To::kLast},
    {{"limit", 0, Takes::kValue, "int", "at most so many"}, To::kLast},
    {{"no-trunc", 0, Takes::kNothing, "", "descriptions whole"}, To::kLast},
};

constexpr Flag kLoginFlags[] = {
    {{"password", 'p', Takes::kValue, "string", "the password; others can see it"}, To::kLast},
    {{"password-stdin", 0, Takes::kNothing, "", "read the password from stdin"}, To::kLast},
    {{"username", 'u', Takes::kValue, "string", "who logs in"}, To::kLast},
};

// --- the store -------------------------------------------------------------------------------

constexpr Flag kInfoFlags[] = {
    {{"format", 'f', Takes::kValue, "string", "a Go template, or json"}, To::kLast},
};

constexpr Flag kDfFlags[] = {
    {{"format", 0, Takes::kValue, "string", kTemplate}, To::kLast},
    {{"verbose", 'v', Takes::kNothing, "", "each image and container"}, To::kLast},
};

constexpr Flag kSystemPruneFlags[] = {
    {{"all", 'a', Takes::kNothing, "", "all images that no container uses, names or not"}},
    {{"force", 'f', Takes::kNothing, "", "do not ask"}},
    {{"filter", 0, Takes::kList, "filter", "only those of until=TIME, label=KEY, label!=KEY"},
     To::kLast},
};
constexpr Missing kSystemPruneMissing[] = {
    {"volumes", 0, "there are no volumes; what a container wrote goes with it"},
};

absl::StatusOr<Plan> PlanSystemPrune(const Call& call) {
  const bool all = call.given().Has("all");
  Stage images = MakeStage(call, "image-remove", "--prune");
  images.args.insert(images.args.begin() + 1, "--report");
  if (all) images.args.insert(images.args.begin() + 2, "--all");
  Stage containers = MakeStage(call, "ps-remove", "--prune");
  containers.args.insert(containers.args.begin() + 1, "--report");
  containers.next = Join::kAnd;
  Plan plan = OneStage(std::move(containers));
  plan.stages.push_back(std::move(images));
  AskFirst(call,
           absl::StrCat("This will remove:\n  - all stopped containers\n  - ",
                        all ? "all images without at least one container associated to them"
                            : "all dangling images",
                        "\n"),
           &plan);
  return plan;
}

constexpr Flag kFsckFlags[] = {
    {{"json", 0, Takes::kNothing, "", "one JSON object a line"}, To::kLast},
    {{"quick", 'q', Takes::kNothing, "", "names, sizes and small documents only"}, To::kLast},
    {{"repair", 'r', Takes::kNothing, "", "mend what can be mended"}, To::kLast},
};

constexpr Verb kVerbs[] = {
    {.names = "images, image ls, image list",
     .purpose = "list images",
     .synopsis = "[OPTIONS] [REPOSITORY[:TAG]]",
     .flags = kListFlags,
     .most = 1,
     .program = "image-list",
     .missing = kListMissing,
     .doubt = HintAboutList},
    {.names = "pull, image pull",
     .purpose = "fetch an image from a registry",
     .synopsis = "[OPTIONS] NAME[:TAG|@DIGEST]",
     .flags = kPullFlags,
     .least = 1,
     .most = 1,
     .plan = PlanPull,
     .missing = kPullMissing},
    {.names = "rmi, image rm, image remove",
     .purpose = "remove images",
     .synopsis = "[OPTIONS] IMAGE [IMAGE...]",
     .flags = kRmiFlags,
     .least = 1,
     .most = -1,
     .program = "image-remove",
     .missing = kRmiMissing},
    {.names = "tag, image tag",
     .purpose = "give an image another name",
     .synopsis = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
     .least = 2,
     .most = 2,
     .program = "image-tag"},
    {.names = "history, image history",
     .purpose = "show how an image was made",
     .synopsis = "[OPTIONS] IMAGE",
     .flags = kHistoryFlags,
     .least = 1,
     .most = 1,
     .plan = PlanHistory,
     .missing = kPlatformMissing},
    {.names = "image inspect",
     .purpose = "tell all about images",
     .synopsis = "[OPTIONS] IMAGE [IMAGE...]",
     .flags = kInspectFlags,
     .least = 1,
     .most = -1,
     .program = "image-list",
     .act = "--inspect",
     .missing = kPlatformMissing},
    {.names = "image prune",
     .purpose = "remove images that have no name",
     .synopsis = "[OPTIONS]",
     .flags = kPruneFlags,
     .plan = PlanPrune},
    {.names = "inspect",
     .purpose = "tell all about containers and images",
     .synopsis = "[OPTIONS] NAME|ID [NAME|ID...]",
     .flags = kAnyFlags,
     .least = 1,
     .most = -1,
     .plan = PlanInspect},
    {.names = "search",
     .purpose = "look for images in a registry",
     .synopsis = "[OPTIONS] TERM",
     .flags = kSearchFlags,
     .least = 1,
     .most = 1,
     .program = "image-search"},
    {.names = "login",
     .purpose = "log in to a registry",
     .synopsis = "[OPTIONS] [SERVER]",
     .flags = kLoginFlags,
     .most = 1,
     .program = "registry-login"},
    {.names = "logout",
     .purpose = "forget the login for a registry",
     .synopsis = "[SERVER]",
     .most = 1,
     .program = "registry-logout"},
    {.names = "version",
     .purpose = "tell which Docker's commands these are, and which stave",
     .synopsis = "[OPTIONS]",
     .flags = kInfoFlags,
     .program = "store-info",
     .act = "--versions"},
    {.names = "info, system info",
     .purpose = "tell about this machine and its store",
     .synopsis = "[OPTIONS]",
     .flags = kInfoFlags,
     .program = "store-info"},
    {.names = "system df",
     .purpose = "show what the store holds",
     .synopsis = "[OPTIONS]",
     .flags = kDfFlags,
     .program = "store-info",
     .act = "--usage"},
    {.names = "system prune",
     .purpose = "remove what is not used",
     .synopsis = "[OPTIONS]",
     .flags = kSystemPruneFlags,
     .plan = PlanSystemPrune,
     .missing = kSystemPruneMissing},
    {.names = "fsck, system fsck",
     .purpose = "look for damage in the store, and mend it",
     .synopsis = "[OPTIONS] [REFERENCE...]",
     .flags = kFsckFlags,
     .most = -1,
     .program = "store-check"},
};

}  // namespace

absl::Span<const Verb> ImageVerbs() { return kVerbs; }

}  // namespace stave::tools
