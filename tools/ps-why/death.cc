// SPDX-License-Identifier: Apache-2.0
#include "tools/ps-why/death.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/cli/human_size.h"
#include "tools/ps-why/clue.h"
#include "tools/ps-why/kernel_words.h"
#include "tools/ps-why/phrase.h"

namespace stave::tools {
namespace {

constexpr absl::Duration kAtOnce = absl::Seconds(5);
constexpr size_t kWords = 200;  // of a payload's line

class Death {
 public:
  Death(const store::Exit& exit, const Evidence& evidence)
      : exit_(exit),
        evidence_(evidence),
        code_(exit.code.value_or(0)),
        sent_(SignalsOf(exit, evidence)),
        kernel_(ParseKernelWords(exit.kernel)) {
    // As a shell or an init that was the first process passes it on.
    signal_ = exit.signal.value_or(code_ > 128 && code_ <= 128 + 64 ? code_ - 128 : 0);
  }

  Verdict Judge() const;

 private:
  Verdict Say(const char* cause, std::string summary, std::string hint = "") const {
    return {cause, absl::StrCat(summary, AgoText(exit_.finished, evidence_.now)), std::move(hint)};
  }
  const store::SentSignal* Sent(absl::string_view why) const;
  const store::SentSignal* Sent(int signal) const;
  std::string Code() const { return absl::StrCat("exit code ", code_); }
  std::string Asker(const store::SentSignal& sent) const;
  std::string LastWords() const;
  bool IsIdleShell() const;

  Verdict OutOfMemory() const;
  Verdict Killed() const;
  Verdict Denied() const;
  Verdict Crashed() const;
  Verdict LimitOf(const char* cause, const char* limit, const char* what) const;
  Verdict Stopped(const store::SentSignal& stop) const;
  Verdict Signalled() const;
  Verdict Succeeded() const;
  Verdict ByClue(const Clue& clue) const;
  Verdict Failed() const;

