// SPDX-License-Identifier: Apache-2.0
#include "libs/store/layers.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/base/posix.h"
#include "libs/base/status_macros.h"
#include "libs/json/parse.h"
#include "libs/json/value.h"
#include "libs/store/folder.h"

namespace stave::store {
namespace {

std::string FolderOf(const oci::Digest& key) { return absl::StrCat("layers/", key.hex()); }

bool IsHere(const Store& store, const oci::Digest& key) {
  struct stat st;
  return store.state() >= 0 &&
         ::fstatat(store.state(), FolderOf(key).c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(st.st_mode);
}

absl::Status NoSuchLayer(const oci::Digest& key) {
  return absl::NotFoundError(absl::StrCat(key.ToString(), ": no such layer"));
}

absl::Status FilesAreGone(const Store& store, const oci::Digest& key) {
  return base::WithHint(
      base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT",
                  absl::StrCat("layer ", key.ToString(), ": its files are gone from ",
                               LayerPath(store, key))),
      "store-check --repair");
}

absl::Status Damaged(const oci::Digest& key, absl::string_view why) {
  return base::Error(absl::StatusCode::kDataLoss, "E_CORRUPT",
                     absl::StrCat("layer ", key.ToString(), ": meta.json: ", why));
}

// The member `name` of `meta`, at least 0; -1 if it is not there or no such number.
int64_t Count(const json::Value& meta, absl::string_view name) {
  const json::Value* value = meta.Find(name);
  if (value == nullptr) return -1;
  const auto number = value->AsInt64();
  return number.ok() ? std::max<int64_t>(*number, -1) : -1;
}

}  // namespace

std::optional<oci::Digest> FindLayer(const Store& store, const oci::Digest& diff_id,
                                     const oci::Digest& chain_id) {
  if (IsHere(store, diff_id)) return diff_id;
  if (chain_id != diff_id && IsHere(store, chain_id)) return chain_id;
  return std::nullopt;
}

absl::StatusOr<base::UniqueFd> OpenLayer(const Store& store, const oci::Digest& key) {
  if (store.state() < 0) return NoSuchLayer(key);
  auto opened = base::OpenDirAt(store.state(), FolderOf(key) + "/fs");
  if (absl::IsNotFound(opened.status())) {
    return IsHere(store, key) ? FilesAreGone(store, key) : NoSuchLayer(key);
  }
  return opened;
}

std::string LayerPath(const Store& store, const oci::Digest& key) {
  return absl::StrCat(store.state_path(), "/", FolderOf(key), "/fs");
}

absl::StatusOr<LayerMeta> ReadLayerMeta(const Store& store, const oci::Digest& key) {
  if (store.state() < 0) return NoSuchLayer(key);
  const auto text = base::ReadFileAt(store.state(), FolderOf(key) + "/meta.json", 4096);
  if (absl::IsNotFound(text.status())) return NoSuchLayer(key);
  if (!text.ok()) return Damaged(key, text.status().message());
  const auto parsed = json::Parse(*text);
  if (!parsed.ok()) return Damaged(key, parsed.status().message());

  const json::Value* diff_id = parsed->Find("diffID");
  const auto digest = oci::Digest::Parse(diff_id == nullptr ? "" : diff_id->text());
  if (!digest.ok()) return Damaged(key, "/diffID is no digest");
  LayerMeta meta{*digest, std::nullopt, Count(*parsed, "size"), Count(*parsed, "entries")};
  const json::Value* root_named = parsed->Find("rootNamed");
  meta.root_named = root_named == nullptr || root_named->boolean();
  if (const json::Value* chain_id = parsed->Find("chainID")) {
    const auto chain = oci::Digest::Parse(chain_id->text());
    if (!chain.ok()) return Damaged(key, "/chainID is no digest");
    meta.chain_id = *chain;
  }
  if (meta.size < 0 || meta.entries < 0) return Damaged(key, "/size or /entries is no count");
  return meta;
}

absl::Status CheckHasFiles(const Store& store, const oci::Digest& key) {
  if (!IsHere(store, key)) return absl::OkStatus();
  const auto is_empty = IsEmptyFolder(store.state(), FolderOf(key) + "/fs");
  if (absl::IsNotFound(is_empty.status())) return FilesAreGone(store, key);
  if (!is_empty.ok()) return is_empty.status();
  if (!*is_empty) return absl::OkStatus();
  const auto meta = ReadLayerMeta(store, key);
  return meta.ok() && meta->size == 0 ? absl::OkStatus() : FilesAreGone(store, key);
}

std::string FormatLayerMeta(const LayerMeta& meta) {
  json::Value value;
  value.Set("diffID", json::Value::String(meta.diff_id.ToString()));
  if (meta.chain_id.has_value()) {
    value.Set("chainID", json::Value::String(meta.chain_id->ToString()));
  }
  value.Set("size", json::Value::Number(meta.size));
  value.Set("entries", json::Value::Number(meta.entries));
  value.Set("rootNamed", json::Value::Bool(meta.root_named));
  return json::Print(value) + "\n";
}

absl::StatusOr<std::vector<oci::Digest>> ListLayers(const Store& store) {
  STAVE_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(store.state(), "layers"));
  std::vector<oci::Digest> keys;
  for (const std::string& name : names) {
    auto key = oci::Digest::Parse("sha256:" + name);
    if (key.ok()) keys.push_back(*std::move(key));
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace stave::store
