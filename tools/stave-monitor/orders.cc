// SPDX-License-Identifier: Apache-2.0
#include "tools/stave-monitor/orders.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libs/base/error.h"
#include "libs/base/number.h"
#include "libs/base/status_macros.h"

namespace stave::tools {
namespace {

constexpr std::pair<const char*, std::string Orders::*> kTexts[] = {
    {"state", &Orders::state}, {"run", &Orders::run}, {"id", &Orders::id}};

constexpr std::pair<const char*, int64_t Orders::*> kNumbers[] = {
    {"entry", &Orders::entry},
    {"client", &Orders::client},
    {"rows", &Orders::rows},
    {"columns", &Orders::columns},
    {"listener", &Orders::listener},
    {"pid", &Orders::pid},
    {"pidfd", &Orders::pidfd},
    {"terminal", &Orders::terminal},
    {"in", &Orders::in},
    {"out", &Orders::out},
    {"err", &Orders::err},
    {"restarts", &Orders::restarts},
    {"failures", &Orders::failures},
    {"waited", &Orders::waited},
    {"last-code", &Orders::last_code}};

absl::Status Wrong(absl::string_view word) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", base::Printable(word, 64), "\": is no order of stave-monitor"));
}

absl::Status Read(absl::string_view word, Orders* orders) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(word, absl::MaxSplits('=', 1));
  for (const auto& [name, member] : kTexts) {
    if (parts.first == name) {
      orders->*member = std::string(parts.second);
      return absl::OkStatus();
    }
  }
  for (const auto& [name, member] : kNumbers) {
    if (parts.first != name) continue;
    STAVE_ASSIGN_OR_RETURN(orders->*member,
                           base::ParseInt(parts.second, -1, std::numeric_limits<int64_t>::max()));
    return absl::OkStatus();
  }
  return Wrong(word);
}

}  // namespace

std::vector<std::string> FormatOrders(const Orders& orders) {
  static const Orders kNone;
  std::vector<std::string> words = {orders.act};
  for (const auto& [name, member] : kTexts) {
    words.push_back(absl::StrCat(name, "=", orders.*member));
  }
  for (const auto& [name, member] : kNumbers) {
    if (orders.*member != kNone.*member) words.push_back(absl::StrCat(name, "=", orders.*member));
  }
  return words;
}

absl::StatusOr<Orders> ParseOrders(const std::vector<std::string>& words) {
  Orders orders;
  if (!words.empty()) orders.act = words[0];
  if (orders.act != "make" && orders.act != "watch") return Wrong(orders.act);
  for (size_t i = 1; i < words.size(); ++i) STAVE_RETURN_IF_ERROR(Read(words[i], &orders));
  return orders;
}

}  // namespace stave::tools
