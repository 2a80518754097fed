// SPDX-License-Identifier: Apache-2.0
#include "libs/image/layer_pull.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/base/unique_fd.h"
#include "libs/image/layer_fetch.h"
#include "libs/store/blobs.h"
#include "libs/store/ingest.h"
#include "libs/store/layers.h"

namespace stave::image {
namespace {

// So long may a lock be waited for before what is finished is given a name.
constexpr std::chrono::milliseconds kPatience(20);
// After so many packed bytes the disk is set to work.
constexpr int64_t kWriteBack = int64_t{16} << 20;
// Each unnamed layer holds five descriptors.
constexpr size_t kMaxUnnamed = 50;
constexpr char kExists[] = "Already exists";
constexpr char kPulling[] = "Pulling fs layer";

enum class Stage { kQueued, kFetching, kFetched, kNamed };

struct Job {
  LayerName name;
  Stage stage = Stage::kQueued;
  LayerInFlight flight;
  std::string told;  // what the user was told of it before it began
};

class LayerPull {
 public:
  LayerPull(const store::Store& store, Source& source, const LayerPullOptions& options,
            Progress& progress, std::vector<Job> jobs)
      : store_(store),
        options_(options),
        progress_(progress),
        context_{store,
                 source,
                 progress,
                 options.unpacker,
                 [this] { return failed_.load(); },
                 [this](int64_t bytes) { Arrived(bytes); }},
        jobs_(std::move(jobs)) {}

  absl::Status Run(bool* fetched);

 private:
  void Announce();
  void Tell(Job* job, const char* state);
  void Work();
  Job* Acquire();
  absl::Status Begin(Job* job);
  bool HasTwinBefore(const Job& job) const;
  absl::Status Finish();
  bool AwaitFetched(const Job& job);
  absl::Status SettleJob(size_t i);
  absl::StatusOr<std::vector<base::UniqueFd>> OpenLowers(size_t i);
  absl::Status NameFinished();
  void Arrived(int64_t bytes);
  void WriteBack();
  void SetStage(Job* job, Stage stage);
  void Fail(const absl::Status& status);

  const store::Store& store_;
  const LayerPullOptions& options_;
  Progress& progress_;
  FetchContext context_;
  std::vector<Job> jobs_;
  bool quiet_ = false;         // nothing is missing, and nothing is told
  std::vector<Job*> unnamed_;  // settled; of the finishing thread

  std::mutex acquiring_;  // before mutex_
  std::mutex syncing_;    // before mutex_: who is told of an error fails before the other goes on
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t next_ = 0;       // under acquiring_
  bool waiting_ = false;  // under mutex_, like the stages of jobs_
  bool fetched_ = false;
  absl::Status failure_;
  std::atomic<bool> failed_{false};
  std::atomic<int64_t> arrived_{0};  // packed bytes since the last writing back
  bool ended_ = false;               // under mutex_: no layer is under way any more
};

void LayerPull::SetStage(Job* job, Stage stage) {
  const std::lock_guard<std::mutex> lock(mutex_);
  job->stage = stage;
  changed_.notify_all();
}

void LayerPull::Fail(const absl::Status& status) {
  const std::lock_guard<std::mutex> lock(mutex_);
  // What the others die of then is only a consequence.
  if (failure_.ok() && !absl::IsCancelled(status)) failure_ = status;
  failed_ = true;
  changed_.notify_all();
  context_.source.Cancel();
}

// Under mutex_: whether a layer before this one is the same object and has no name yet.
bool LayerPull::HasTwinBefore(const Job& job) const {
  for (const Job& other : jobs_) {
    if (&other == &job) return false;
    if (other.stage != Stage::kNamed && (other.name.blob.digest == job.name.blob.digest ||
                                         other.name.diff_id == job.name.diff_id)) {
      return true;
    }
  }
  return false;
}

absl::Status LayerPull::Begin(Job* job) {
  LayerName& name = job->name;
  std::atomic<bool> waited{false};
  const auto notice = [&](pid_t holder) {
    waited = true;
    const std::string who = holder == 0 ? "another process" : absl::StrCat("process ", holder);
    progress_.Set(name.blob.digest, absl::StrCat("Waiting for ", who, ", which is pulling it"));
  };
  // After a failure nothing is waited for: the other may be waiting for what we hold.
  const auto cancelled = [this] { return failed_.load(); };
  STAVE_ASSIGN_OR_RETURN(
      std::optional<store::BlobIngest> blob,
      store::BlobIngest::Begin(store_, name.blob.digest, name.blob.size, notice, cancelled));
  if (blob.has_value()) job->flight.blob.emplace(*std::move(blob));
  STAVE_ASSIGN_OR_RETURN(
      std::optional<store::LayerIngest> tree,
      store::LayerIngest::Begin(store_, name.diff_id, name.chain_id, notice, cancelled));
  if (tree.has_value()) job->flight.tree.emplace(*std::move(tree));
  if (waited) job->told.clear();
  return absl::OkStatus();
}

// The next layer with its locks held, or nullptr when there is nothing more to do.
Job* LayerPull::Acquire() {
  const std::lock_guard<std::mutex> turn(acquiring_);
  if (next_ == jobs_.size() || failed_) return nullptr;
  Job* job = &jobs_[next_++];
  {
    std::unique_lock<std::mutex> lock(mutex_);
    waiting_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return failed_ || !HasTwinBefore(*job); });
    if (failed_) return nullptr;
  }
  const absl::Status begun = Begin(job);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting_ = false;
    job->stage = Stage::kFetching;
  }
  if (begun.ok()) return job;
  Fail(begun);
  return nullptr;
}

