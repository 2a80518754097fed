// SPDX-License-Identifier: Apache-2.0
#include "libs/log/driver.h"

namespace stave::log {

std::optional<Driver> ParseDriver(absl::string_view name) {
  for (const Driver driver : {Driver::kJsonFile, Driver::kNone, Driver::kJournald}) {
    if (name == DriverName(driver)) return driver;
  }
  return std::nullopt;
}

absl::string_view DriverName(Driver driver) {
  switch (driver) {
    case Driver::kNone:
      return "none";
    case Driver::kJournald:
      return "journald";
    case Driver::kJsonFile:
      break;
  }
  return "json-file";
}

}  // namespace stave::log
