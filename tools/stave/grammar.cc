// SPDX-License-Identifier: Apache-2.0
#include "tools/stave/grammar.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "libs/cli/nearest.h"

namespace stave::tools {
namespace {

constexpr char kEnDash[] = "\xe2\x80\x93", kEmDash[] = "\xe2\x80\x94";

std::string Spelling(const Flag& flag) {
  const cli::Option& option = flag.option;
  const std::string name = absl::StrCat("--", option.name);
  return option.letter == 0 ? name : absl::StrCat("-", std::string(1, option.letter), ", ", name);
}

// All spellings that Go's strconv.ParseBool takes.
std::optional<bool> Truth(absl::string_view text) {
  for (const char* yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

// Whether Docker takes an empty value for none, as from a variable that is not set: --name "$NAME".
bool IsText(const cli::Option& option) {
  return option.takes == cli::Takes::kValue && absl::string_view(option.value) == "string" &&
         absl::string_view(option.name) != "entrypoint";  // no program of the image's
}

// Whether Docker takes it for a limit that is not set, as command lines that programs write have
// it.
bool IsUnset(const Flag& flag, absl::string_view value) {
  const absl::string_view kind = flag.option.value;
  if (flag.option.takes != cli::Takes::kValue) return false;
  if (absl::string_view(flag.option.name) == "memory-swappiness") return value == "-1";
  if (flag.to == To::kLimit && kind == "list") return value.empty();
  const bool number = kind == "bytes" || (flag.to == To::kLimit && kind != "list");
  if (!number || value.empty() || value[0] != '0') return false;
  value.remove_prefix(std::min(value.find_first_not_of("0."), value.size()));
  return value.empty() || (kind == "bytes" && value.find_first_not_of("bBkKmMgGtT") == value.npos);
}

class Reader {
 public:
  Reader(const Grammar& grammar, absl::Span<const std::string> words)
      : grammar_(grammar), words_(words) {}

  absl::StatusOr<Words> Read() {
    while (at_ < words_.size()) {
      const std::string word = Undashed(words_[at_++]);
      if (word == "--") break;
      if (word.size() < 2 || word[0] != '-') {
        if (!grammar_.mixed) {
          --at_;
          break;
        }
        result_.operands.push_back(word);
        continue;
      }
      STAVE_RETURN_IF_ERROR(absl::StartsWith(word, "--") ? Long(word.substr(2))
                                                         : Cluster(word.substr(1), word));
    }
    for (; at_ < words_.size(); ++at_) result_.operands.push_back(words_[at_]);
    return std::move(result_);
  }

 private:
  const Flag* Find(absl::string_view name) const {
    for (const auto table : {grammar_.flags, grammar_.common}) {
      for (const Flag& flag : table) {
        if (name == flag.option.name) return flag.to == To::kHidden ? Find(flag.as) : &flag;
      }
    }
    return nullptr;
  }

  const Flag* Find(char letter) const {
    for (const Flag& flag : grammar_.flags) {
      if (letter == flag.option.letter) return &flag;
    }
    return nullptr;
  }

  // `word` with "--" or "-" for a dash of typography before the name or letters of flags.
  std::string Undashed(const std::string& word) {
    absl::string_view rest = word;
    const bool dashed = absl::ConsumePrefix(&rest, kEnDash) || absl::ConsumePrefix(&rest, kEmDash);
    if (!dashed || rest.empty()) return word;
    std::string meant;
    if (Find(rest.substr(0, rest.find('='))) != nullptr) {
      meant = absl::StrCat("--", rest);
    } else if (Find(rest[0]) != nullptr) {
      meant = absl::StrCat("-", rest);
    } else {
      return word;
    }
    result_.warnings.push_back(
        absl::StrCat("\"", word, "\" begins with a dash as web pages print it; taken as ", meant));
    return meant;
  }

  absl::Status Long(const std::string& text) {
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    if (name.empty() || name[0] == '-') {
      return cli::UsageError(absl::StrCat("bad flag syntax: --", text));
    }
    const Flag* flag = Find(name);
    if (flag == nullptr) return Unknown(name);
    if (equals != text.npos) return Set(*flag, text.substr(equals + 1));
    if (flag->option.takes == cli::Takes::kNothing) return Set(*flag, "true");
    if (at_ < words_.size()) return Set(*flag, words_[at_++]);
    return cli::UsageError(absl::StrCat("flag needs an argument: --", name));
  }

  absl::Status Cluster(std::string letters, const std::string& word) {
    while (!letters.empty()) {
      const char letter = letters[0];
      const Flag* flag = Find(letter);
      if (flag == nullptr && letter == 'h') flag = Find("help");
      if (flag == nullptr) return UnknownLetter(letter, word);
      letters.erase(0, 1);
      if (letters.size() > 1 && letters[0] == '=') return Set(*flag, letters.substr(1));
      if (flag->option.takes == cli::Takes::kNothing) {
        STAVE_RETURN_IF_ERROR(Set(*flag, "true"));
      } else if (!letters.empty()) {
        return Set(*flag, letters);
      } else if (at_ < words_.size()) {
        return Set(*flag, words_[at_++]);
      } else {
        return cli::UsageError(
            absl::StrCat("flag needs an argument: '", std::string(1, letter), "' in ", word));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Set(const Flag& flag, const std::string& value) {
    if (flag.option.takes == cli::Takes::kNothing && absl::string_view(flag.option.value).empty()) {
      const auto truth = Truth(value);
      if (!truth) {
        return cli::UsageError(absl::StrCat("invalid argument ", base::Quoted(value, 64), " for \"",
                                            Spelling(flag), "\" flag: strconv.ParseBool: parsing ",
                                            base::Quoted(value, 64), ": invalid syntax"));
      }
      result_.given.Turn(flag.option.name, *truth);
    } else if ((value.empty() && IsText(flag.option)) || IsUnset(flag, value)) {
      result_.given.Forget(flag.option.name);
    } else {
      result_.given.Add(flag.option.name, value);
    }
    return absl::OkStatus();
  }

  absl::Status Unknown(const std::string& name) const {
    for (const Missing& missing : grammar_.missing) {
      if (name == missing.name) return Refuse(missing, absl::StrCat("--", name));
    }
    absl::Status status = cli::UsageError(absl::StrCat("unknown flag: --", name));
    std::vector<absl::string_view> names;
    for (const auto table : {grammar_.flags, grammar_.common}) {
      for (const Flag& flag : table) {
        if (flag.to != To::kHidden) names.push_back(flag.option.name);
      }
    }
    const absl::string_view nearest = cli::Nearest(name, names);
    if (nearest.empty()) return status;
    return base::WithHint(std::move(status), absl::StrCat("did you mean --", nearest, "?"));
  }

  static absl::Status Refuse(const Missing& missing, absl::string_view spelled) {
    return base::Error(absl::StatusCode::kUnimplemented, "E_UNSUPPORTED",
                       absl::StrCat(spelled, ": is not supported: ", missing.why));
  }

  // -name, where --name was meant, begins with a letter that may be a flag or not.
  absl::Status UnknownLetter(char letter, const std::string& word) const {
    for (const Missing& missing : grammar_.missing) {
      if (letter != missing.letter) continue;
      return Refuse(missing, absl::StrCat("-", std::string(1, letter), ", --", missing.name));
    }
    absl::Status status = cli::UsageError(
        absl::StrCat("unknown shorthand flag: '", std::string(1, letter), "' in ", word));
    const std::string name = word.substr(1, word.find('=') - 1);
    if (name.size() < 2 || Find(name) == nullptr) return status;
    return base::WithHint(std::move(status), absl::StrCat("did you mean --", name, "?"));
  }

  const Grammar& grammar_;
  const absl::Span<const std::string> words_;
  size_t at_ = 0;
  Words result_;
};

}  // namespace

bool Given::Has(absl::string_view flag) const {
  const auto turned = switches_.find(flag);
  return turned != switches_.end() ? turned->second : values_.find(flag) != values_.end();
}

bool Given::Off(absl::string_view flag) const {
  const auto turned = switches_.find(flag);
  return turned != switches_.end() && !turned->second;
}

std::string Given::Get(absl::string_view flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? "" : found->second.back();
}

std::vector<std::string> Given::List(absl::string_view flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

absl::StatusOr<Words> ReadWords(const Grammar& grammar, absl::Span<const std::string> words) {
  return Reader(grammar, words).Read();
}

}  // namespace stave::tools
