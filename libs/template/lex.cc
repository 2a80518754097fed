// SPDX-License-Identifier: Apache-2.0
#include "libs/template/lex.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libs/template/quote.h"
#include "libs/template/runes.h"

namespace stave::templates {
namespace {

using Type = Token::Type;

constexpr absl::string_view kSpaces = " \t\r\n";
constexpr absl::string_view kLeft = "{{";
constexpr absl::string_view kRight = "}}";

constexpr std::pair<absl::string_view, Type> kKeywords[] = {
    {"block", Type::kBlock},
    {"break", Type::kBreak},
    {"continue", Type::kContinue},
    {"define", Type::kDefine},
    {"else", Type::kElse},
    {"end", Type::kEnd},
    {"if", Type::kIf},
    {"nil", Type::kNil},
    {"range", Type::kRange},
    {"template", Type::kTemplate},
    {"with", Type::kWith},
    {"true", Type::kBool},
    {"false", Type::kBool},
};

bool IsSpace(char c) { return kSpaces.find(c) != absl::string_view::npos; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  Lexer(absl::string_view text, Tokens* tokens) : text_(text), tokens_(tokens) {}

  void Run() {
    while (LexText() && LexAction()) {
    }
  }

 private:
  absl::string_view Rest() const { return text_.substr(at_); }
  char Here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool AtEnd() const { return at_ == text_.size(); }
  bool StartsWith(absl::string_view prefix) const { return absl::StartsWith(Rest(), prefix); }

  void Ignore() {
    line_ += static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(start_),
                                         text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
    start_ = at_;
  }

  void Emit(Type type) {
    tokens_->all.push_back({type, start_, line_, text_.substr(start_, at_ - start_)});
    Ignore();
  }

  bool Fail(std::string message) {
    tokens_->error = std::move(message);
    tokens_->all.push_back({Type::kError, start_, line_, tokens_->error});
    return false;
  }

  bool AtTrimmedRight() const {
    return text_.size() - at_ >= 4 && IsSpace(text_[at_]) && text_[at_ + 1] == '-' &&
           absl::StartsWith(text_.substr(at_ + 2), kRight);
  }

  // Up to an action and past its "{{"; false at the end.
  bool LexText() {
    for (;;) {
      const size_t left = text_.find(kLeft, at_);
      if (left == absl::string_view::npos) {
        at_ = text_.size();
        if (at_ > start_) Emit(Type::kText);
        Emit(Type::kEof);
        return false;
      }
      const absl::string_view after = text_.substr(left + 2);
      const bool trims = after.size() >= 2 && after[0] == '-' && IsSpace(after[1]);
      at_ = left;
      while (trims && at_ > start_ && IsSpace(text_[at_ - 1])) --at_;
      if (at_ > start_) Emit(Type::kText);
      at_ = left;
      Ignore();
      const size_t marker = trims ? 2 : 0;
      if (!absl::StartsWith(after.substr(marker), "/*")) {
        at_ += 2;
        Emit(Type::kLeftDelimiter);
        at_ += marker;
        Ignore();
        parentheses_ = 0;
        return true;
      }
      at_ += 2 + marker;
      Ignore();
      if (!LexComment()) return false;
    }
  }

  bool LexComment() {
    const size_t end = text_.find("*/", at_ + 2);
    if (end == absl::string_view::npos) return Fail("unclosed comment");
    at_ = end + 2;
    const bool trims = AtTrimmedRight();
    if (!trims && !StartsWith(kRight)) return Fail("comment ends before closing delimiter");
    at_ += trims ? 4 : 2;
    if (trims) SkipSpaces();
    Ignore();
    return true;
  }

  void SkipSpaces() {
    while (!AtEnd() && IsSpace(Here())) ++at_;
  }

  void LexRight(bool trims) {
    if (trims) {
      at_ += 2;
      Ignore();
    }
    at_ += 2;
    Emit(Type::kRightDelimiter);
    if (trims) {
      SkipSpaces();
      Ignore();
    }
  }

  // The tokens up to "}}" and that; false at the end or after an error.
  bool LexAction() {
    for (;;) {
      const bool trims = AtTrimmedRight();
      if (trims || StartsWith(kRight)) {
        if (parentheses_ > 0) return Fail("unclosed left paren");
        LexRight(trims);
        return true;
      }
      if (AtEnd()) return Fail("unclosed action");
      if (!LexToken()) return false;
    }
  }

  bool LexToken() {
    const char c = Here();
    if (IsSpace(c)) {
      LexSpace();
      return true;
    }
    switch (c) {
      case '=':
        return Single(Type::kAssign);
      case '|':
        return Single(Type::kPipe);
      case ':':
        if (!StartsWith(":=")) return Fail("expected :=");
        ++at_;
        return Single(Type::kDeclare);
      case '(':
        ++parentheses_;
        return Single(Type::kLeftParenthesis);
      case ')':
        Single(Type::kRightParenthesis);
        if (--parentheses_ < 0) return Fail("unexpected right paren U+0029 ')'");
        return true;
      case '"':
        return LexQuoted('"', Type::kString, "unterminated quoted string");
      case '\'':
        return LexQuoted('\'', Type::kCharacterConstant, "unterminated character constant");
      case '`':
        return LexRaw();
      case '$':
        return LexName(Type::kVariable);
      default:
        return LexOther(c);
    }
  }

  bool LexOther(char c) {
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '0';
    if (c == '.' && !IsDigit(next)) return LexName(Type::kField);
    // A dot that ends the template goes as a number: that is Go's way, too.
    if (c == '.' || c == '+' || c == '-' || IsDigit(c)) return LexNumber();
    const Rune rune = FirstRune(Rest());
    if (!rune.invalid && IsLetterOrDigit(rune.value)) return LexIdentifier();
    at_ += rune.size;
    if (rune.value > ' ' && rune.value < 0x7F) {
      Emit(Type::kCharacter);
      return true;
    }
    return Fail(absl::StrCat("unrecognized character in action: ", NameRune(rune.value)));
  }

  bool Single(Type type) {
    ++at_;
    Emit(type);
    return true;
  }

  // A run of spaces, but for the one that belongs to " -}}".
  void LexSpace() {
    while (!AtEnd() && IsSpace(Here()) && !AtTrimmedRight()) ++at_;
    if (at_ > start_) Emit(Type::kSpace);
  }

  void SkipName() {
    for (Rune rune = FirstRune(Rest()); !rune.invalid && IsLetterOrDigit(rune.value);
         rune = FirstRune(Rest())) {
      at_ += rune.size;
    }
  }

  bool AtTerminator() const {
    return AtEnd() || IsSpace(Here()) ||
           absl::string_view(".,|:)(").find(Here()) != absl::string_view::npos ||
           StartsWith(kRight);
  }

  bool FailOnCharacter() {
    return Fail(absl::StrCat("bad character ", NameRune(FirstRune(Rest()).value)));
  }

  // ".Name" or "$name", or the dot or dollar alone.
  bool LexName(Type type) {
    ++at_;
    if (AtTerminator()) {
      Emit(type == Type::kField ? Type::kDot : type);
      return true;
    }
    SkipName();
    if (!AtTerminator()) return FailOnCharacter();
    Emit(type);
    return true;
  }

  bool LexIdentifier() {
    SkipName();
    if (!AtTerminator()) return FailOnCharacter();
    const absl::string_view word = text_.substr(start_, at_ - start_);
    for (const auto& [keyword, type] : kKeywords) {
      if (word == keyword) {
        Emit(type);
        return true;
      }
    }
    Emit(Type::kIdentifier);
    return true;
  }

  bool LexQuoted(char quote, Type type, absl::string_view unterminated) {
    for (++at_; !AtEnd() && Here() != '\n'; ++at_) {
      if (Here() == quote) return Single(type);
      if (Here() != '\\') continue;
      ++at_;
      if (AtEnd() || Here() == '\n') break;
    }
    return Fail(std::string(unterminated));
  }

  bool LexRaw() {
    const size_t end = text_.find('`', at_ + 1);
    if (end == absl::string_view::npos) return Fail("unterminated raw quoted string");
    at_ = end;
    return Single(Type::kRawString);
  }

  bool Accept(absl::string_view characters) {
    if (AtEnd() || characters.find(Here()) == absl::string_view::npos) return false;
    ++at_;
    return true;
  }

  void AcceptRun(absl::string_view characters) {
    while (Accept(characters)) {
    }
  }

  // What may be a number; whether it is, the parser finds out.
  bool ScanNumber() {
    absl::string_view digits = "0123456789_";
    Accept("+-");
    if (Accept("0")) {
      if (Accept("xX")) {
        digits = "0123456789abcdefABCDEF_";
      } else if (Accept("oO")) {
        digits = "01234567_";
      } else if (Accept("bB")) {
        digits = "01_";
      }
    }
    AcceptRun(digits);
    if (Accept(".")) AcceptRun(digits);
    if ((digits.size() == 11 && Accept("eE")) || (digits.size() == 23 && Accept("pP"))) {
      Accept("+-");
      AcceptRun("0123456789_");
    }
    Accept("i");
    const Rune rune = FirstRune(Rest());
    if (rune.invalid || !IsLetterOrDigit(rune.value)) return true;
    at_ += rune.size;
    return false;
  }

  bool LexNumber() {
    bool good = ScanNumber();
    // Only an imaginary part may follow: 1+2i.
    if (good && (Here() == '+' || Here() == '-')) good = ScanNumber() && text_[at_ - 1] == 'i';
    if (!good) {
      return Fail(absl::StrCat("bad number syntax: ", GoQuote(text_.substr(start_, at_ - start_))));
    }
    Emit(Type::kNumber);
    return true;
  }

  absl::string_view text_;
  Tokens* tokens_;
  size_t at_ = 0;
  size_t start_ = 0;
  int line_ = 1;
  int parentheses_ = 0;
};

}  // namespace

void Lex(absl::string_view text, Tokens* tokens) { Lexer(text, tokens).Run(); }

std::string DescribeToken(const Token& token) {
  if (token.type == Type::kEof) return "EOF";
  if (token.type == Type::kError) return std::string(token.text);
  if (token.type >= Type::kDot) return absl::StrCat("<", token.text, ">");
  if (token.text.size() > 10) return absl::StrCat(GoQuote(FirstRunes(token.text, 10)), "...");
  return GoQuote(token.text);
}

}  // namespace stave::templates
