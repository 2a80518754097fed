// SPDX-License-Identifier: Apache-2.0
#include "libs/oci/reference.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "libs/base/error.h"
#include "libs/base/status_macros.h"
#include "re2/re2.h"

namespace stave::oci {
namespace {

constexpr absl::string_view kHub = "docker.io";
constexpr absl::string_view kHubOldName = "index.docker.io";
constexpr absl::string_view kHubApi = "registry-1.docker.io";
constexpr absl::string_view kOfficial = "library/";
constexpr size_t kMaxName = 255;
constexpr size_t kMaxTag = 128;

bool Matches(absl::string_view text, const char* pattern) {
  RE2::Options options(RE2::Quiet);
  options.set_never_nl(false);
  return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), RE2(pattern, options));
}

constexpr char kHost[] = R"((?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))"
                         R"((?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*)";
constexpr char kIpv6[] = R"(\[[0-9a-fA-F:]*:[0-9a-fA-F:.]*\])";
constexpr char kDigestLike[] = R"([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:.*)";

// A component of a path and a tag are checked by hand: they are in each reference, and compiling a
// pattern costs more than all the rest of the program's start.

// [a-z0-9]+ with '.', '_', '__' or dashes between.
bool IsComponent(absl::string_view text) {
  size_t separators = 1;  // what stands before text[i]; none may come first
  for (size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (absl::ascii_islower(c) || absl::ascii_isdigit(c)) {
      separators = 0;
      continue;
    }
    if (i == 0 || (c != '.' && c != '_' && c != '-')) return false;
    ++separators;
    if (separators == 1) continue;
    if (text[i - 1] != text[i] || c == '.' || (c == '_' && separators > 2)) return false;
  }
  return separators == 0;
}

// [A-Za-z0-9_][A-Za-z0-9._-]*
bool IsTag(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool word = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
    if (!word && (i == 0 || (c != '.' && c != '-'))) return false;
  }
  return !text.empty();
}

absl::Status Bad(absl::string_view why, absl::string_view hint = "") {
  absl::Status status = base::Error(absl::StatusCode::kInvalidArgument, "E_REFERENCE", why);
  return hint.empty() ? status : base::WithHint(status, hint);
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", base::Printable(text, 80), "\"");
}

bool HasUpper(absl::string_view text) {
  for (const char c : text) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c))) return true;
  }
  return false;
}

bool IsDomain(absl::string_view first) {
  return first == "localhost" || first.find_first_of(".:") != first.npos || HasUpper(first) ||
         absl::StartsWith(first, "[");
}

absl::Status CheckPort(absl::string_view port) {
  uint32_t number = 0;
  if (port.empty() || port.find_first_not_of("0123456789") != port.npos ||
      !absl::SimpleAtoi(port, &number) || number == 0 || number > 65535) {
    return Bad(absl::StrCat("port ", Quoted(port), ": is not within 1..65535"));
  }
  return absl::OkStatus();
}

// "host", "host:5000", "[::1]", "[::1]:5000".
absl::Status CheckDomain(absl::string_view domain) {
  const bool bracket = absl::StartsWith(domain, "[");
  const size_t end = bracket ? domain.find(']') : domain.find(':');
  if (bracket && end == domain.npos) {
    return Bad(absl::StrCat("host ", Quoted(domain), ": the bracket is not closed"));
  }
  const size_t cut = end == domain.npos ? domain.size() : bracket ? end + 1 : end;
  const absl::string_view host = domain.substr(0, cut);
  absl::string_view port = domain.substr(cut);
  if (bracket && absl::StrContains(host, "%")) {
    return Bad(absl::StrCat("host ", Quoted(host), ": an address with a zone cannot be used"));
  }
  if (!Matches(host, bracket ? kIpv6 : kHost)) {
    return Bad(absl::StrCat("host ", Quoted(host), ": is not a host name or address"));
  }
  if (port.empty()) return absl::OkStatus();
  if (!absl::ConsumePrefix(&port, ":")) {
    return Bad(absl::StrCat("host ", Quoted(domain), ": characters after the bracket"));
  }
  return CheckPort(port);
}

