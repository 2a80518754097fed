# SPDX-License-Identifier: Apache-2.0
"""Files of cases: see run.py for what they say."""

import os
import re
import shlex

RUNS_PAYLOAD = ("ns-run",)


class Case:
    def __init__(self, path, line, command, defaults):
        self.path, self.line, self.command = path, line, command
        self.settings = {key: list(value) if isinstance(value, list) else value for key, value in defaults.items()}
        self.says = []

    def name(self):
        return f"{os.path.basename(self.path)[:-len('.case')]}:{self.line}{self.verb}"

    verb = ""  # which of `create|run` it is

    def set(self, text):
        key, _, value = text.partition(" ")
        if key == "says":
            self.says.append(value)
        elif key in ("argv0", "stdin", "stdout", "exit", "word", "prints", "silent", "root", "store", "config", "image", "then", "within"):
            self.settings[key] = value or "yes"
        elif key in ("before", "env"):
            self.settings.setdefault(key, []).append(value)
        else:
            raise SystemExit(f"{self.path}:{self.line}: {key}: is no setting")

    def words(self, world, command=None):
        """The words of its command, or of another one. {expression} is replaced; {{ is a brace."""
        def value(match):
            result = world.evaluate(match.group(1))
            return result.decode("utf-8", "surrogateescape") if isinstance(result, bytes) else str(result)
        kept = []

        def keep(match):
            kept.append(value(match))
            return f"\ue000{len(kept) - 1}\ue001"
        text = re.sub(r"(?<!\{)\{([^{}]+)\}", keep, self.command if command is None else command)
        words = shlex.split(text)
        words = [re.sub("\ue000(\\d+)\ue001", lambda m: kept[int(m.group(1))], word) for word in words]
        return [word.replace("{{", "{").replace("}}", "}") for word in words]

    def wanted_exit(self, words):
        wanted = self.settings.get("exit", "0" if "prints" in self.settings else "usage")
        if words[0] == "stave-oci" and wanted in ("usage", "failure"):
            return 255 if "exec" in words else 1
        payload = words[0] in RUNS_PAYLOAD or (words[0] == "cgroup-limit" and "--" in words)
        if wanted == "usage":
            return 125 if payload else 2
        if wanted == "failure":
            return 125 if payload else 1
        return int(wanted)


def read_cases(path):
    defaults, cases = {}, []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip("\n")
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if line.startswith("default "):
                setting = Case(path, number, "", {})
                setting.set(line[len("default "):])
                defaults.update(setting.settings)
            elif line.startswith(" "):
                for case in cases[-both:]:
                    case.set(line.strip())
            else:
                verbs = ("create", "run") if "create|run" in line else ("",)
                both = len(verbs)
                for verb in verbs:
                    cases.append(Case(path, number, line.replace("create|run", verb), defaults))
                    cases[-1].verb = verb and " " + verb
    return cases
