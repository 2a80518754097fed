#!/usr/bin/python3
"""Turns a program into a C++ array: embed.py IN OUT."""

import sys

data = open(sys.argv[1], "rb").read()
lines = [", ".join("0x%02x" % b for b in data[i : i + 16]) for i in range(0, len(data), 16)]
with open(sys.argv[2], "w", encoding="ascii") as out:
    out.write('// Made by embed.py.\n#include "libs/runtime/init_image.h"\n\n')
    out.write("namespace stave::runtime {\nnamespace {\n\nconstexpr unsigned char kBytes[] = {\n")
    out.write("".join("    %s,\n" % line for line in lines))
    out.write("};\n\n}  // namespace\n\nabsl::string_view InitImage() {\n")
    out.write("  return absl::string_view(reinterpret_cast<const char*>(kBytes), sizeof kBytes);\n}\n\n")
    out.write("}  // namespace stave::runtime\n")