absl::Status CheckPath(absl::string_view path) {
  if (HasUpper(path)) {
    return Bad(absl::StrCat("repository name ", Quoted(path), ": must be lower case"),
               absl::StrCat("write ", base::Printable(absl::AsciiStrToLower(path), 80)));
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  for (const absl::string_view part : parts) {
    if (part.empty()) {
      return Bad(absl::StrCat("repository name ", Quoted(path), ": has an empty component"));
    }
    if (!IsComponent(part)) {
      return Bad(absl::StrCat("repository name ", Quoted(path), ": ", Quoted(part),
                              ": only a-z, 0-9 and between them '.', '_', '__' or dashes"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTag(absl::string_view tag) {
  if (tag.empty()) return Bad("no tag after ':'");
  if (tag.size() > kMaxTag) {
    return Bad(absl::StrCat("tag ", Quoted(tag.substr(0, 32)), "...: has ", tag.size(),
                            " characters, the most is ", kMaxTag));
  }
  if (!IsTag(tag)) {
    return Bad(absl::StrCat("tag ", Quoted(tag),
                            ": only letters, digits, '_', '.', '-', and the first is no '.' or "
                            "'-'"));
  }
  return absl::OkStatus();
}

// What no grammar rule would name well. Runs before anything is repeated in a message.
absl::Status CheckOddities(absl::string_view text) {
  if (text.empty()) return Bad("reference is empty");
  if (const size_t scheme = text.find("://"); scheme != text.npos) {
    return Bad("reference has a scheme (\"...://\")", "leave out what stands before the host name");
  }
  const size_t at = text.rfind('@');
  if (at != text.npos && absl::StrContains(text.substr(at), "/")) {
    return Bad("reference holds a user name or password before '@'",
               "give credentials to the program registry-login, not in the name");
  }
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) {
      return Bad(absl::StrCat("reference ", Quoted(text), ": only ASCII characters are allowed"));
    }
  }
  if (text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos) {
    return Bad(absl::StrCat("reference ", Quoted(text),
                            ": 64 hexadecimal digits are an id, not a "
                            "name"));
  }
  return absl::OkStatus();
}

// Takes "@algorithm:hex" off the end of `rest`.
absl::StatusOr<std::optional<Digest>> TakeDigest(absl::string_view* rest) {
  const size_t at = rest->find('@');
  if (at == rest->npos) return std::optional<Digest>();
  const absl::string_view text = rest->substr(at + 1);
  *rest = rest->substr(0, at);
  if (text.empty()) return Bad("no digest after '@'");
  if (absl::StrContains(text, "@")) return Bad("reference has more than one '@'");
  if (!Matches(text, kDigestLike)) {
    return Bad("what stands after '@' is no digest (sha256:...)");
  }
  absl::StatusOr<Digest> digest = Digest::Parse(text);
  if (!digest.ok()) return Bad(digest.status().message());
  return std::optional<Digest>(*std::move(digest));
}

}  // namespace

absl::StatusOr<Reference> Reference::Parse(absl::string_view text) {
  STAVE_RETURN_IF_ERROR(CheckOddities(text));
  absl::string_view rest = text;
  STAVE_ASSIGN_OR_RETURN(std::optional<Digest> digest, TakeDigest(&rest));
  if (rest.empty()) return Bad("reference has no name before '@'");

  // The domain first: its port is no tag.
  Reference reference;
  reference.digest_ = std::move(digest);
  absl::string_view domain = kHub;
  const size_t slash = rest.find('/');
  if (slash == 0) return Bad(absl::StrCat("reference ", Quoted(rest), ": begins with '/'"));
  if (slash != rest.npos && IsDomain(rest.substr(0, slash))) {
    domain = rest.substr(0, slash);
    rest.remove_prefix(slash + 1);
  }
  const size_t colon = rest.find(':');
  const absl::string_view path = rest.substr(0, colon);
  if (path.empty()) return Bad("reference has no name");
  if (colon != rest.npos) {
    STAVE_RETURN_IF_ERROR(CheckTag(rest.substr(colon + 1)));
    reference.tag_ = std::string(rest.substr(colon + 1));
  } else if (!reference.digest_) {
    reference.tag_ = "latest";
  }
  if (domain != kHub) STAVE_RETURN_IF_ERROR(CheckDomain(domain));
  STAVE_RETURN_IF_ERROR(CheckPath(path));

  reference.domain_ = std::string(domain == kHubOldName ? kHub : domain);
  reference.path_ = std::string(path);
  if (reference.domain_ == kHub && !absl::StrContains(path, "/")) {
    reference.path_ = absl::StrCat(kOfficial, path);
  }
  if (reference.domain_.size() + 1 + reference.path_.size() > kMaxName) {
    return Bad(absl::StrCat("reference ", Quoted(path.substr(0, 32)),
                            "...: host and name together have more than ", kMaxName,
                            " characters"));
  }
  return reference;
}

absl::StatusOr<Reference> Reference::FromParts(absl::string_view domain, absl::string_view path,
                                               absl::string_view tag) {
  return Parse(absl::StrCat(domain, "/", path, ":", tag));
}

std::string Reference::String() const {
  return absl::StrCat(domain_, "/", path_, tag_.empty() ? "" : ":", tag_, digest_ ? "@" : "",
                      digest_ ? digest_->ToString() : "");
}

std::string Reference::FamiliarName() const {
  if (domain_ != kHub) return absl::StrCat(domain_, "/", path_);
  absl::string_view path = path_;
  // "library/a/b" is no official image: there the prefix says something.
  if (absl::ConsumePrefix(&path, kOfficial) && absl::StrContains(path, "/")) return path_;
  return std::string(path);
}

std::string Reference::Familiar() const {
  return absl::StrCat(FamiliarName(), tag_.empty() ? "" : ":", tag_, digest_ ? "@" : "",
                      digest_ ? digest_->ToString() : "");
}

std::string Reference::ApiHost() const {
  return std::string(domain_ == kHub ? kHubApi : absl::string_view(domain_));
}

std::string Reference::Target() const { return digest_ ? digest_->ToString() : tag_; }

std::string Reference::Leaf() const {
  return digest_ ? absl::StrCat("@", digest_->ToString()) : absl::StrCat(":", tag_);
}

}  // namespace stave::oci
