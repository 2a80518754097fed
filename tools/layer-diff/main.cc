// SPDX-License-Identifier: Apache-2.0
//
// layer-diff - what a container has changed, as lines or as a layer; or its whole root filesystem
//
// Manual: layer-diff(1).

#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "libs/archive/byte_sink.h"
#include "libs/archive/tar_writer.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/cli/program.h"
#include "libs/image/layer_changes.h"
#include "libs/image/tar_entry_writer.h"
#include "libs/image/tree_entry.h"
#include "libs/image/tree_reader.h"
#include "libs/json/parse.h"
#include "libs/json/utf8.h"
#include "libs/json/value.h"
#include "libs/runtime/container_root.h"
#include "libs/store/containers.h"
#include "libs/store/store.h"
#include "tools/layer-diff/output.h"

DEFINE_bool(json, false, "");
DEFINE_bool(rootfs, false, "");
DEFINE_string(output, "", "");
DEFINE_bool(tar, false, "");

namespace stave {
namespace {

constexpr cli::Option kOptions[] = {
    {"json", 0, cli::Takes::kNothing, "", "print one JSON object a line, a stable interface"},
    {"output", 'o', cli::Takes::kValue, "FILE", "write to FILE, which is replaced, not to stdout"},
    {"rootfs", 0, cli::Takes::kNothing, "", "write the whole root filesystem as a tar"},
    {"tar", 0, cli::Takes::kNothing, "", "write the changes as the tar of an OCI layer"},
};

constexpr cli::Program kProgram = {
    .name = "layer-diff",
    .purpose = "tell what a container has changed, as lines or as a tar",
    .synopsis = "[--json|--tar|--rootfs] [-o FILE] CONTAINER",
    .options = kOptions,
};

constexpr size_t kMaxPath = size_t{64} << 10;

void Tell(const std::string& message) { cli::PrintWarning(kProgram, message); }

// A directory on the way is open in every layer that has it.
void AllowManyFiles() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

absl::StatusOr<std::vector<image::Change>> Changes(const runtime::ContainerLayers& layers) {
  if (!layers.upper.valid()) return std::vector<image::Change>();
  image::LayerStack stack;
  stack.upper = layers.upper.get();
  for (const base::UniqueFd& lower : layers.lowers) stack.lowers.push_back(lower.get());
  if (::geteuid() != 0) stack.opaque = "user.overlay.opaque";
  stack.mount_points = layers.mount_points;
  return image::FindChanges(stack);
}

std::string Line(const image::Change& change) {
  static constexpr struct {
    const char *letter, *word;
  } kKinds[] = {{"A", "added"}, {"C", "changed"}, {"D", "deleted"}};
  const auto& kind = kKinds[static_cast<int>(change.kind)];
  const std::string path = "/" + change.path;
  if (!FLAGS_json) return absl::StrCat(kind.letter, " ", base::Printable(path, kMaxPath), "\n");
  const json::Utf8Text name = json::ToUtf8(path);
  json::Value line = json::Value::Object(
      {{"kind", json::Value::String(kind.word)}, {"path", json::Value::String(name.text)}});
  if (!name.bytes.empty()) line.Set("bytes", json::Value::String(name.bytes));
  return json::Print(line) + "\n";
}

absl::Status PrintChanges(const store::Store& store, const std::string& id,
                          const tools::Output& output) {
  const auto opened = runtime::OpenContainerLayers(store, id);
  if (base::ErrorWord(opened.status()) == "E_NO_IMAGE") {
    return base::WithHint(
        base::Error(absl::StatusCode::kFailedPrecondition, "E_NO_IMAGE",
                    "the container runs in a directory, which has no layers to compare with"),
        "layer-diff --rootfs writes what is in it");
  }
  if (!opened.ok()) return opened.status();
  const runtime::ContainerLayers& layers = *opened;
  STAVE_ASSIGN_OR_RETURN(const std::vector<image::Change> changes, Changes(layers));
  if (!FLAGS_tar) {
    std::string text;
    for (const image::Change& change : changes) text += Line(change);
    return base::WriteAll(output.fd(), text, output.name());
  }
  archive::FdSink sink(output.fd(), output.name());
  archive::TarWriter tar(&sink);
  if (layers.upper.valid()) {
    STAVE_RETURN_IF_ERROR(image::WriteLayer(layers.upper.get(), changes, Tell, &tar));
  }
  return tar.Finish();
}

absl::Status WriteRootfs(const store::Store& store, const std::string& id,
                         const tools::Output& output) {
  STAVE_ASSIGN_OR_RETURN(const runtime::ContainerRoot root,
                         runtime::OpenContainerRoot(store, id, runtime::RootUse::kExport));
  archive::FdSink sink(output.fd(), output.name());
  archive::TarWriter tar(&sink);
  image::TreeReader reader(
      {.mounts = image::TreeBounds::Mounts::kStop},
      [&](archive::TarEntry* entry, image::EntryData* data) -> absl::Status {
        if (entry->path == ".") return absl::OkStatus();  // docker export has none of it either
        entry->uid = runtime::ContainerId(root.uids, entry->uid);
        entry->gid = runtime::ContainerId(root.gids, entry->gid);
        return image::WriteTarEntry(*entry, data, &tar);
      },
      Tell);
  STAVE_RETURN_IF_ERROR(reader.ReadTree(root.tree.get(), "."));
  return tar.Finish();
}

absl::StatusOr<int> Run(const cli::Invocation& given) {
  if (given.operands().size() != 1) return cli::UsageError("exactly one CONTAINER is wanted");
  if (FLAGS_json + FLAGS_tar + FLAGS_rootfs > 1) {
    return cli::UsageError("--json, --tar and --rootfs: only one of them");
  }
  if (given.Has("output") && FLAGS_output.empty()) return cli::UsageError("--output: is empty");
  if ((FLAGS_tar || FLAGS_rootfs) && FLAGS_output.empty() && ::isatty(STDOUT_FILENO) == 1) {
    return base::WithHint(cli::UsageError("a tar would go to stdout, which is a terminal"),
                          "--output FILE, or a pipe");
  }
  AllowManyFiles();
  // A store that is not there has no containers, and is not made.
  STAVE_ASSIGN_OR_RETURN(store::Store store, store::Store::Open(store::Access::kRead));
  STAVE_ASSIGN_OR_RETURN(const std::string id, store::FindContainer(store, given.operands()[0]));
  STAVE_ASSIGN_OR_RETURN(store, store::Store::Open(store::Access::kWrite));
  STAVE_ASSIGN_OR_RETURN(tools::Output output, tools::Output::Open(FLAGS_output));
  const absl::Status written =
      FLAGS_rootfs ? WriteRootfs(store, id, output) : PrintChanges(store, id, output);
  STAVE_RETURN_IF_ERROR(store::TellRemoval(store, id, given.operands()[0], written));
  STAVE_RETURN_IF_ERROR(output.Done());
  return 0;
}

}  // namespace
}  // namespace stave

int main(int argc, char** argv) {
  return stave::cli::Main(stave::kProgram, stave::Run, argc, argv);
}
