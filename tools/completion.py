#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the completion files of a program from its own table of options.

completion.py SHELL PROGRAM < TABLE, where TABLE is what `PROGRAM --help=complete` prints, a line an
option: --name<TAB>-letter or nothing<TAB>nothing|value|list<TAB>VALUE<TAB>help. Of a program with
verbs, its own options come first; then for each verb a line =verb<TAB>purpose and its options.
"""

import collections
import sys

Option = collections.namedtuple("Option", "name letter takes value help")

# What a value of these names is completed with.
FILES = ("FILE", "PATH", "ROOTFS")
FOLDERS = ("DIR", "BUNDLE")


def read(lines):
    """The program's own options, and verb -> (purpose, options)."""
    options, verbs = [], {}
    current = options
    for number, line in enumerate(lines, 1):
        fields = line.rstrip("\n").split("\t")
        if line.startswith("=") and len(fields) == 2:
            current = []
            verbs[fields[0][1:]] = (fields[1], current)
            continue
        if len(fields) != 5 or not fields[0].startswith("--") or fields[2] not in ("nothing", "value", "list"):
            sys.exit(f"completion.py: line {number} is not an option: {line!r}")
        current.append(Option(*fields))
    return options, verbs


def kind(option):
    if option.takes == "nothing":
        return "nothing"
    first = option.value.split(":")[0].split("=")[0]
    return "file" if first in FILES else "folder" if first in FOLDERS else "other"


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


# The body of a function that completes options of one table; `words` are offered for anything else.
def bash_table(options, words=()):
    by_kind = collections.defaultdict(list)
    for option in options:
        by_kind[kind(option)] += [word for word in (option.name, option.letter) if word]
    out = ["  case $previous in"]
    for name, action in (("file", "-f"), ("folder", "-d")):
        if by_kind[name]:
            out.append(f"    {' | '.join(by_kind[name])})")
            out.append(f'      mapfile -t COMPREPLY < <(compgen {action} -- "$current")')
            out += ["      return", "      ;;"]
    if by_kind["other"]:
        out += [f"    {' | '.join(by_kind['other'])}) return ;;"]
    names = " ".join(o.name for o in options)
    out += [
        "  esac",
        "  case $current in",
        f"    -*) mapfile -t COMPREPLY < <(compgen -W '{names}' -- \"$current\") ;;",
    ]
    if words:
        out.append(f"    *) mapfile -t COMPREPLY < <(compgen -W '{' '.join(words)}' -- \"$current\") ;;")
    return out + ["  esac"]


def bash(program, options, verbs):
    function = "_stave_" + program.replace("-", "_")
    out = [
        f"# bash completion for {program}, made from its table of options.",
        f"{function}() {{",
        "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} word",
        "  COMPREPLY=()",
        '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        '    [ "$word" != -- ] || return',
        "  done",
    ]
    if verbs:
        out += ['  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do', "    case $word in"]
        out += [f"      {verb}) {function}_{verb}; return ;;" for verb in verbs]
        out += ["    esac", "  done"]
    out += bash_table(options, verbs)
    out += ["}"]
    for verb, (_, own) in verbs.items():
        out += [f"{function}_{verb}() {{"] + bash_table(own) + ["}"]
    out += [f"complete -o default -F {function} {program}"]
    return out


# _arguments and the specs of one table, each line continued.
def zsh_table(options, switches="-s -S"):
    out = [f"_arguments {switches} \\"]
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
    return out


def zsh(program, options, verbs):
    out = [f"#compdef {program}"]
    if not verbs:
        return out + zsh_table(options) + ["  '*::operand:_default'"]
    out += ["local state line", "local -a verbs", "verbs=("]
    out += ["  " + quoted(f"{verb}:{purpose}") for verb, (purpose, _) in verbs.items()]
    out += [")"] + zsh_table(options, "-C -S") + ["  '1:command:->verb' \\", "  '*::operand:->rest'", "case $state in",
                                               "verb) _describe command verbs ;;", "rest)", "case $line[1] in"]
    for verb, (_, own) in verbs.items():
        out += [f"{verb})"] + zsh_table(own) + ["  '*::operand:_default'", ";;"]
    return out + ["esac", ";;", "esac"]


def fish(program, options, verbs):
    none = " -n __fish_use_subcommand" if verbs else ""
    tables = [(none, options)]
    tables += [(f" -n '__fish_seen_subcommand_from {verb}'", own) for verb, (_, own) in verbs.items()]
    out = [f"complete -c {program}{none} -x -a {verb} -d {quoted(purpose)}" for verb, (purpose, _) in verbs.items()]
    for condition, table in tables:
        for option in table:
            line = f"complete -c {program}{condition} -l {option.name[2:]}"
            if option.letter:
                line += f" -s {option.letter[1:]}"
            line += {"nothing": "", "file": " -r -F", "folder": " -r -F"}.get(kind(option), " -x")
            out.append(f"{line} -d {quoted(option.help)}")
    return out


def main(shell, program):
    print("\n".join({"bash": bash, "zsh": zsh, "fish": fish}[shell](program, *read(sys.stdin))))


main(*sys.argv[1:])
