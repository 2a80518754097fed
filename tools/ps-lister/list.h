// SPDX-License-Identifier: Apache-2.0
//
// ps-lister: the list itself, as `docker ps`.

#ifndef STAVE_TOOLS_PS_LISTER_LIST_H_
#define STAVE_TOOLS_PS_LISTER_LIST_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/cli/format.h"
#include "libs/store/containers.h"
#include "libs/store/store.h"
#include "tools/ps-lister/cells.h"
#include "tools/ps-lister/filter.h"
#include "tools/ps-lister/images.h"

namespace stave::tools {

struct ListWishes {
  bool all = false;
  size_t last = 0;  // how many of the newest, whether they run or not; 0: no limit
  bool sizes = false;
  bool quiet = false;
  bool json = false;
  Width width = Width::kShort;
  std::optional<cli::Format> format;
  std::string format_text;  // that it was parsed from
  PsFilter filter;
};

struct ListText {
  std::string text;
  std::vector<absl::Status> damage;  // of containers that are shown
};

// Takes no lock and repairs nothing. What is not shown is not looked up.
// Errors: NotFound [E_NO_CONTAINER] for a container of before= or since=; those of ListContainers;
// those of the template.
absl::StatusOr<ListText> ListContainers(const store::Store& store, ListWishes wishes);

// What the store cannot know: whether one that is marked as paused is frozen.
void AskFreezer(store::ContainerView* container);

// Of a container and its image, `images` being those of its store.
Sizes SizesOf(const store::Store& store, const store::Record& record, Images* images);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_LISTER_LIST_H_
