// SPDX-License-Identifier: Apache-2.0
//
// Floating-point numbers as Go writes them.

#ifndef STAVE_LIBS_TEMPLATE_NUMBER_TEXT_H_
#define STAVE_LIBS_TEMPLATE_NUMBER_TEXT_H_

#include <string>

namespace stave::templates {

// `format` is one of b e E f F g G x X; `precision` as in printf(3), -1 for as many digits as tell
// the number from its neighbours. "NaN", "+Inf", "-Inf"; exponents have two digits or more.
std::string FloatText(double value, char format, int precision);

// As JSON writes it: 1e21 and beyond and below 1e-6 with an exponent.
std::string JsonFloatText(double value);

}  // namespace stave::templates

#endif  // STAVE_LIBS_TEMPLATE_NUMBER_TEXT_H_
