// SPDX-License-Identifier: Apache-2.0
//
// Files of logins: what is printed reads back the same, a login that is set is found and one that
// is removed is gone, whatever else the file holds; a host's login is no other host's.

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "libs/registry/auth_file.h"
#include "libs/registry/credential.h"
#include "libs/registry/login_host.h"

namespace {

using stave::registry::AuthFile;
using stave::registry::Credential;
using stave::registry::Secret;

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckHost(AuthFile file, absl::string_view host) {
  file.FindHelper(host);
  file.Find(host).status().IgnoreError();
  file.Set(host, Credential{"user", Secret("pass:word"), Secret()}, host);
  const auto found = file.Find(host);
  Require(found.ok() && found->has_value() && file.Has(host));
  Require((*found)->user == "user" && (*found)->password.Reveal() == "pass:word");
  const auto again = AuthFile::Parse(file.Print(), "printed");
  Require(again.ok() && again->Print() == file.Print());
  Require(file.Remove(host) && !file.Has(host) && !file.Remove(host));
  const auto gone = file.Find(host);
  Require(!gone.ok() || !gone->has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = AuthFile::Parse(text, "file");
  if (!file.ok()) return 0;
  const std::string printed = file->Print();
  const auto again = AuthFile::Parse(printed, "file");
  Require(again.ok() && again->Print() == printed);
  file->Helpers();
  CheckHost(*file, "docker.io");
  CheckHost(*file, "reg.example:5000");
  for (const std::string& key : file->Keys()) {
    file->Find(key).status().IgnoreError();
    // A key that means a host means no longer one, and none that only ends like it.
    const size_t match = stave::registry::KeyMatch(key, "reg.example/a/b");
    Require(match == 0 || match == 11 || match == 13 || match == 15);
    Require(match == 0 || stave::registry::KeyMatch(key, "reg.example.org/a/b") == 0);
    Require(match == 0 || stave::registry::KeyMatch(key, "a.reg.example/a/b") == 0);
  }
  return 0;
}
