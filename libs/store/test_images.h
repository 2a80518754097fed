// SPDX-License-Identifier: Apache-2.0
//
// A test's store with small images in it: documents by hand, layers that are empty folders.

#ifndef STAVE_LIBS_STORE_TEST_IMAGES_H_
#define STAVE_LIBS_STORE_TEST_IMAGES_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "libs/oci/digest.h"
#include "libs/oci/media_type.h"
#include "libs/oci/reference.h"
#include "libs/store/refs.h"
#include "libs/store/test_store.h"

namespace stave::store {

struct TestImage {
  std::string config;
  std::string manifest;
  std::vector<std::string> blobs;   // of the layers
  std::vector<oci::Digest> layers;  // keys: the base's diffID, then chainIDs

  oci::Digest id() const { return oci::DigestOf(config); }
  oci::Digest manifest_digest() const { return oci::DigestOf(manifest); }
};

class ImagesTest : public StoreTest {
 protected:
  static std::string BlobPath(const std::string& content) {
    return "state/images/blobs/sha256/" + oci::DigestOf(content).hex();
  }
  static std::string LayerPath(const oci::Digest& key) { return "state/layers/" + key.hex(); }
  static std::string Descriptor(absl::string_view type, const std::string& content) {
    return absl::StrCat("{\"mediaType\":\"", type, "\",\"digest\":\"",
                        oci::DigestOf(content).ToString(), "\",\"size\":", content.size(), "}");
  }
  static oci::Reference Name(const std::string& text) { return *oci::Reference::Parse(text); }
  static NamedImage Named(const std::string& name, const std::string& document) {
    return {Name(name), {oci::kOciManifest, oci::DigestOf(document), 0, {}, {}, {}}};
  }

  std::string Blob(const std::string& content) {
    Write(BlobPath(content), content);
    return content;
  }

  // An image whose layers have those contents: the first by diffID, the others by chainID.
  TestImage Image(const std::vector<std::string>& contents) {
    TestImage image;
    std::vector<oci::Digest> diff_ids;
    std::string texts, layers;
    for (const std::string& content : contents) {
      const char* comma = diff_ids.empty() ? "" : ",";
      image.blobs.push_back(Blob("packed " + content));
      diff_ids.push_back(oci::DigestOf(content));
      absl::StrAppend(&texts, comma, "\"", diff_ids.back().ToString(), "\"");
      absl::StrAppend(&layers, comma, Descriptor(oci::kOciLayerGzip, image.blobs.back()));
    }
    image.layers = oci::ChainIds(diff_ids);
    for (const oci::Digest& key : image.layers) {
      MakeDir(LayerPath(key));
      MakeDir(LayerPath(key) + "/fs");
      Write(LayerPath(key) + "/meta.json",
            "{\"diffID\":\"" + key.ToString() + "\",\"size\":1000,\"entries\":1}");
    }
    image.config = Blob(absl::StrCat(R"({"architecture":"amd64","os":"linux",)",
                                     R"("rootfs":{"type":"layers","diff_ids":[)", texts, "]}}"));
    image.manifest = Blob(absl::StrCat(R"({"schemaVersion":2,"mediaType":")", oci::kOciManifest,
                                       R"(","config":)", Descriptor(oci::kOciConfig, image.config),
                                       R"(,"layers":[)", layers, "]}"));
    return image;
  }

  // An index of manifests, which need not be there.
  std::string Index(const std::vector<std::string>& manifests) {
    std::string entries;
    for (const std::string& manifest : manifests) {
      absl::StrAppend(&entries, entries.empty() ? "" : ",",
                      Descriptor(oci::kOciManifest, manifest));
    }
    return Blob(absl::StrCat(R"({"schemaVersion":2,"mediaType":")", oci::kOciIndex,
                             R"(","manifests":[)", entries, "]}"));
  }

  void SetName(const std::string& name, absl::string_view type, const std::string& content) {
    ASSERT_TRUE(SetRef(store(), Name(name),
                       {std::string(type),
                        oci::DigestOf(content),
                        static_cast<int64_t>(content.size()),
                        {},
                        {},
                        {}})
                    .ok());
  }

  // The config.json of a container that was made from it.
  void Container(const std::string& id, const TestImage& image) {
    MakeDir("state/containers/" + id);
    std::string layers;
    for (const oci::Digest& key : image.layers) {
      absl::StrAppend(&layers, layers.empty() ? "" : ",", "\"", key.ToString(), "\"");
    }
    Write("state/containers/" + id + "/config.json",
          absl::StrCat(R"({"stave":{"version":1,"image":{"reference":"docker.io/library/x:1",)",
                       R"("manifest":")", image.manifest_digest().ToString(), R"(","config":")",
                       image.id().ToString(), R"(","layers":[)", layers, "]}}}"));
  }
};

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_TEST_IMAGES_H_
