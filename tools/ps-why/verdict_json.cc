// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "libs/json/value.h"
#include "libs/store/health.h"
#include "libs/store/record.h"
#include "tools/ps-why/death.h"
#include "tools/ps-why/kernel_words.h"
#include "tools/ps-why/phrase.h"
#include "tools/ps-why/verdict.h"

namespace stave::tools {
namespace {

constexpr size_t kLines = 5;  // of the log

void SetText(const char* key, const std::string& text, json::Value* into) {
  if (!text.empty()) into->Set(key, json::Value::String(text));
}

template <typename T>
void SetNumber(const char* key, const std::optional<T>& number, json::Value* into) {
  if (number) into->Set(key, json::Value::Number(*number));
}

void SetTime(const char* key, const std::optional<absl::Time>& time, json::Value* into) {
  if (time) into->Set(key, json::Value::String(store::FormatTimestamp(*time)));
}

json::Value SignalValue(const store::SentSignal& sent) {
  json::Value value;
  value.Set("signal", json::Value::String(SignalText(sent.signal)));
  SetTime("time", sent.time, &value);
  SetText("why", sent.why, &value);
  SetNumber("pid", sent.pid, &value);
  SetNumber("uid", sent.uid, &value);
  SetText("name", sent.name, &value);
  return value;
}

json::Value VictimValue(const OomVictim& victim, const store::Exit& exit) {
  json::Value value;
  value.Set("pid", json::Value::Number(victim.pid));
  value.Set("name", json::Value::String(victim.name));
  value.Set("first", json::Value::Bool(exit.pid == victim.pid));
  value.Set("byLimit", json::Value::Bool(victim.by_limit));
  return value;
}

template <typename T, typename F>
void SetList(const char* key, const std::vector<T>& list, F&& make, json::Value* into) {
  if (list.empty()) return;
  json::Value::Elements elements;
  for (const T& one : list) elements.push_back(make(one));
  into->Set(key, json::Value::Array(std::move(elements)));
}

void SetError(const std::optional<store::StartError>& error, json::Value* into) {
  if (!error) return;
  json::Value value;
  SetTime("time", error->time, &value);
  value.Set("word", json::Value::String(error->word));
  value.Set("message", json::Value::String(error->message));
  SetText("hint", error->hint, &value);
  into->Set("error", std::move(value));
}

void SetExit(const store::Exit& exit, const Evidence& evidence, json::Value* into) {
  SetNumber("exitCode", exit.code, into);
  if (exit.signal) into->Set("signal", json::Value::String(SignalText(*exit.signal)));
  SetTime("started", exit.started, into);
  SetTime("finished", exit.finished, into);
  if (exit.oom) into->Set("oom", json::Value::Bool(true));
  if (exit.pids_refused > 0) into->Set("pidsRefused", json::Value::Number(exit.pids_refused));
  if (exit.watcher_lost) into->Set("watcherLost", json::Value::Bool(true));
  SetError(exit.error, into);
  SetList("sent", SignalsOf(exit, evidence), SignalValue, into);
  SetList(
      "killedForMemory", ParseKernelWords(exit.kernel).victims,
      [&exit](const OomVictim& victim) { return VictimValue(victim, exit); }, into);
  SetList("kernel", exit.kernel, json::Value::String, into);
}

void SetHealth(const std::optional<store::Health>& health, json::Value* into) {
  if (!health) return;
  json::Value value;
  value.Set("status", json::Value::String(store::WellnessName(health->status)));
  value.Set("failingStreak", json::Value::Number(health->failing_streak));
  if (!health->log.empty()) {
    value.Set("exitCode", json::Value::Number(health->log.back().exit_code));
    value.Set("output", json::Value::String(health->log.back().output));
  }
  into->Set("health", std::move(value));
}

json::Value EvidenceValue(const Evidence& evidence) {
  json::Value value = json::Value::Object();
  const store::ContainerView& view = evidence.view;
  if (view.exit) SetExit(*view.exit, evidence, &value);
  if (store::IsLive(view.status) && view.state) {
    SetTime("started", view.state->started, &value);
    if (view.state->init) value.Set("pid", json::Value::Number(view.state->init->pid));
    value.Set("restarts", json::Value::Number(view.state->restarts));
    SetTime("next", view.state->next, &value);
    if (view.state->last) {
      json::Value last = json::Value::Object();
      SetExit(*view.state->last, evidence, &last);
      value.Set("last", std::move(last));
    }
  }
  SetNumber("memoryLimit", evidence.asked.memory, &value);
  SetNumber("pidsLimit", evidence.asked.pids, &value);
  SetText("call", evidence.call, &value);
  SetHealth(evidence.health, &value);
  const std::vector<std::string>& log = evidence.log;
  const size_t skipped = log.size() > kLines ? log.size() - kLines : 0;
  SetList("log", std::vector<std::string>(log.begin() + static_cast<ptrdiff_t>(skipped), log.end()),
          json::Value::String, &value);
  return value;
}

}  // namespace

json::Value ToJson(const Verdict& verdict, const Evidence& evidence, absl::string_view name) {
  const store::ContainerView& view = evidence.view;
  const bool gone = view.record.id.empty() || verdict.cause == "removed";
  json::Value line;
  line.Set("id", view.record.id.empty() ? json::Value() : json::Value::String(view.record.id));
  line.Set("name", json::Value::String(name));
  line.Set("state",
           gone ? json::Value()
                : json::Value::String(evidence.frozen ? "paused" : store::StatusName(view.status)));
  line.Set("cause", json::Value::String(verdict.cause));
  line.Set("summary", json::Value::String(verdict.summary));
  if (!verdict.hint.empty()) line.Set("hint", json::Value::String(verdict.hint));
  line.Set("evidence", EvidenceValue(evidence));
  return line;
}

}  // namespace stave::tools
