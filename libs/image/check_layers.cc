// SPDX-License-Identifier: Apache-2.0
#include "libs/image/check_layers.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/side_by_side.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/image/compare_trees.h"
#include "libs/image/unpack_blob.h"
#include "libs/store/check_layer.h"
#include "libs/store/ingest.h"
#include "libs/store/layer_twin.h"
#include "libs/store/layers.h"
#include "libs/store/refs.h"

namespace stave::image {
namespace {

using store::Finding;
using store::Findings;
using store::NeededLayer;

constexpr size_t kThreads = 2;
constexpr size_t kMaxDifferences = 20;  // of one layer

// One folder of layers/, or one that should be there.
struct Job {
  const NeededLayer* layer;
  std::optional<oci::Digest> key;  // nullopt: missing
};

class LayersCheck {
 public:
  LayersCheck(const store::Store& store, const store::Needed& needed,
              const std::set<oci::Digest>& bad, const LayerCheckOptions& options,
              Findings* findings)
      : store_(store), needed_(needed), bad_(bad), options_(options), findings_(*findings) {}

  void Run();

 private:
  enum class Verdict { kSound, kDamaged };

  std::vector<Job> ListJobs();
  Verdict Check(const Job& job);
  Verdict CheckMissing(const Job& job);
  absl::Status MakeMissing(const NeededLayer& layer, bool sound_below);
  Verdict CheckPresent(const Job& job, const oci::Digest& key);
  absl::Status Compare(const Job& job, const oci::Digest& key, std::vector<Finding>* found);
  void AddDifferences(const oci::Digest& key, const Comparison& comparison,
                      std::vector<Finding>* found);
  bool IsStillNeeded(const oci::Digest& chain_id);

  bool AwaitBelow(const NeededLayer& layer);
  std::vector<oci::Digest> KeysBelow(const NeededLayer& layer);
  void SetVerdict(const oci::Digest& chain_id, Verdict verdict);
  bool mends() const { return options_.mend == store::Mend::kYes; }

  const store::Store& store_;
  const store::Needed& needed_;
  const std::set<oci::Digest>& bad_;
  const LayerCheckOptions& options_;
  Findings& findings_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<oci::Digest, Verdict> verdicts_;  // by chainID of jobs; under mutex_
  // chainID of any layer -> that of the job that looks at its folder, which came before.
  std::map<oci::Digest, oci::Digest> judges_;
};

// Each folder once, lower layers before upper ones.
std::vector<Job> LayersCheck::ListJobs() {
  std::vector<const NeededLayer*> layers;
  for (const auto& [chain_id, layer] : needed_.layers) layers.push_back(&layer);
  std::stable_sort(layers.begin(), layers.end(), [](const NeededLayer* a, const NeededLayer* b) {
    return a->below.size() < b->below.size();
  });
  std::map<oci::Digest, oci::Digest> first;  // key -> chainID
  std::vector<Job> jobs;
  for (const NeededLayer* layer : layers) {
    const auto key = store::FindLayer(store_, layer->diff_id, layer->chain_id);
    const oci::Digest& judge =
        key.has_value() ? first.try_emplace(*key, layer->chain_id).first->second : layer->chain_id;
    judges_.emplace(layer->chain_id, judge);
    if (judge == layer->chain_id) jobs.push_back({layer, key});
  }
  return jobs;
}

void LayersCheck::SetVerdict(const oci::Digest& chain_id, Verdict verdict) {
  const std::lock_guard<std::mutex> lock(mutex_);
  verdicts_[chain_id] = verdict;
  changed_.notify_all();
}

// Waits until all below have been looked at, which were begun before; whether they are sound.
bool LayersCheck::AwaitBelow(const NeededLayer& layer) {
  std::unique_lock<std::mutex> lock(mutex_);
  bool sound = true;
  for (const oci::Digest& chain_id : layer.below) {
    const oci::Digest& judge = judges_.at(chain_id);
    changed_.wait(lock, [&] { return verdicts_.count(judge) != 0; });
    sound = sound && verdicts_.at(judge) == Verdict::kSound;
  }
  return sound;
}

std::vector<oci::Digest> LayersCheck::KeysBelow(const NeededLayer& layer) {
  std::vector<oci::Digest> keys;
  for (const oci::Digest& chain_id : layer.below) {
    const NeededLayer& lower = needed_.layers.at(chain_id);
    keys.push_back(store::FindLayer(store_, lower.diff_id, chain_id).value_or(chain_id));
  }
  return keys;
}

bool LayersCheck::IsStillNeeded(const oci::Digest& chain_id) {
  const auto images = store::ListImages(store_);
  return !images.ok() || store::FindNeeded(store_, *images).layers.count(chain_id) != 0;
}

// One that takes something from below is not made on top of what is damaged.
absl::Status LayersCheck::MakeMissing(const NeededLayer& layer, bool sound_below) {
  STAVE_ASSIGN_OR_RETURN(auto ingest,
                         store::LayerIngest::Begin(store_, layer.diff_id, layer.chain_id));
  if (!ingest.has_value()) return absl::OkStatus();  // somebody else has made it
  const auto unpacked = UnpackBlob(store_, layer, KeysBelow(layer), options_.unpacker,
                                   options_.attributes, ingest->fs());
  const bool needs_below =
      unpacked.ok() ? unpacked->key != layer.diff_id : absl::IsNotFound(unpacked.status());
  if (!sound_below && needs_below) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE",
                       "is not made: a layer below it is damaged");
  }
  STAVE_RETURN_IF_ERROR(unpacked.status());
  STAVE_RETURN_IF_ERROR(ingest->SetMeta(unpacked->key, unpacked->meta));
  STAVE_RETURN_IF_ERROR(ingest->Commit(store::Synced::kNo));
  STAVE_ASSIGN_OR_RETURN(const base::UniqueFd layers, base::OpenDirAt(store_.state(), "layers"));
  return ::fsync(layers.get()) < 0 ? base::PosixError(errno, "layers", "fsync") : absl::OkStatus();
}

