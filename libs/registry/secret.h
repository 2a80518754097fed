// SPDX-License-Identifier: Apache-2.0
//
// A text that is in no message, log or trace: a password, an identity token, a bearer token.
//
// It neither prints nor converts: whoever needs the text says Reveal(), and each such place is one
// to look at. Its memory is overwritten when it goes.

#ifndef STAVE_LIBS_REGISTRY_SECRET_H_
#define STAVE_LIBS_REGISTRY_SECRET_H_

#include <string.h>

#include <ostream>
#include <string>
#include <utility>

namespace stave::registry {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other) {
    if (this == &other) return *this;
    Wipe();
    text_ = other.text_;
    return *this;
  }
  ~Secret() { Wipe(); }

  bool empty() const { return text_.empty(); }
  const std::string& Reveal() const { return text_; }

  friend bool operator==(const Secret& a, const Secret& b) { return a.text_ == b.text_; }
  friend std::ostream& operator<<(std::ostream& out, const Secret&) { return out << "***"; }

 private:
  void Wipe() { ::explicit_bzero(text_.data(), text_.size()); }

  std::string text_;
};

}  // namespace stave::registry

#endif  // STAVE_LIBS_REGISTRY_SECRET_H_