  const store::Exit& exit_;
  const Evidence& evidence_;
  const int code_;
  const std::vector<store::SentSignal> sent_;
  const KernelWords kernel_;
  int signal_ = 0;
};

const store::SentSignal* Death::Sent(absl::string_view why) const {
  const auto found = std::find_if(sent_.begin(), sent_.end(),
                                  [why](const store::SentSignal& one) { return one.why == why; });
  return found == sent_.end() ? nullptr : &*found;
}

const store::SentSignal* Death::Sent(int signal) const {
  const auto found =
      std::find_if(sent_.rbegin(), sent_.rend(),
                   [signal](const store::SentSignal& one) { return one.signal == signal; });
  return found == sent_.rend() ? nullptr : &*found;
}

std::string Death::Asker(const store::SentSignal& sent) const {
  const std::string asker = AskerText(sent);
  return asker.empty() ? "" : absl::StrCat(", asked for ", asker);
}

// The last line that has something in it.
std::string Death::LastWords() const {
  if (evidence_.gone) return "";
  for (auto line = evidence_.log.rbegin(); line != evidence_.log.rend(); ++line) {
    const absl::string_view text = absl::StripAsciiWhitespace(*line);
    if (!text.empty()) return absl::StrCat("; its last words: ", base::Quoted(text, kWords));
  }
  return evidence_.has_log ? "; it printed nothing" : "; nothing of its output was kept";
}

Verdict Death::OutOfMemory() const {
  const OomVictim* victim = kernel_.victims.empty() ? nullptr : &kernel_.victims.back();
  for (const OomVictim& one : kernel_.victims) {
    if (exit_.pid == one.pid) victim = &one;
  }
  const bool first = victim != nullptr ? exit_.pid == victim->pid : exit_.signal == SIGKILL;
  const bool known = victim != nullptr || exit_.signal || code_ != 128 + SIGKILL;
  std::string who = first   ? "its first process"
                    : known ? "a process of it"
                            : "it or a process of it";
  if (victim != nullptr) {
    absl::StrAppend(&who, ", ", victim->pid, " ", base::Quoted(victim->name, 32), ",");
  }
  const bool above = victim != nullptr && !victim->cgroup.empty() &&
                     !absl::StrContains(victim->cgroup, evidence_.view.record.id);
  std::string where = evidence_.asked.memory && !above
                          ? absl::StrCat(" at its limit of ", BytesText(*evidence_.asked.memory))
                      : victim != nullptr ? " at the limit of a cgroup above it"
                                          : "";
  if (victim != nullptr && !victim->by_limit) where = " as the whole machine was out of memory";
  const std::string end = first || !known
                              ? absl::StrCat(", ", Code())
                              : absl::StrCat("; its first process then ended, ", Code());
  return Say("oom", absl::StrCat("was killed for memory: the kernel killed ", who, where, end),
             "give it more with cgroup-limit --memory; ps-stat shows what it uses");
}

Verdict Death::Killed() const {
  const bool first_died =
      std::any_of(kernel_.victims.begin(), kernel_.victims.end(),
                  [this](const OomVictim& victim) { return exit_.pid == victim.pid; });
  const store::SentSignal* kill = Sent(SIGKILL);
  if (first_died || (kill == nullptr && exit_.oom)) return OutOfMemory();
  if (kill == nullptr) return Signalled();
  const store::SentSignal* stop = Sent("stop");
  if (kill->why != "timeout" || stop == nullptr) return Signalled();
  return Say("stop-timeout",
             absl::StrCat("ignored ", SignalText(stop->signal), " and was killed ",
                          SpanText(kill->time - stop->time),
                          " later, when its time to stop was over", Asker(*stop)),
             "the first process gets only signals that it handles: let the shell exec it, use "
             "--init, or name another --stop-signal");
}

Verdict Death::Denied() const {
  std::string call = evidence_.call;
  const std::vector<std::string> killing = KillingCalls(evidence_.asked.seccomp);
  const bool by_profile = call.empty() && killing.size() == 1;
  if (by_profile) call = killing[0];
  std::string how = "made a system call that its seccomp profile does not permit";
  if (!call.empty()) {
    how = absl::StrCat("called ", base::Printable(call, 64),
                       "(2), which its seccomp profile does not permit");
  } else if (!killing.empty()) {
    const size_t count = std::min<size_t>(killing.size(), 8);
    how = absl::StrCat(
        how, " (it kills for ",
        base::Printable(absl::StrJoin(killing.begin(), killing.begin() + count, ", "), kWords),
        killing.size() > count ? " and others)" : ")");
  }
  const char* proof = !evidence_.call.empty() ? ", says the kernel's log"
                      : by_profile            ? ", the only one that it kills for"
                                              : "";
  return Say("seccomp", absl::StrCat("was killed with SIGSYS: it ", how, proof),
             "--security-opt seccomp=FILE gives it another profile");
}

Verdict Death::Crashed() const {
  const std::string who = exit_.signal ? "its first process" : "a process of it";
  const std::string where =
      kernel_.fault.empty() ? "" : absl::StrCat(": ", base::Printable(kernel_.fault, kWords));
  return Say("crashed", absl::StrCat("crashed: ", who, " ended by ", SignalText(signal_), ", ",
                                     Code(), where, LastWords()));
}

Verdict Death::LimitOf(const char* cause, const char* limit, const char* what) const {
  std::string value;
  for (const auto& [name, soft] : evidence_.asked.limits) {
    if (name == limit) value = absl::StrCat(" of ", soft);
  }
  return Say(cause, absl::StrCat("was ended by ", SignalText(signal_), ": it used up its ", limit,
                                 value, ", ", what));
}

Verdict Death::Stopped(const store::SentSignal& stop) const {
  const bool down = stop.why == "shutdown";
  const std::string after = exit_.finished && *exit_.finished >= stop.time
                                ? absl::StrCat(" ", SpanText(*exit_.finished - stop.time),
                                               " after ", SignalText(stop.signal))
                                : absl::StrCat(" after ", SignalText(stop.signal));
  return Say(down ? "shutdown" : "stopped",
             absl::StrCat(down ? "was stopped, as the machine or its monitor was told to end,"
                               : "was stopped on request",
                          " and obeyed: it ended", after, ", ", Code(), Asker(stop)));
}

// By a signal that nothing else explains.
Verdict Death::Signalled() const {
  const std::string what =
      exit_.signal ? absl::StrCat("was ended by ", SignalText(signal_))
                   : absl::StrCat("ended with ", Code(), ", as ", SignalText(signal_), " does it");
  if (const store::SentSignal* sent = Sent(signal_)) {
    return Say("killed", absl::StrCat(what, ", which a user sent through stave", Asker(*sent)));
  }
  if (!exit_.signal) {
    return Say("signalled", absl::StrCat(what,
                                         "; nobody sent it through stave: it, or a process "
                                         "below it, was ended by one from within",
                                         LastWords()));
  }
  return Say("signalled",
             absl::StrCat(what,
                          ", which nobody sent through stave: it came from itself or from "
                          "another process of this machine",
                          signal_ == SIGKILL ? "; it was not for memory" : ""));
}

// What needs an input and has none ends at once.
bool Death::IsIdleShell() const {
  constexpr absl::string_view kShells[] = {"sh",  "bash", "ash",  "dash", "zsh",
                                           "ksh", "fish", "tcsh", "csh",  "busybox"};
  const std::vector<std::string>& args = evidence_.asked.args;
  if (args.empty() || evidence_.asked.input) return false;
  for (size_t i = 1; i < args.size(); ++i) {
    const bool plain = args[i] == "-l" || args[i] == "-i" || args[i] == "--login" ||
                       (args[0] == "busybox" && args[i] == "sh");
    if (!plain) return false;
  }
  const absl::string_view name = absl::string_view(args[0]).substr(args[0].rfind('/') + 1);
  const bool quick =
      !exit_.started || !exit_.finished || *exit_.finished - *exit_.started < kAtOnce;
  return quick && std::find(std::begin(kShells), std::end(kShells), name) != std::end(kShells);
}

Verdict Death::Succeeded() const {
  if (IsIdleShell()) {
    return Say("no-input",
               absl::StrCat("ended at once, exit code 0: ", base::Quoted(evidence_.asked.args[0]),
                            " is a shell, and its stdin was empty"),
               "give it a terminal (-it), or a command to run");
  }
  const std::string ran = exit_.started && exit_.finished
                              ? absl::StrCat(" after ", SpanText(*exit_.finished - *exit_.started))
                              : "";
  return Say("exited", absl::StrCat("ended by itself", ran, " with success, exit code 0"));
}

Verdict Death::ByClue(const Clue& clue) const {
  const std::string words = absl::StrCat(
      ", ", Code(), "; it said: ", base::Quoted(absl::StripAsciiWhitespace(clue.line), kWords));
  const auto say = [&](const char* cause, absl::string_view what, std::string hint = "") {
    return Say(cause, absl::StrCat(what, words), std::move(hint));
  };
  const std::string& kind = clue.cause;
  if (kind == "missing-library") {
    return say("missing-library", "failed for want of a shared library",
               "the image lacks it, or has another C library than the program was built for");
  }
  if (kind == "disk-full") {
    const std::string left =
        evidence_.disk_free ? absl::StrCat(" (under the store ",
                                           cli::HumanSize(*evidence_.disk_free), " are free now)")
                            : "";
    return say("disk-full", absl::StrCat("failed, as a disk was full", left));
  }
  if (kind == "read-only") {
    return say("read-only",
               evidence_.asked.read_only ? "failed, as its root filesystem is read-only"
                                         : "failed, as a filesystem that it writes to is read-only",
               "--tmpfs DIR gives it a place to write to");
  }
  if (kind == "crlf") {
    return say("crlf", "failed over a script whose lines end in CR LF",
               "dos2unix(1) mends such a script");
  }
  if (kind == "architecture") {
    return say("architecture", "failed, as it executed a file that this machine cannot run");
  }
  if (kind == "address-in-use") {
    return say("address-in-use", "failed, as the address that it listens on is taken",
               "ss -ltnp shows who listens");
  }
  // EACCES has many reasons: the program has to bear the call's name, as mount(8) does.
  const absl::string_view words_of_it = absl::string_view(clue.line).substr(
      0, kind == "not-permitted" ? clue.line.npos : clue.line.find(':'));
  const std::string call = kind == "not-permitted" || kind == "denied"
                               ? DeniedCallIn(words_of_it, evidence_.asked.seccomp)
                               : "";
  if (!call.empty()) {
    return say("seccomp",
               absl::StrCat("was refused a system call: its seccomp profile does not permit ", call,
                            "(2)"),
               "--cap-add or --security-opt seccomp=FILE permits more");
  }
  if (evidence_.asked.uid != 0 && (kind == "denied" || kind == "not-permitted")) {
    return say("permission",
               absl::StrCat("failed, as uid ", evidence_.asked.uid, " has not the permission"),
               "--user runs it as somebody else; see the owners of its files");
  }
  return Failed();
}

Verdict Death::Failed() const {
  const char* meaning = code_ == 127   ? " (what a shell says of a command that it does not find)"
                        : code_ == 126 ? " (what a shell says of a file that it cannot execute)"
                                       : "";
  const std::string refused =
      exit_.pids_refused > 0
          ? absl::StrCat("; processes that its pids limit has refused: ", exit_.pids_refused)
          : "";
  return Say("failed", absl::StrCat("failed by itself, ", Code(), meaning, refused, LastWords()));
}

Verdict Death::Judge() const {
  if (signal_ == SIGKILL) return Killed();
  if (signal_ == SIGSYS) return Denied();
  for (const int crash : {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGTRAP}) {
    if (signal_ == crash && Sent(crash) == nullptr) return Crashed();
  }
  if (signal_ == SIGXCPU) return LimitOf("cpu-limit", "RLIMIT_CPU", "in seconds of CPU time");
  if (signal_ == SIGXFSZ) return LimitOf("file-limit", "RLIMIT_FSIZE", "in bytes of a file");
  for (const char* why : {"stop", "shutdown"}) {
    if (const store::SentSignal* stop = Sent(why)) return Stopped(*stop);
  }
  if (signal_ != 0) return Signalled();
  if (code_ == 0) return Succeeded();
  if (exit_.oom) return OutOfMemory();
  const std::optional<Clue> clue = FindClue(evidence_.log);
  // Refused processes alone are no proof: many a program does without.
  const bool no_fork = clue ? clue->cause == "no-fork" : !evidence_.has_log;
  if (exit_.pids_refused > 0 && no_fork) {
    const std::string limit =
        evidence_.asked.pids ? absl::StrCat(" (", *evidence_.asked.pids, ")") : "";
    return Say("pids-limit",
               absl::StrCat("failed at its limit of processes", limit, ": the kernel refused ",
                            exit_.pids_refused, " more, ", Code(), LastWords()),
               "cgroup-limit --pids-limit gives it more");
  }
  return clue ? ByClue(*clue) : Failed();
}

// "15"; 0 for what is none.
int SignalOf(const store::Event& event) {
  const auto found = event.attributes.find("signal");
  int signal = 0;
  return found != event.attributes.end() && absl::SimpleAtoi(found->second, &signal) ? signal : 0;
}

}  // namespace

std::vector<store::SentSignal> SignalsOf(const store::Exit& exit, const Evidence& evidence) {
  std::vector<store::SentSignal> sent = exit.sent;
  bool stop_seen = false;
  const bool stopped =
      std::any_of(evidence.events.begin(), evidence.events.end(),
                  [](const store::Event& event) { return event.action == "stop"; });
  for (const store::Event& event : evidence.events) {
    const int signal = SignalOf(event);
    if (event.action != "kill" || signal == 0) continue;
    const bool known = std::any_of(exit.sent.begin(), exit.sent.end(),
                                   [signal](const auto& one) { return one.signal == signal; });
    if (known) continue;
    store::SentSignal one;
    one.signal = signal;
    one.time = event.time;
    one.why = !stopped ? "signal" : stop_seen && signal == SIGKILL ? "timeout" : "stop";
    stop_seen = stop_seen || stopped;
    sent.push_back(std::move(one));
  }
  return sent;
}

Verdict JudgeDeath(const store::Exit& exit, const Evidence& evidence) {
  return Death(exit, evidence).Judge();
}

}  // namespace stave::tools
