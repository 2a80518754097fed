// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-why/verdict.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "tools/ps-why/death.h"
#include "tools/ps-why/phrase.h"

namespace stave::tools {
namespace {

constexpr size_t kWords = 200;

// The cause of a failed start that the error itself does not name more finely.
std::string CauseOfWord(const std::string& word) {
  if (word == "E_NO_SPACE") return "disk-full";
  if (word == "E_READ_ONLY") return "read-only";
  if (word == "E_USER") return "user";
  return "start-failed";
}

std::string UpText(const Evidence& evidence) {
  const store::ContainerView& view = evidence.view;
  if (!view.state || !view.state->started) return "";
  return absl::StrCat("up ", AgeText(evidence.now - *view.state->started), ", since ",
                      store::FormatTimestamp(
                          absl::Trunc(*view.state->started - absl::UnixEpoch(), absl::Seconds(1)) +
                          absl::UnixEpoch()));
}

// What goes on in one that runs and has not ended it yet.
std::string Troubles(const Evidence& evidence) {
  std::string text;
  if (evidence.oom_kills > 0) {
    absl::StrAppend(&text, "; processes of it that were killed for memory: ", evidence.oom_kills);
  }
  if (evidence.forks_refused > 0) {
    absl::StrAppend(&text, "; processes that its pids limit has refused: ", evidence.forks_refused);
  }
  if (!evidence.watcher_lives) {
    text +=
        "; nobody watches it: its monitor has died, so its output is lost and it is not "
        "started again";
  }
  const store::ContainerView& view = evidence.view;
  if (view.state && view.state->restarts > 0 && view.state->last) {
    const Verdict last = JudgeDeath(*view.state->last, evidence);
    absl::StrAppend(&text, "; started anew ", view.state->restarts,
                    view.state->restarts == 1 ? " time" : " times", ", the run before ",
                    last.summary);
  }
  return text;
}

Verdict Unhealthy(const Evidence& evidence) {
  const store::Health& health = *evidence.health;
  std::string last;
  if (!health.log.empty()) {
    const store::HealthCheck& check = health.log.back();
    const absl::string_view words = absl::StripAsciiWhitespace(check.output);
    last = check.exit_code < 0 ? ", the last one in time"
                               : absl::StrCat(", the last one with exit code ", check.exit_code);
    if (check.exit_code < 0) last = ", the last one for want of an answer";
    absl::StrAppend(&last, words.empty() ? "" : "; its last words: ",
                    words.empty() ? "" : base::Quoted(words, kWords));
  }
  return {"unhealthy",
          absl::StrCat("runs and is unhealthy: ", health.failing_streak,
                       " health checks in a row have failed", last, Troubles(evidence)),
          ""};
}

Verdict Running(const Evidence& evidence) {
  if (evidence.frozen) {
    return {"paused", absl::StrCat("is paused: its processes are frozen, ", UpText(evidence)),
            absl::StrCat("ps-signal --unpause ", evidence.view.record.name, " lets it go on")};
  }
  if (evidence.health && evidence.health->status == store::Wellness::kUnhealthy) {
    return Unhealthy(evidence);
  }
  return {"running", absl::StrCat("runs, ", UpText(evidence), Troubles(evidence)), ""};
}

Verdict Restarting(const Evidence& evidence) {
  const store::State& state = *evidence.view.state;
  std::string next;
  if (state.next) {
    next = *state.next > evidence.now
               ? absl::StrCat(", the next in ", SpanText(*state.next - evidence.now))
               : ", the next is due";
  }
  std::string last = state.last_code ? absl::StrCat("it ended with ", *state.last_code)
                                     : "how it ended is unknown";
  if (state.last) last = absl::StrCat("it ", JudgeDeath(*state.last, evidence).summary);
  return {"restarting",
          absl::StrCat("ends and is started again: restart ", std::max<int64_t>(state.restarts, 1),
                       " by its policy", next, "; ", last),
          absl::StrCat("ps-signal --stop ", evidence.view.record.name, " ends that")};
}

Verdict NeverStarted(const Evidence& evidence) {
  const std::string& name = evidence.view.record.name;
  return {"created",
          absl::StrCat("was created and never started",
                       AgoText(evidence.view.record.created, evidence.now)),
          absl::StrCat("ns-run --start ", name, " starts it")};
}

// Nobody has seen how it ended.
Verdict Unknown(const Evidence& evidence) {
  const std::optional<store::Exit>& exit = evidence.view.exit;
  const bool state_left = evidence.view.state.has_value();
  const bool lost = exit && (exit->watcher_lost || (state_left && !evidence.other_boot));
  if (lost) {
    return {"watcher-lost",
            absl::StrCat("ended, and nobody knows how: the process that watched it, ns-run or its "
                         "monitor, was killed",
                         AgoText(exit->finished, evidence.now)),
            ""};
  }
  const bool before = evidence.view.record.created < evidence.booted || evidence.other_boot;
  const std::string when =
      store::FormatTimestamp(absl::FromUnixSeconds(absl::ToUnixSeconds(evidence.booted)));
  return {"reboot",
          before ? absl::StrCat("ended with the machine, which came up again at ", when)
                 : "ended with what was known of running containers, as with a reboot: nobody "
                   "knows how",
          absl::StrCat("ns-run --start ", evidence.view.record.name, " starts it again")};
}

Verdict Damaged(const Evidence& evidence) {
  return {"damaged",
          absl::StrCat("cannot be told about: ",
                       base::Printable(evidence.view.damage.message(), kWords)),
          "store-check looks at the whole store"};
}

// How it was when it ended, if that says more.
void AddHealth(const Evidence& evidence, Verdict* verdict) {
  if (!evidence.health || evidence.health->status != store::Wellness::kUnhealthy) return;
  absl::StrAppend(&verdict->summary, "; it was unhealthy");
  if (evidence.health->log.empty()) return;
  const absl::string_view words = absl::StripAsciiWhitespace(evidence.health->log.back().output);
  if (!words.empty()) {
    absl::StrAppend(&verdict->summary, ", the check's last words: ", base::Quoted(words, kWords));
  }
}

}  // namespace

Verdict JudgeFailure(const store::Exit& exit, absl::Time now) {
  const store::StartError error = exit.error.value_or(store::StartError());
  std::string code = exit.code ? absl::StrCat(", exit code ", *exit.code) : "";
  return {error.cause.empty() ? CauseOfWord(error.word) : error.cause,
          absl::StrCat("could not be started: ", base::Printable(error.message, 1024), " [",
                       base::Printable(error.word, 32), "]", code, AgoText(error.time, now)),
          base::Printable(error.hint, 512)};
}

Verdict Judge(const Evidence& evidence) {
  const store::ContainerView& view = evidence.view;
  if (!view.damage.ok()) return Damaged(evidence);
  if (view.status == store::Status::kRunning) return Running(evidence);
  if (view.status == store::Status::kRestarting) return Restarting(evidence);
  if (view.exit && view.exit->error) return JudgeFailure(*view.exit, evidence.now);
  if (view.status == store::Status::kCreated) return NeverStarted(evidence);
  if (!view.exit || !view.exit->code) return Unknown(evidence);
  Verdict verdict = JudgeDeath(*view.exit, evidence);
  AddHealth(evidence, &verdict);
  return verdict;
}

std::optional<Verdict> JudgeRemoved(const Evidence& evidence) {
  if (evidence.events.empty() || evidence.events.back().action != "destroy") return std::nullopt;
  store::Exit exit;
  bool died = false;
  for (const store::Event& event : evidence.events) {
    if (event.action == "start") exit.started = event.time;
    if (event.action == "oom") exit.oom = true;
    if (event.action != "die") continue;
    died = true;
    exit.finished = event.time;
    const auto code = event.attributes.find("exitCode");
    int number = 0;
    if (code != event.attributes.end() && absl::SimpleAtoi(code->second, &number)) {
      exit.code = number;
    }
  }
  std::string before = died ? "; how it ended is unknown" : "; it had not run";
  if (died && exit.code) {
    before = absl::StrCat("; before that it ", JudgeDeath(exit, evidence).summary);
  }
  return Verdict{
      "removed",
      absl::StrCat("was removed", AgoText(evidence.events.back().time, evidence.now), before), ""};
}

}  // namespace stave::tools
