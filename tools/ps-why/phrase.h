// SPDX-License-Identifier: Apache-2.0
//
// How verdicts put signals, times, sizes and people.

#ifndef STAVE_TOOLS_PS_WHY_PHRASE_H_
#define STAVE_TOOLS_PS_WHY_PHRASE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "libs/store/record.h"

namespace stave::tools {

// "SIGTERM"; "signal 40".
std::string SignalText(int signal);

// "64MiB"; "1000000 bytes" of what is no whole number of anything.
std::string BytesText(int64_t bytes);

// "12ms", "10s": what lies between two moments. HumanDuration is for ages.
std::string SpanText(absl::Duration span);

// "5 minutes", "less than a second".
std::string AgeText(absl::Duration age);

// ", 5 minutes ago"; "" without a moment.
std::string AgoText(const std::optional<absl::Time>& time, absl::Time now);

// Who asked for the signal: "by ps-signal (uid 0)", "from the terminal"; "" where nobody knows.
std::string AskerText(const store::SentSignal& sent);

}  // namespace stave::tools

#endif  // STAVE_TOOLS_PS_WHY_PHRASE_H_
