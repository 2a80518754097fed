// SPDX-License-Identifier: Apache-2.0
//
// The text of a template -> tokens. Trim markers and comments are dealt with here: the parser never
// sees them.

#ifndef STAVE_LIBS_TEMPLATE_LEX_H_
#define STAVE_LIBS_TEMPLATE_LEX_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace stave::templates {

struct Token {
  enum class Type : uint8_t {
    kError,  // the text is the message
    kEof,
    kText,
    kLeftDelimiter,
    kRightDelimiter,
    kSpace,
    kAssign,   // =
    kDeclare,  // :=
    kPipe,
    kLeftParenthesis,
    kRightParenthesis,
    kCharacter,  // any other of ASCII: a comma, say
    kField,      // .Name
    kVariable,   // $name
    kIdentifier,
    kBool,
    kNumber,
    kCharacterConstant,
    kString,
    kRawString,
    // Keywords.
    kDot,
    kNil,
    kBlock,
    kBreak,
    kContinue,
    kDefine,
    kElse,
    kEnd,
    kIf,
    kRange,
    kTemplate,
    kWith,
  };
  Type type;
  size_t position;  // in bytes
  int line;         // of its first byte, from 1
  absl::string_view text;
};

struct Tokens {
  std::vector<Token> all;  // the last one is kEof or kError
  std::string error;       // what the text of a kError is a view of
};

// `text` must outlive the tokens; do not move `tokens` afterwards.
void Lex(absl::string_view text, Tokens* tokens);

// As errors name it: EOF, <range>, "}", "a longer o"...
std::string DescribeToken(const Token& token);

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_LEX_H_