LayersCheck::Verdict LayersCheck::CheckMissing(const Job& job) {
  const NeededLayer& layer = *job.layer;
  if (!layer.unpacked) return Verdict::kSound;  // of another machine's platform
  if (store::FindLayer(store_, layer.diff_id, layer.chain_id).has_value()) return Verdict::kSound;
  if (store::IsBeingWritten(store_, absl::StrCat("layer-", layer.diff_id.hex())) ||
      !IsStillNeeded(layer.chain_id)) {
    return Verdict::kDamaged;  // comes, or went with its image: nothing to tell
  }
  const bool can = bad_.count(layer.blob.digest) == 0;
  Finding finding{
      "layer",     layer.diff_id.ToString(),
      "",          absl::StrCat("is missing; needed by ", absl::StrJoin(layer.images, ", ")),
      "E_MISSING", true,
      false,       can ? store::kRepairCommand : store::FetchCommand(*layer.images.begin())};
  if (mends() && can) {
    const absl::Status made = MakeMissing(layer, AwaitBelow(layer));
    finding.mended = made.ok();
    if (!made.ok()) {
      findings_.AddFailure(base::WithContext(made, absl::StrCat("layer ", finding.name)));
    }
  }
  findings_.Add(finding);
  return finding.mended ? Verdict::kSound : Verdict::kDamaged;
}

void LayersCheck::AddDifferences(const oci::Digest& key, const Comparison& comparison,
                                 std::vector<Finding>* found) {
  for (const Difference& difference : comparison.differences) {
    found->push_back({"layer", key.ToString(), difference.path, difference.what, difference.word,
                      true, false, store::kRepairCommand});
  }
  if (comparison.more > 0) {
    found->push_back({"layer", key.ToString(), "",
                      absl::StrCat("and ", comparison.more, " more differences"), "E_CONTENT", true,
                      false, store::kRepairCommand});
  }
}

