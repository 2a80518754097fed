// SPDX-License-Identifier: Apache-2.0
#include "libs/store/name.h"

#include <sys/random.h>

#include <array>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "libs/base/error.h"
#include "libs/oci/stave_member.h"

namespace stave::store {
namespace {

constexpr std::array kAdjectives = {
    "able",     "airy",     "amber",    "ample",     "apt",       "balmy",   "blithe",  "boreal",
    "breezy",   "brisk",    "buoyant",  "candid",    "cheery",    "chipper", "civil",   "coastal",
    "cobalt",   "cordial",  "cosy",     "crisp",     "curious",   "dapper",  "deft",    "dewy",
    "diligent", "downy",    "earnest",  "easy",      "even",      "exact",   "fabled",  "fair",
    "fleet",    "fluent",   "fond",     "frank",     "frugal",    "gallant", "genial",  "gentle",
    "gilded",   "glad",     "graceful", "grand",     "hale",      "handy",   "hardy",   "hearty",
    "honest",   "humble",   "ivory",    "jaunty",    "jolly",     "keen",    "kindly",  "lavish",
    "level",    "limber",   "lively",   "lucid",     "lunar",     "mellow",  "merry",   "mild",
    "mindful",  "modest",   "mossy",    "neat",      "nimble",    "noble",   "oaken",   "obliging",
    "opal",     "patient",  "placid",   "plucky",    "polished",  "prompt",  "proper",  "quaint",
    "quiet",    "rapid",    "ready",    "rosy",      "rugged",    "rustic",  "sage",    "serene",
    "shrewd",   "silken",   "silver",   "sincere",   "sleek",     "sober",   "solar",   "spry",
    "steady",   "stellar",  "sturdy",   "sunny",     "supple",    "swift",   "tidal",   "tidy",
    "timely",   "tranquil", "true",     "unhurried", "unruffled", "upbeat",  "valiant", "velvet",
    "verdant",  "vivid",    "warm",     "wary",      "wry",       "zesty"};

// Surnames of people of science, engineering and exploration.
constexpr std::array kSurnames = {
    "abel",      "agnesi",    "airy",       "ampere",    "andree",    "anning",       "avogadro",
    "banach",    "becquerel", "bernoulli",  "bessel",    "bolzano",   "boole",        "bose",
    "boyle",     "brahe",     "brunel",     "cantor",    "carnot",    "cassini",      "cauchy",
    "cavendish", "celsius",   "chandra",    "chladni",   "clairaut",  "copernicus",   "coulomb",
    "crick",     "curie",     "dalton",     "daimler",   "dedekind",  "descartes",    "diesel",
    "dirac",     "doppler",   "earhart",    "edison",    "eiffel",    "euclid",       "euler",
    "faraday",   "fermat",    "fermi",      "feynman",   "fourier",   "franklin",     "fraunhofer",
    "fresnel",   "galilei",   "galois",     "gauss",     "germain",   "gilbert",      "goddard",
    "halley",    "hamilton",  "heaviside",  "helmholtz", "henry",     "herschel",     "hertz",
    "hilbert",   "hooke",     "hopper",     "hubble",    "huygens",   "hypatia",      "jacobi",
    "joule",     "kelvin",    "kepler",     "kirchhoff", "klein",     "kovalevskaya", "lagrange",
    "laplace",   "lavoisier", "leibniz",    "linnaeus",  "lovelace",  "mach",         "maxwell",
    "meitner",   "mendel",    "mercator",   "minkowski", "nansen",    "napier",       "newton",
    "nobel",     "noether",   "nyquist",    "ohm",       "pascal",    "pasteur",      "pauli",
    "planck",    "poincare",  "poisson",    "ptolemy",   "ramanujan", "rayleigh",     "ride",
    "riemann",   "ritter",    "rutherford", "sagan",     "shannon",   "somerville",   "stokes",
    "sylvester", "tesla",     "thales",     "turing",    "volta",     "watt",         "weber",
    "whittle",   "yalow",     "young",      "zuse"};

template <typename Words>
const char* Pick(const Words& words) {
  uint32_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) std::abort();
  return words[number % words.size()];
}

}  // namespace

absl::Status CheckName(absl::string_view name) {
  if (oci::CheckContainerName(name).ok()) return absl::OkStatus();
  return base::Error(
      absl::StatusCode::kInvalidArgument, "E_NAME",
      absl::StrCat("Invalid container name (", base::Printable(name, 64),
                   "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, at most 255 of them"));
}

std::string RandomName() { return absl::StrCat(Pick(kAdjectives), "_", Pick(kSurnames)); }

}  // namespace stave::store
