// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/platform.h"

#include <sys/utsname.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"

namespace stave::oci {
namespace {

struct Alias {
  const char* name;
  const char* architecture;
  const char* variant;
};

constexpr Alias kAliases[] = {
    {"x86_64", "amd64", ""},  {"x86-64", "amd64", ""},
    {"aarch64", "arm64", ""}, {"armhf", "arm", "v7"},
    {"armel", "arm", "v6"},   {"armv5l", "arm", "v5"},
    {"armv6l", "arm", "v6"},  {"armv7l", "arm", "v7"},
    {"armv8l", "arm", "v8"},  {"i386", "386", ""},
    {"i486", "386", ""},      {"i586", "386", ""},
    {"i686", "386", ""},      {"loongarch64", "loong64", ""},
};

constexpr absl::string_view kArchitectures[] = {
    "amd64",  "386",      "arm",     "arm64", "ppc64le", "riscv64", "s390x",
    "mips64", "mips64le", "loong64", "mips",  "mipsle",  "ppc64",   "wasm"};
constexpr absl::string_view kSystems[] = {"linux", "windows", "darwin", "freebsd", "wasip1"};

template <size_t N>
bool OneOf(absl::string_view text, const absl::string_view (&list)[N]) {
  for (const absl::string_view item : list) {
    if (item == text) return true;
  }
  return false;
}

bool IsWord(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '-' && c != '.') {
      return false;
    }
  }
  return !text.empty() && absl::ascii_isalnum(static_cast<unsigned char>(text[0]));
}

absl::Status Bad(absl::string_view text, absl::string_view why) {
  return base::WithHint(
      base::Error(absl::StatusCode::kInvalidArgument, "E_PLATFORM",
                  absl::StrCat("platform \"", base::Printable(text, 64), "\": ", why)),
      "a platform is os/architecture or os/architecture/variant, as linux/arm64");
}

// The number in "v9" or "v9.1" as major * 100 + minor; -1 if it is none.
int VariantNumber(absl::string_view variant) {
  if (!absl::ConsumePrefix(&variant, "v")) return -1;
  const std::vector<absl::string_view> parts = absl::StrSplit(variant, '.');
  uint32_t major = 0;
  uint32_t minor = 0;
  if (parts.size() > 2 || !absl::SimpleAtoi(parts[0], &major) || major > 20) return -1;
  if (parts.size() == 2 && (!absl::SimpleAtoi(parts[1], &minor) || minor > 99)) return -1;
  return static_cast<int>(major * 100 + minor);
}

void AddArm(const std::string& os, int from, std::vector<Platform>* order) {
  for (int v = from; v >= 5; --v) order->push_back({os, "arm", absl::StrCat("v", v), ""});
}

// Armv9.x runs what Armv8.(x+5) does.
void AddArm64(const Platform& wanted, std::vector<Platform>* order) {
  int number = wanted.variant.empty() ? 800 : VariantNumber(wanted.variant);
  const auto add = [&](int major, int minor) {
    std::string variant = absl::StrCat("v", major, minor > 0 ? absl::StrCat(".", minor) : "");
    if (variant == "v8") variant.clear();
    order->push_back({wanted.os, "arm64", variant, ""});
  };
  if (number >= 900 && number < 1000) {
    for (int minor = number % 100; minor >= 0; --minor) add(9, minor);
    number = 800 + number % 100 + 5;
  }
  if (number >= 800 && number < 900) {
    for (int minor = number % 100; minor >= 0; --minor) add(8, minor);
  } else {
    order->push_back(wanted);
  }
  AddArm(wanted.os, 8, order);
}

}  // namespace

Platform Normalize(const Platform& platform) {
  Platform result = platform;
  absl::AsciiStrToLower(&result.os);
  absl::AsciiStrToLower(&result.architecture);
  absl::AsciiStrToLower(&result.variant);
  if (result.os == "macos") result.os = "darwin";
  for (const Alias& alias : kAliases) {
    if (result.architecture != alias.name) continue;
    result.architecture = alias.architecture;
    if (result.variant.empty()) result.variant = alias.variant;
    break;
  }
  std::string& variant = result.variant;
  if (!variant.empty() && absl::ascii_isdigit(static_cast<unsigned char>(variant[0]))) {
    variant.insert(0, "v");
  }
  if (result.architecture == "amd64" && variant == "v1") variant.clear();
  if (result.architecture == "arm64" && (variant == "v8" || variant == "v8.0")) variant.clear();
  if (result.architecture == "arm64" && variant == "v9.0") variant = "v9";
  if (result.architecture == "arm" && variant.empty()) variant = "v7";
  return result;
}

Platform HostPlatform() {
  utsname name{};
  uname(&name);
  return Normalize({"linux", name.machine, "", ""});
}

absl::StatusOr<Platform> ParsePlatform(absl::string_view text) {
  if (text.empty()) return Bad(text, "is empty");
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '/');
  if (parts.size() > 3) return Bad(text, "has more than three parts");
  for (const absl::string_view part : parts) {
    if (!IsWord(part)) return Bad(text, "a part is empty or has odd characters");
  }
  if (parts.size() > 1) {
    return Normalize({std::string(parts[0]), std::string(parts[1]),
                      std::string(parts.size() > 2 ? parts[2] : ""), ""});
  }
  const Platform host = HostPlatform();
  const Platform as_os = Normalize({std::string(text), host.architecture, host.variant, ""});
  if (OneOf(as_os.os, kSystems)) return as_os;
  const Platform as_architecture = Normalize({host.os, std::string(text), "", ""});
  if (OneOf(as_architecture.architecture, kArchitectures)) return as_architecture;
  return Bad(text, "is neither a known system nor a known architecture");
}

std::string PlatformName(const Platform& platform) {
  return absl::StrCat(platform.os, "/", platform.architecture, platform.variant.empty() ? "" : "/",
                      platform.variant);
}

std::vector<Platform> PlatformOrder(const Platform& wanted_as_given) {
  const Platform wanted = Normalize(wanted_as_given);
  std::vector<Platform> order;
  const int number = VariantNumber(wanted.variant) / 100;
  if (wanted.architecture == "amd64") {
    for (int v = number; v > 1; --v) {
      order.push_back({wanted.os, "amd64", absl::StrCat("v", v), ""});
    }
    order.push_back({wanted.os, "amd64", "", ""});
    order.push_back({wanted.os, "386", "", ""});
  } else if (wanted.architecture == "arm" && number >= 5) {
    AddArm(wanted.os, number, &order);
  } else if (wanted.architecture == "arm64") {
    AddArm64(wanted, &order);
  } else {
    order.push_back(wanted);
  }
  return order;
}

}  // namespace stave::oci