// Makes the twin, compares, and puts it in the layer's place if that is wanted and due.
absl::Status LayersCheck::Compare(const Job& job, const oci::Digest& key,
                                  std::vector<Finding>* found) {
  const std::string noun = absl::StrCat("layer ", key.ToString());
  if (bad_.count(job.layer->blob.digest) != 0) {
    findings_.AddNote(absl::StrCat(noun, ": its files were not compared: its blob is damaged"));
    return absl::OkStatus();
  }
  STAVE_ASSIGN_OR_RETURN(auto twin, store::LayerTwin::Begin(store_, key));
  if (!twin.has_value()) {
    findings_.AddNote(absl::StrCat(noun, ": another check is looking at it"));
    return absl::OkStatus();
  }
  // What it takes from below has to be right.
  if (key == job.layer->chain_id && !AwaitBelow(*job.layer)) {
    findings_.AddNote(
        absl::StrCat(noun, ": its files were not compared: a layer below it is damaged"));
    return absl::OkStatus();
  }
  STAVE_ASSIGN_OR_RETURN(const UnpackedBlob fresh,
                         UnpackBlob(store_, *job.layer, KeysBelow(*job.layer), options_.unpacker,
                                    options_.attributes, twin->fs()));
  const auto is = store::OpenLayer(store_, key);
  if (is.ok()) {
    const std::set<std::string> implied(fresh.report.implied_parents.begin(),
                                        fresh.report.implied_parents.end());
    const auto any_time = [&](const std::string& path) {
      return path == "." ? !fresh.report.root_named : implied.count(path) != 0;
    };
    STAVE_ASSIGN_OR_RETURN(const Comparison comparison,
                           CompareTrees(twin->fs(), is->get(), any_time, kMaxDifferences));
    AddDifferences(key, comparison, found);
  }
  const auto meta = store::ReadLayerMeta(store_, key);
  if (meta.ok() && store::FormatLayerMeta(*meta) != store::FormatLayerMeta(fresh.meta)) {
    found->push_back({"layer", key.ToString(), "meta.json", "says something else than the blob",
                      "E_CORRUPT", true, false, store::kRepairCommand});
  }
  if (found->empty() || !mends()) return absl::OkStatus();
  if (fresh.key != key) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "E_STATE",
                       absl::StrCat(noun, ": belongs under the key ", fresh.key.ToString()));
  }
  STAVE_RETURN_IF_ERROR(twin->Exchange(fresh.meta));
  for (Finding& finding : *found) finding.mended = true;
  return absl::OkStatus();
}

LayersCheck::Verdict LayersCheck::CheckPresent(const Job& job, const oci::Digest& key) {
  auto found = store::CheckLayerFolder(store_, key, job.layer->diff_id);
  if (!found.ok()) {
    findings_.AddFailure(found.status());
    return Verdict::kDamaged;
  }
  const bool whole = options_.depth == store::Depth::kWhole;
  if (whole || (mends() && !found->empty())) {
    const absl::Status compared = Compare(job, key, &*found);
    if (!compared.ok() && IsStillNeeded(job.layer->chain_id)) {
      findings_.AddFailure(base::WithContext(compared, absl::StrCat("layer ", key.ToString())));
    }
  }
  bool mended = true;
  for (const Finding& finding : *found) {
    findings_.Add(finding);
    mended = mended && finding.mended;
  }
  return mended ? Verdict::kSound : Verdict::kDamaged;
}

LayersCheck::Verdict LayersCheck::Check(const Job& job) {
  return job.key.has_value() ? CheckPresent(job, *job.key) : CheckMissing(job);
}

void LayersCheck::Run() {
  const std::vector<Job> jobs = ListJobs();
  base::SideBySide(jobs.size(), kThreads,
                   [&](size_t i) { SetVerdict(jobs[i].layer->chain_id, Check(jobs[i])); });
}

}  // namespace

void CheckLayers(const store::Store& store, const store::Needed& needed,
                 const std::set<oci::Digest>& bad, const LayerCheckOptions& options,
                 store::Findings* findings) {
  LayersCheck(store, needed, bad, options, findings).Run();
}

}  // namespace stave::image
