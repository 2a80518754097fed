#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""run.py CASEFILE...: feeds bad input to programs and checks how they react.

Each case must end in the promised way: the exit code, one line `program: what: why [E_WORD]` and at
most one `hint:` line on stderr, nothing on stdout, no control characters, no signal, under 5 seconds,
at most 64 MiB of memory; and wrong usage must leave no trace in the store.

A case file is named after the entry of the list of bad inputs that it covers, and holds any number
of cases. A case is a line with the command, and indented lines that say the rest:

    # a comment
    cgroup-limit --memory {'9'*20}       words as in sh; {..} is a Python expression
      stdin b'{"a":'                     an expression, or closed, or tty; default: a whole document
      argv0 ''                           what the program is told as its own name
      stdout /dev/full                   where stdout goes; default: a pipe
      exit 1                             usage, failure (of that program), or a number
      word E_JSON
      says offset 5                      a pattern that stderr matches; may be repeated
      prints pattern                     a pattern that stdout matches (then exit is 0)
      silent                             stderr is empty
      root                               the case needs root
      store                              the demo image is in the store, and DOC its document; needs root

for image-fetch:

      image layout(config={'/os': 7})    IMAGE in the command is what this makes (image_maker.py). If the case fails,
                                         the store holds nothing of it but blobs

and for stave-oci, whose cases all need root, where `create|run` is a case for either:

      config doc('/root', 1)             the config.json of BUNDLE, here from CONFIG, which is good and the default
      before stave-oci create ...        a command that works, ahead of the case; may be repeated
      env LISTEN_FDS=x                   one more variable; may be repeated
      then stopped                       the container's status after it; default: as before it
      within 65536                       KiB of memory that it may take

After a case nothing is left that was not there before it, and after a `delete --force` nothing at all.

`default ...` at the top of a file says what its cases do not say. Names in expressions: DOC (bytes of
a whole document), doc(pointer, value[, base]) (DOC, or base, with one member set), without(pointer), ROOTFS (the demo
image's root), DIR (an empty folder), and what FILES below makes.
"""

import os
import re
import sys
import xml.sax.saxutils

from case_file import read_cases
from execution import SECONDS, execute
from world import World

MEMORY_KIB = 64 * 1024
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def complaints(case, words, result, world):
    """What is wrong with the reaction; empty if nothing is."""
    wrong = []
    if result.late:
        return [f"took more than {SECONDS} s"]
    if result.signal:
        wrong.append(f"died of signal {result.signal}")
    wanted = case.wanted_exit(words)
    if result.code is not None and result.code != wanted:
        wrong.append(f"exit {result.code}, wanted {wanted}")
    if result.kib > int(case.settings.get("within", MEMORY_KIB)):
        wrong.append(f"used {result.kib} KiB")
    try:
        err = result.err.decode("utf-8")
    except UnicodeDecodeError:
        err = result.err.decode("utf-8", "replace")
        wrong.append("stderr is not UTF-8")
    if CONTROL.search(err):
        wrong.append("control characters on stderr")
    if err and not err.endswith("\n"):
        wrong.append("stderr ends without a newline")
    if case.settings.get("exit") not in ("126", "127") or "word" in case.settings:
        wrong += check_lines(case, words, err.splitlines(), wanted)
    for pattern in case.says:
        if not re.search(pattern, err):
            wrong.append(f"stderr does not say {pattern!r}")
    if "prints" in case.settings:
        if not re.search(case.settings["prints"], result.out.decode("utf-8", "replace")):
            wrong.append(f"stdout does not match {case.settings['prints']!r}: {result.out[:300]!r}")
    elif result.out:
        wrong.append(f"stdout is not empty: {result.out[:100]!r}")
    if case.settings.get("exit", "usage") == "usage" and "prints" not in case.settings and "before" not in case.settings:
        wrong += [f"wrong usage, yet {folder} was made" for folder in (world.state, world.run) if os.path.exists(folder)]
    if "image" in case.settings and wanted != 0:
        wrong += [f"the store holds {name}" for name in world.named()]
    return wrong


def check_lines(case, words, lines, wanted):
    wrong = []
    if "silent" in case.settings:
        return [f"not silent: {lines!r}"] if lines else []
    if wanted == 0:
        return wrong
    if not 1 <= len(lines) <= 2 or (len(lines) == 2 and not lines[1].startswith("hint: ")):
        return [f"{len(lines)} lines on stderr, wanted an error and perhaps a hint"]
    verb = "(?: [a-z]+)*" if words[0] == "stave" else ""  # its errors name the command, too
    match = re.fullmatch(rf"{words[0]}{verb}: (.+) \[(E_[A-Z_]+)\]", lines[0])
    if not match:
        return ["the error is not `program: what: why [E_WORD]`"]
    word = case.settings.get("word", "E_USAGE")
    if match.group(2) not in word.split("|"):
        wrong.append(f"[{match.group(2)}], wanted {word}")
    return wrong


def try_case(world, case, words):
    result = execute(world, case, words)
    return result, complaints(case, words, result, world)


def try_container(world, case, words):
    """The same with the container that the case begins with."""
    containers, wrong = world.containers, []
    containers.write_config(world.evaluate(case.settings.get("config", "CONFIG"), containers.config))
    for command in case.settings.get("before", []):
        code, said = containers.call(case.words(world, command)[1:])
        if code != 0:
            wrong.append(f"{command}: {code} {said}")
    left, statuses = containers.left(), containers.statuses()
    result, complained = try_case(world, case, words)
    wrong += complained
    if "then" in case.settings:
        statuses = {name: case.settings["then"] for name in statuses}
    else:
        wrong += [f"left: {what}" for what in containers.left() if what not in left]
    now = containers.statuses()
    if now != statuses:
        wrong.append(f"now {now}, wanted {statuses}")
    return result, wrong + containers.remove()


def needs_root(case, words):
    return words[0] == "stave-oci" or "root" in case.settings or "store" in case.settings


def report(results, path):
    """Bazel's test.xml, so that each case counts."""
    with open(path, "w", encoding="utf-8") as out:
        out.write("<testsuites><testsuite>\n")
        for case, seconds, wrong in results:
            out.write(f'<testcase classname="bad" name={xml.sax.saxutils.quoteattr(case.name())} time="{seconds:.3f}">')
            if wrong is None:
                out.write('<skipped message="needs root"/>')
            elif wrong:
                out.write(f"<failure message={xml.sax.saxutils.quoteattr('; '.join(wrong))}/>".encode("ascii", "xmlcharrefreplace").decode())
            out.write("</testcase>\n")
        out.write("</testsuite></testsuites>\n")


def main(paths):
    world, results = World(), []
    try:
        for path in sorted(paths):
            for case in read_cases(path):
                world.make_image(case.settings)
                words = case.words(world)
                if needs_root(case, words) and os.geteuid() != 0:
                    results.append((case, 0, None))
                    continue
                world.clean()
                attempt = try_container if words[0] == "stave-oci" else try_case
                result, wrong = attempt(world, case, words)
                results.append((case, result.seconds, wrong))
                if wrong:
                    print(f"{case.path}:{case.line}: {case.command[:120]}")
                    for complaint in wrong:
                        print(f"    {complaint}")
                    print("    stderr: " + repr(result.err[:400].decode("utf-8", "replace")))
    finally:
        world.remove()
    if "XML_OUTPUT_FILE" in os.environ:
        report(results, os.environ["XML_OUTPUT_FILE"])
    failed = sum(1 for _, _, wrong in results if wrong)
    print(f"{len(results)} cases, {failed} failed")
    return 1 if failed or not results else 0


sys.exit(main(sys.argv[1:]))
