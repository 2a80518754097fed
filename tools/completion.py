#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the completion files of a program from its own table of options.

completion.py SHELL PROGRAM < TABLE, where TABLE is what `PROGRAM --help=complete` prints, a line an
option: --name<TAB>-letter or nothing<TAB>nothing|value|list<TAB>VALUE<TAB>help. Of a program with
verbs, its own options come first; then for each verb a line =verb<TAB>purpose, perhaps with a third
field (container, image or any: whose names complete its operands), and its options; and for each
other name of it a line ~name<TAB>verb. A name may be two words, as "container rm".
"""

import collections
import sys

Option = collections.namedtuple("Option", "name letter takes value help")
Verb = collections.namedtuple("Verb", "purpose operands options names")

# What a value of these names is completed with.
FILES = ("FILE", "PATH", "ROOTFS")
FOLDERS = ("DIR", "BUNDLE")
FILE_OPTIONS = ("--cidfile", "--env-file", "--label-file", "--output")
# The programs that tell the names there are.
NAMES = {
    "container": "ps-lister --all --format '{{.Names}}' 2> /dev/null",
    "image": "image-list --format '{{.Repository}}:{{.Tag}}' 2> /dev/null",
}
NAMES["any"] = f"{NAMES['container']}; {NAMES['image']}"


def read(lines):
    """The program's own options, and verb -> Verb."""
    options, verbs = [], {}
    current = options
    for number, line in enumerate(lines, 1):
        fields = line.rstrip("\n").split("\t")
        if line.startswith("=") and len(fields) in (2, 3):
            current = []
            verbs[fields[0][1:]] = Verb(fields[1], fields[2] if len(fields) == 3 else "", current, [fields[0][1:]])
            continue
        if line.startswith("~") and len(fields) == 2:
            verbs[fields[1]].names.append(fields[0][1:])
            continue
        if len(fields) != 5 or not fields[0].startswith("--") or fields[2] not in ("nothing", "value", "list"):
            sys.exit(f"completion.py: line {number} is not an option: {line!r}")
        current.append(Option(*fields))
    return options, verbs


def kind(option):
    if option.takes == "nothing":
        return "nothing"
    first = option.value.split(":")[0].split("=")[0]
    if option.name in FILE_OPTIONS:
        return "file"
    return "file" if first in FILES else "folder" if first in FOLDERS else "other"


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def subjects(verbs):
    """First word -> (second word -> verb), of names of two words."""
    found = {}
    for verb, (_, _, _, names) in verbs.items():
        for name in names:
            first, _, second = name.partition(" ")
            if second:
                found.setdefault(first, {})[second] = verb
    return found


def firsts(verbs):
    """What may be the first word -> purpose."""
    found = {name: one.purpose for one in verbs.values() for name in one.names if " " not in name}
    found.update({subject: f"the commands about {subject}s" if subject != "system" else "the commands about this machine"
                  for subject in subjects(verbs)})
    return found


def identifier(verb):
    return verb.replace(" ", "_").replace("-", "_")


# --- bash ----------------------------------------------------------------------------------------


# The body of a function that completes options of one table; `words` are offered for anything else,
# or what the command `names` prints.
def bash_table(options, words=(), names=""):
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
    out += [
        "  esac",
        "  case $current in",
        f"    -*) mapfile -t COMPREPLY < <(compgen -W '{' '.join(o.name for o in options)}' -- \"$current\") ;;",
    ]
    if words:
        out.append(f"    *) mapfile -t COMPREPLY < <(compgen -W '{' '.join(words)}' -- \"$current\") ;;")
    if names:
        out += [f'    *) mapfile -t COMPREPLY < <(compgen -W "$({names})" -- "$current") ;;']
    out += ["  esac"]
    if names:  # bash has cut the word at its colons
        out += ['  case $current in *:*) COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*:}"}"}") ;; esac']
    return out


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
    nouns = subjects(verbs)
    if verbs:
        out += ["  local line=${COMP_LINE:0:COMP_POINT} verb=", "  current=${line##* }",
                '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do', "    case $verb$word in", "      -*) continue ;;"]
        out += [f"      {' | '.join(nouns)}) verb=\"$word \" ;;"] if nouns else []
        out += [f"      {' | '.join(quoted(n) if ' ' in n else n for n in one.names)}) {function}_{identifier(verb)}; return ;;"
                for verb, one in verbs.items()]
        out += ["    esac", "  done"]
    if nouns:
        out += ["  case $verb in"]
        out += [f"    '{noun} ') mapfile -t COMPREPLY < <(compgen -W '{' '.join(second)}' -- \"$current\"); return ;;"
                for noun, second in nouns.items()]
        out += ["  esac"]
    out += bash_table(options, firsts(verbs))
    out += ["}"]
    for verb, one in verbs.items():
        out += [f"{function}_{identifier(verb)}() {{"] + bash_table(one.options, (), NAMES.get(one.operands, "")) + ["}"]
    out += [f"complete -o default -F {function} {program}"]
    return out