void LayerPull::Work() {
  while (Job* job = Acquire()) {
    if (!job->flight.blob.has_value() && !job->flight.tree.has_value()) {
      if (!quiet_) Tell(job, kExists);
      SetStage(job, Stage::kNamed);
      continue;
    }
    Tell(job, kPulling);
    const absl::Status status = FetchLayer(context_, job->name, &job->flight);
    if (!status.ok()) return Fail(status);
    SetStage(job, Stage::kFetched);
  }
}

// Waits until the layer is there. While somebody waits for a lock, what is finished is named: it
// may be what the lock's holder waits for. False after a failure.
bool LayerPull::AwaitFetched(const Job& job) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto ready = [&] {
    return failed_ || job.stage == Stage::kFetched || job.stage == Stage::kNamed;
  };
  while (!ready()) {
    if (!waiting_ || unnamed_.empty()) {
      changed_.wait(lock);
      continue;
    }
    if (changed_.wait_for(lock, kPatience, [&] { return ready() || !waiting_; })) continue;
    lock.unlock();
    if (const absl::Status named = NameFinished(); !named.ok()) {
      Fail(named);
      return false;
    }
    lock.lock();
  }
  return !failed_;
}

// The trees below layer `i`, topmost first.
absl::StatusOr<std::vector<base::UniqueFd>> LayerPull::OpenLowers(size_t i) {
  std::vector<base::UniqueFd> lowers;
  while (i-- > 0) {
    const Job& job = jobs_[i];
    if (job.flight.tree.has_value()) {
      STAVE_ASSIGN_OR_RETURN(base::UniqueFd fd, base::Duplicate(job.flight.tree->fs()));
      lowers.push_back(std::move(fd));
      continue;
    }
    const auto key = store::FindLayer(store_, job.name.diff_id, job.name.chain_id);
    if (!key.has_value()) {
      return absl::NotFoundError(
          absl::StrCat("layer ", job.name.diff_id.ToString(), ": was removed while we worked"));
    }
    STAVE_ASSIGN_OR_RETURN(base::UniqueFd fd, store::OpenLayer(store_, *key));
    lowers.push_back(std::move(fd));
  }
  return lowers;
}

absl::Status LayerPull::SettleJob(size_t i) {
  Job& job = jobs_[i];
  if (!job.flight.report.has_value() || !job.flight.tree.has_value()) return absl::OkStatus();
  const UnpackReport& report = *job.flight.report;
  const bool depends = DependsOnLower(report);
  std::vector<base::UniqueFd> lowers;
  if (depends) {
    STAVE_ASSIGN_OR_RETURN(lowers, OpenLowers(i));
  }
  std::vector<int> fds;
  for (const base::UniqueFd& lower : lowers) fds.push_back(lower.get());
  STAVE_RETURN_IF_ERROR(Settle(job.flight.tree->fs(), report, fds, options_.attributes));
  store::LayerMeta meta{job.name.diff_id, std::nullopt, static_cast<int64_t>(report.file_bytes),
                        static_cast<int64_t>(report.entries), report.root_named};
  if (depends) meta.chain_id = job.name.chain_id;
  return job.flight.tree->SetMeta(depends ? job.name.chain_id : job.name.diff_id, meta);
}

