# SPDX-License-Identifier: Apache-2.0
"""manual_test.py PROGRAM...: compares each program's table of options with its page and completion."""

import glob
import os
import re
import subprocess
import sys
import unittest

TREE = "packaging/tree"
PROGRAMS = sys.argv[1:]
SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"]
COMMON = {"--help", "--version"}


def tables(program):
    """Verb -> option -> letter, of what the program itself says; "" is the program without a verb."""
    done = subprocess.run([f"{TREE}/bin/{program}", "--help=complete"], stdout=subprocess.PIPE, text=True, check=True)
    found, verb = {"": {}}, ""
    for line in done.stdout.splitlines():
        fields = line.split("\t")
        if line.startswith("~"):  # another name of a verb
            continue
        if line.startswith("="):
            verb = fields[0][1:]
            found[verb] = {}
        else:
            found[verb][fields[0]] = fields[1]
    return found


def table(program):
    """Option -> letter, of all verbs together."""
    return {name: letter for own in tables(program).values() for name, letter in own.items()}


def page(program):
    [path] = glob.glob(f"{TREE}/share/man/man[18]/{program}.[18]")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return re.sub(r"\\f[BIRP]|\\&", "", text.replace("\\-", "-"))


def sections(text):
    parts = re.split(r"^\.SH (.*)$", text, flags=re.M)
    return {title.strip('" '): body for title, body in zip(parts[1::2], parts[2::2])}


class ManualTest(unittest.TestCase):
    def test_every_page_has_the_sections(self):
        for program in PROGRAMS:
            with self.subTest(program):
                self.assertEqual([name for name in SECTIONS if name not in sections(page(program))], [])

    def test_the_options_section_is_the_table(self):
        for program in PROGRAMS:
            own = tables(program)
            parts = re.split(r"^\.SS (.*)$", sections(page(program))["OPTIONS"], flags=re.M)
            texts = {title: "" for title in own}
            texts[""] = parts[0]
            for title, text in zip(parts[1::2], parts[2::2]):  # a heading is a verb or a group
                texts[title if title in own else ""] += text
            for verb, options in own.items():
                with self.subTest(program, verb=verb):
                    written = set(re.findall(r"^(?:-\w, )?(--[a-z][a-z0-9-]*)", texts[verb], re.M))
                    self.assertEqual(written | COMMON, set(options) | COMMON)

    def test_no_page_speaks_of_an_option_that_nobody_has(self):
        known = set(COMMON).union(*(table(program) for program in PROGRAMS))
        for program in PROGRAMS:
            with self.subTest(program):
                own = [body for title, body in sections(page(program)).items() if title not in ("EXAMPLES", "OPTIONS")]
                spoken = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", "\n".join(own)))
                self.assertEqual(spoken - known, set())

    # As they are: a filled line is broken and hyphenated where the window ends, and cannot be pasted.
    def test_examples_are_not_filled(self):
        for program in PROGRAMS:
            with self.subTest(program):
                examples = sections(page(program))["EXAMPLES"]
                self.assertEqual(examples.count("\n.RS 4\n"), examples.count("\n.nf\n.RS 4\n"))
                self.assertIn("\n.nf\n.RS 4\n", examples)

    def test_help_names_every_option_and_exits_0(self):
        for program in PROGRAMS:
            for verb, options in tables(program).items():
                with self.subTest(program, verb=verb):
                    words = [f"{TREE}/bin/{program}"] + verb.split() + ["--help"]
                    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
                    self.assertEqual([name for name in options if name not in done.stdout], [])
                    self.assertEqual([line for line in done.stdout.splitlines() if len(line) > 80], [])

    def test_completion_names_every_option(self):
        places = ["bash-completion/completions/{}", "zsh/site-functions/_{}", "fish/vendor_completions.d/{}.fish"]
        for program in PROGRAMS:
            for place in places:
                with self.subTest(program, place=place):
                    with open(f"{TREE}/share/" + place.format(program), encoding="utf-8") as file:
                        text = file.read()
                    self.assertEqual([name for name in table(program) if name.lstrip("-") not in text], [])

    def test_bash_reads_the_completion(self):
        for program in PROGRAMS:
            with self.subTest(program):
                script = f"source {TREE}/share/bash-completion/completions/{program}; complete -p {program}"
                subprocess.run(["bash", "-euc", script], stdout=subprocess.DEVNULL, check=True)

    def test_nothing_else_is_staged(self):
        self.assertEqual(sorted(os.listdir(f"{TREE}/bin")), sorted(PROGRAMS))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
