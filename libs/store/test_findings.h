// SPDX-License-Identifier: Apache-2.0
//
// Findings that a test can look at.

#ifndef STAVE_LIBS_STORE_TEST_FINDINGS_H_
#define STAVE_LIBS_STORE_TEST_FINDINGS_H_

#include <string>
#include <utility>
#include <vector>

#include "libs/store/finding.h"

namespace stave::store {

class TestFindings {
 public:
  Findings* get() { return &findings_; }
  // The lines since the last call.
  std::vector<std::string> Take() { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
  Findings findings_{[this](const Finding& finding) { lines_.push_back(FindingLine(finding)); }};
};

using Lines = std::vector<std::string>;

}  // namespace stave::store

#endif  // STAVE_LIBS_STORE_TEST_FINDINGS_H_