// One syncfs(2), then the names.
absl::Status LayerPull::NameFinished() {
  if (unnamed_.empty()) return absl::OkStatus();
  {
    const std::lock_guard<std::mutex> turn(syncing_);
    STAVE_RETURN_IF_ERROR(store::Sync(store_));
  }
  if (failed_) return absl::CancelledError("another layer failed");
  for (Job* job : unnamed_) {
    LayerInFlight& flight = job->flight;
    if (flight.tree.has_value()) {
      STAVE_RETURN_IF_ERROR(flight.tree->Commit(store::Synced::kYes));
    }
    if (flight.blob.has_value()) {
      STAVE_RETURN_IF_ERROR(flight.blob->Commit(store::Synced::kYes));
    }
    flight.tree.reset();
    flight.blob.reset();
    flight.report.reset();
    progress_.Set(job->name.blob.digest, "Pull complete");
    SetStage(job, Stage::kNamed);
  }
  unnamed_.clear();
  return absl::OkStatus();
}

void LayerPull::Arrived(int64_t bytes) {
  const int64_t before = arrived_.fetch_add(bytes);
  if (before >= kWriteBack || before + bytes < kWriteBack) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  changed_.notify_all();
}

// Writes to the disk what has been unpacked so far, while the rest arrives: the last syncfs(2),
// which everybody waits for, then has little left. An error of writing is told only once, so it
// counts here too, before NameFinished() looks.
void LayerPull::WriteBack() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ended_ || failed_ || arrived_ >= kWriteBack; });
    if (ended_ || failed_) return;
    arrived_ = 0;
    lock.unlock();
    {
      const std::lock_guard<std::mutex> turn(syncing_);
      if (const absl::Status synced = store::Sync(store_); !synced.ok()) return Fail(synced);
    }
    lock.lock();
  }
}

absl::Status LayerPull::Finish() {
  for (size_t i = 0; i < jobs_.size(); ++i) {
    Job& job = jobs_[i];
    if (!AwaitFetched(job)) return absl::OkStatus();
    if (!job.flight.blob.has_value() && !job.flight.tree.has_value()) continue;
    fetched_ = true;
    const absl::Status settled = SettleJob(i);
    if (!settled.ok()) {
      return base::WithContext(settled, absl::StrCat("layer ", job.name.blob.digest.ToString()));
    }
    unnamed_.push_back(&job);
    if (unnamed_.size() >= kMaxUnnamed) STAVE_RETURN_IF_ERROR(NameFinished());
  }
  return NameFinished();
}

void LayerPull::Tell(Job* job, const char* state) {
  if (job->told != state) progress_.Set(job->name.blob.digest, state);
  job->told = state;
}

// Says what is missing, base first, before anything of it comes, where all of it can be seen at
// once. Of an image of which nothing is missing nobody wants to hear its layers.
void LayerPull::Announce() {
  std::vector<const char*> states;
  quiet_ = true;
  for (const Job& job : jobs_) {
    const LayerName& name = job.name;
    const bool is_here = store::HasBlob(store_, name.blob.digest, name.blob.size) &&
                         store::FindLayer(store_, name.diff_id, name.chain_id).has_value();
    states.push_back(is_here ? kExists : kPulling);
    quiet_ = quiet_ && is_here;
  }
  if (quiet_ || !progress_.Fits(jobs_.size())) return;
  for (size_t i = 0; i < jobs_.size(); ++i) Tell(&jobs_[i], states[i]);
}

absl::Status LayerPull::Run(bool* fetched) {
  Announce();
  std::vector<std::thread> workers;
  const size_t count = std::min(jobs_.size(), static_cast<size_t>(options_.parallel));
  for (size_t i = 0; i < count; ++i) workers.emplace_back([this] { Work(); });
  workers.emplace_back([this] { WriteBack(); });
  if (const absl::Status finished = Finish(); !finished.ok()) Fail(finished);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  for (std::thread& worker : workers) worker.join();
  *fetched = fetched_;
  if (base::ErrorWord(failure_) == "E_NO_SPACE") {
    for (Job& job : jobs_) {
      if (job.flight.blob.has_value()) job.flight.blob->Discard().IgnoreError();
    }
  }
  return failure_;
}

}  // namespace

absl::Status PullLayers(const store::Store& store, Source& source, const oci::Manifest& manifest,
                        const oci::ImageConfig& config, const LayerPullOptions& options,
                        Progress& progress, bool* fetched) {
  const std::vector<oci::Digest> chain_ids = oci::ChainIds(config.diff_ids);
  std::vector<Job> jobs;
  for (size_t i = 0; i < manifest.layers.size(); ++i) {
    jobs.push_back(
        Job{{manifest.layers[i], config.diff_ids[i], chain_ids[i]}, Stage::kQueued, {}, ""});
  }
  return LayerPull(store, source, options, progress, std::move(jobs)).Run(fetched);
}

}  // namespace stave::image
