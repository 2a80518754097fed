#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the completion files of a program from its own table of options.

completion.py SHELL PROGRAM < TABLE, where TABLE is what `PROGRAM --help=complete` prints, a line an
option: --name<TAB>-letter or nothing<TAB>nothing|value|list<TAB>VALUE<TAB>help.
"""

import collections
import sys

Option = collections.namedtuple("Option", "name letter takes value help")

# What a value of these names is completed with.
FILES = ("FILE", "PATH", "ROOTFS")
FOLDERS = ("DIR", "BUNDLE")


def read(lines):
    options = []
    for number, line in enumerate(lines, 1):
        fields = line.rstrip("\n").split("\t")
        if len(fields) != 5 or not fields[0].startswith("--") or fields[2] not in ("nothing", "value", "list"):
            sys.exit(f"completion.py: line {number} is not an option: {line!r}")
        options.append(Option(*fields))
    return options


def kind(option):
    if option.takes == "nothing":
        return "nothing"
    first = option.value.split(":")[0].split("=")[0]
    return "file" if first in FILES else "folder" if first in FOLDERS else "other"


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def bash(program, options):
    function = "_stave_" + program.replace("-", "_")
    by_kind = collections.defaultdict(list)
    for option in options:
        by_kind[kind(option)] += [word for word in (option.name, option.letter) if word]
    out = [
        f"# bash completion for {program}, made from its table of options.",
        f"{function}() {{",
        "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} word",
        "  COMPREPLY=()",
        '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        '    [ "$word" != -- ] || return',
        "  done",
        "  case $previous in",
    ]
    for name, action in (("file", "-f"), ("folder", "-d")):
        if by_kind[name]:
            out.append(f"    {' | '.join(by_kind[name])})")
            out.append(f'      mapfile -t COMPREPLY < <(compgen {action} -- "$current")')
            out += ["      return", "      ;;"]
    if by_kind["other"]:
        out += [f"    {' | '.join(by_kind['other'])}) return ;;"]
    words = " ".join(o.name for o in options)
    out += [
        "  esac",
        "  case $current in",
        f"    -*) mapfile -t COMPREPLY < <(compgen -W '{words}' -- \"$current\") ;;",
        "  esac",
        "}",
        f"complete -o default -F {function} {program}",
    ]
    return out


def zsh(program, options):
    out = [f"#compdef {program}", "_arguments -s -S \\"]
    for option in options:
        text = option.help.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
        value = {"nothing": "", "file": ":file:_files", "folder": ":folder:_files -/"}.get(
            kind(option), ":" + option.value.replace(":", "\\:") + ": ")
        many = "*" if option.takes == "list" else ""
        equals = "" if option.takes == "nothing" else "="
        tail = quoted(f"[{text}]{value}")
        if option.letter:
            apart = many and quoted(many) or quoted(f"({option.letter} {option.name})")
            plus = "" if option.takes == "nothing" else "+"
            out.append(f"  {apart}{{{option.letter}{plus},{option.name}{equals}}}{tail} \\")
        else:
            out.append(f"  {quoted(many + option.name + equals)[:-1]}{tail[1:]} \\")
    out.append("  '*::operand:_default'")
    return out


def fish(program, options):
    out = []
    for option in options:
        line = f"complete -c {program} -l {option.name[2:]}"
        if option.letter:
            line += f" -s {option.letter[1:]}"
        line += {"nothing": "", "file": " -r -F", "folder": " -r -F"}.get(kind(option), " -x")
        out.append(f"{line} -d {quoted(option.help)}")
    return out


def main(shell, program):
    print("\n".join({"bash": bash, "zsh": zsh, "fish": fish}[shell](program, read(sys.stdin))))


main(*sys.argv[1:])