# --- zsh -----------------------------------------------------------------------------------------


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


# The arms of a case over the first word: `names` maps it to a verb.
def zsh_arms(names, verbs, function):
    out = []
    for verb, one in verbs.items():
        own = [name for name, of in names.items() if of == verb]
        if own:
            out += [f"{' | '.join(own)}) {function}_{identifier(verb)} ;;"]
    return out


def zsh(program, options, verbs):
    out = [f"#compdef {program}"]
    if not verbs:
        return out + zsh_table(options) + ["  '*::operand:_default'"]
    function = "_stave_" + program.replace("-", "_")
    for noun, command in NAMES.items():
        out += [f"{function}_names_{noun}() {{ local -a names; names=(${{(f)\"$({command})\"}}); compadd -a names }}"]
    for verb, one in verbs.items():
        names = f"{function}_names_{one.operands}" if one.operands in NAMES else "_default"
        out += [f"{function}_{identifier(verb)}() {{"] + zsh_table(one.options) + [f"  '*:operand:{names}'", "}"]
    for noun, second in subjects(verbs).items():
        out += [f"{function}_in_{noun}() {{", "local state line", "local -a verbs", "verbs=("]
        out += ["  " + quoted(f"{name}:{verbs[verb].purpose}") for name, verb in second.items()]
        out += [")", "_arguments -C -S '1:command:->verb' '*::operand:->rest'", "case $state in",
                "verb) _describe command verbs ;;", "rest)", "case $words[1] in"]
        out += zsh_arms(second, verbs, function) + ["esac", ";;", "esac", "}"]
    out += [f"{function}() {{", "local state line", "local -a verbs", "verbs=("]
    out += ["  " + quoted(f"{name}:{purpose}") for name, purpose in firsts(verbs).items()]
    out += [")"] + zsh_table(options, "-C -S") + ["  '1:command:->verb' \\", "  '*::operand:->rest'", "case $state in",
                                               "verb) _describe command verbs ;;", "rest)", "case $words[1] in"]
    out += zsh_arms({name: verb for verb, one in verbs.items() for name in one.names if " " not in name}, verbs, function)
    out += [f"{noun}) {function}_in_{noun} ;;" for noun in subjects(verbs)]
    return out + ["esac", ";;", "esac", "}", f'{function} "$@"']


# --- fish ----------------------------------------------------------------------------------------


def fish(program, options, verbs):
    out = []
    nouns = subjects(verbs)
    function = "__stave_" + program.replace("-", "_")
    if verbs:  # whether the command so far is one of the arguments; "" before there is one
        out += [f"function {function}_is", "  set -l words (string match -v -- '-*' (commandline -opc)[2..])",
                "  set -l command \"$words[1]\""]
        out += [f"  contains -- \"$command\" {' '.join(nouns)}; and set command (string trim \"$command $words[2]\")"] if nouns else []
        out += ["  contains -- \"$command\" $argv", "end"]
    for name, purpose in firsts(verbs).items():
        out.append(f"complete -c {program} -n \"{function}_is ''\" -x -a {name} -d {quoted(purpose)}")
    for noun, second in nouns.items():
        out += [f"complete -c {program} -n '{function}_is {noun}' -x -a {name} -d {quoted(verbs[verb].purpose)}"
                for name, verb in second.items()]
    tables = [(f" -n \"{function}_is ''\"" if verbs else "", options)]
    for verb, one in verbs.items():
        condition = " -n " + quoted(" ".join([function + "_is"] + [f'"{name}"' for name in one.names]))
        tables.append((condition, one.options))
        if one.operands in NAMES:
            commands = "; ".join(f"command -q {c.split()[0]}; and {c}" for c in NAMES[one.operands].split("; "))
            out.append(f"complete -c {program}{condition} -a {quoted('(' + commands + ')')}")
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
