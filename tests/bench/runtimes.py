# SPDX-License-Identifier: Apache-2.0
"""The runtimes beside each other and beside floor.cc: starts, exec, growth. See docs/performance.md."""

import glob
import json
import os
import shutil
import subprocess

from laps import Laps, Row, Work, cpu_ratio, least_ratio, median_ms, program, ratio, rounds, table, text

TRUE = "int main(){return 0;}"
PAUSE = "#include <unistd.h>\nint main(){for(;;)pause();}"
OURS = "stave-oci"
PREFIX = "stave-bench-"  # of every container here


def static_program(place, source, path):
    with open(path + ".c", "w", encoding="utf-8") as out:
        out.write(source)
    subprocess.run(["gcc", "-O2", "-static", "-s", "-o", path, path + ".c"], check=True)
    os.unlink(path + ".c")


class Bench:
    def __init__(self, place, count):
        self.place, self.count, self.kept = place, count, []
        self.own = None  # the container of ns-run that stays
        self.rootfs = place.path("rootfs")
        for folder in ("proc", "dev", "sys"):
            os.makedirs(os.path.join(self.rootfs, folder), exist_ok=True)
        static_program(place, TRUE, self.rootfs + "/true")
        static_program(place, PAUSE, self.rootfs + "/pause")
        self.floor = program("floor", place.dir)
        program("laps", place.dir)
        self.runtimes = self.find_runtimes()
        self.crun = "crun, CRUN_NEW" if "crun, CRUN_NEW" in self.runtimes else "crun"
        self.make_bundles()
        self.verdicts = []

    # {name: the words before the verb}
    def find_runtimes(self):
        found = {}
        for name, path in (("runc", shutil.which("runc")), ("crun", shutil.which("crun")), ("crun, CRUN_NEW", os.environ.get("CRUN_NEW")),
                           (OURS, shutil.which(OURS, path=self.place.env["PATH"]))):
            if path:
                found[name] = [path, "--root", self.place.path("roots", name.replace(", ", "-"))]
            else:
                print(f"\nLeft out: {name} is not there")
        return found

    # What `runc spec` gives, which is what every runtime's own figures are of; the same with the
    # default seccomp profile; and one that stays.
    def make_bundles(self):
        make = self.place.run(["runc" if "runc" in self.runtimes else OURS, "spec"])
        if make.returncode != 0:
            raise SystemExit("no runtime makes a config: " + make.stderr)
        with open(self.place.path("config.json"), encoding="utf-8") as file:
            config = json.load(file)
        config["process"].update(terminal=False, args=["/true"])
        config["root"] = {"path": self.rootfs}
        printed = self.place.run(["ns-run", "--print", "--rootfs", self.rootfs, "--", "/true"])
        printed.check_returncode()
        self.profile = json.loads(printed.stdout)["linux"]["seccomp"]
        self.write_bundle("true", config)
        config["process"]["args"] = ["/pause"]
        self.write_bundle("pause", config)
        config["process"]["args"] = ["/true"]
        config["linux"]["seccomp"] = self.profile
        self.write_bundle("seccomp", config)

    def write_bundle(self, name, config):
        os.makedirs(self.place.path("bundles", name), exist_ok=True)
        with open(self.place.path("bundles", name, "config.json"), "w", encoding="utf-8") as out:
            json.dump(config, out)

    def bundle(self, name):
        return self.place.path("bundles", name)

    # --- what is timed ---------------------------------------------------------------------------

    def starts(self, seccomp=False, work=Work):
        works = {"floor": work([self.floor] + (["-s"] if seccomp else []) + [self.rootfs, "/true"])}
        for name, words in self.runtimes.items():
            works[name] = work(words + ["run", "--bundle", self.bundle("seccomp" if seccomp else "true"), PREFIX + "t{i}"])
        unconfined = [] if seccomp else ["--security-opt", "seccomp=unconfined"]
        works["ns-run"] = work(["ns-run", "--rootfs", self.rootfs] + unconfined + ["--", "/true"])
        return works

    def in_three(self):
        return {name: Work(words + ["create", "--bundle", self.bundle("true"), PREFIX + "e{i}"], words + ["start", PREFIX + "e{i}"], None, words + ["delete", "--force", PREFIX + "e{i}"])
                for name, words in self.runtimes.items()}

    def execs(self, keeper):
        works, notes = {}, []
        for name, words in self.runtimes.items():
            if not self.keep(keeper, words, PREFIX + "x"):
                notes.append(f"{name}: {keeper.complaint()}")
                continue
            works[name] = Work(words + ["exec", PREFIX + "x", "/true"])
            if "nsenter -a" not in works:
                state = subprocess.run(words + ["state", PREFIX + "x"], env=self.place.env, stdout=subprocess.PIPE, check=True)
                works["nsenter -a"] = Work(["nsenter", "-a", "-t", str(json.loads(state.stdout)["pid"]), "/true"])
        # ns-run stays beside its container until that is removed.
        start = f"ns-run --name {PREFIX}n --rootfs {self.rootfs} --security-opt seccomp=unconfined -- /pause & for try in $(seq 500); do ns-exec {PREFIX}n /true 2> /dev/null && exit; done; exit 1"
        if keeper.run(["sh", "-c", start], see=True)[0] == 0:
            self.own = PREFIX + "n"
            works["ns-exec"] = Work(["ns-exec", self.own, "/true"])
        else:
            notes.append(f"ns-exec: {keeper.complaint()}")
        return works, notes

    # --- containers that stay --------------------------------------------------------------------

    def keep(self, keeper, words, name):
        code, *_ = keeper.run(words + ["run", "--detach", "--bundle", self.bundle("pause"), name], see=True)
        if code == 0:
            self.kept.append((words, name))
        return code == 0

    def remove_kept(self, keeper):
        for words, name in self.kept:
            keeper.run(words + ["delete", "--force", name])
        self.kept = []
        if self.own:
            keeper.run(["ps-remove", "-f", self.own])
        self.own = None

    # --- tables ----------------------------------------------------------------------------------

    def show(self, title, found, references=None, verdict=None):
        results, notes = found
        table(title, results, notes, references or ["floor", self.crun, "runc"])
        for other, budget, issue in verdict or ():
            ratios = [measure(results, OURS, other) for measure in (ratio, least_ratio, cpu_ratio)]
            self.verdicts.append((title, other, ratios, budget, issue))

    def start_tables(self, laps, view):
        crun = self.crun
        self.show(f"Start, back to back ({view})", rounds(laps, self.starts(), self.count),
                  verdict=[(crun, "0.50", "0.55"), ("runc", "0.15", "0.17"), ("floor", "1.35", "")])
        self.show(f"A lone start ({view})", rounds(laps, self.starts(), self.count, quiet=0.2),
                  verdict=[(crun, "0.30", "0.35"), ("floor", "1.35", "")])

    def seccomp_tables(self, laps, view):
        self.show(f"Start with the seccomp profile, back to back ({view})", rounds(laps, self.starts(True), self.count), verdict=[(self.crun, "0.55", "")])
        self.show(f"A lone start with the seccomp profile ({view})", rounds(laps, self.starts(True), self.count, quiet=0.2), verdict=[(self.crun, "", ""), ("floor", "", "")])

    def exec_table(self, laps, keeper, view):
        works, notes = self.execs(keeper)
        results, more = rounds(laps, works, self.count)
        self.show(f"Exec in a running container ({view})", (results, notes + more), ["nsenter -a", self.crun, "runc"],
                  verdict=[(self.crun, "0.60", "0.70"), ("nsenter -a", "", "")])
        self.remove_kept(keeper)

    # Starts with more and more running, which the runtime under test has started itself.
    def growth_table(self, laps, keeper, view, steps):
        words, running, columns = self.runtimes.get(OURS) or next(iter(self.runtimes.values())), 0, {}
        for step in steps:
            while running < step and self.keep(keeper, words, f"{PREFIX}g{running}"):
                running += 1
            if running < step:
                print(f"\nLeft out: {step} running: {keeper.complaint()}")
                break
            works = self.starts()
            works.update({name + " list": Work(words + ["list"]) for name, words in self.runtimes.items()})
            columns[step], _ = rounds(laps, works, self.count)
        self.remove_kept(keeper)
        if not columns:
            return
        first, last = min(columns), max(columns)
        print(f"\n### Start with that many running ({view}), median ms\n\n| | " + " | ".join(str(step) for step in columns) + f" | {last} by {first} | of the least | of CPU time |")
        print("|---" * (4 + len(columns)) + "|")
        for name in columns[first]:
            values = [median_ms(columns[step], name) for step in columns]
            both = {"last": columns[last].get(name, []), "first": columns[first][name]}
            grown = [values[-1] / values[0] if values[0] and values[-1] else None, least_ratio(both, "last", "first"), cpu_ratio(both, "last", "first")]
            print(f"| {name} | " + " | ".join(text(value) for value in values + grown) + " |")
            if name == OURS:
                self.verdicts.append((f"Start with {last} running ({view})", f"{first} running", grown, "1.15", "1.20"))

    def verdict_table(self):
        print(f"\n### {OURS} against the budgets\n\n| | against | median of ratios | of the least | of CPU time | budget | issue's figure |\n|---|---|---|---|---|---|---|")
        for title, other, ratios, budget, issue in self.verdicts:
            if ratios[0] is not None:
                print(f"| {title} | {other} | " + " | ".join(text(value) for value in ratios) + f" | {budget} | {issue} |")


def run(place, count, steps, views):
    bench = Bench(place, count)
    for view in views:
        laps = Laps(place, view)
        keeper = Laps(place, beside=laps)
        try:
            bench.start_tables(laps, view)
            if view == views[0]:
                bench.seccomp_tables(laps, view)
                bench.show(f"Ten starts in a row of the same, each, clean-up and all ({view})", rounds(laps, bench.starts(work=Row), max(3, count // 5)))
                bench.show(f"create, start, delete --force as three processes ({view})", rounds(laps, bench.in_three(), count), [bench.crun, "runc"], [(bench.crun, "", ""), ("runc", "", "")])
            bench.exec_table(laps, keeper, view)
            if view == views[0]:
                bench.growth_table(laps, keeper, view, steps)
        finally:
            bench.remove_kept(keeper)
            keeper.close()
            laps.close()
    bench.verdict_table()
    for path in glob.glob(f"/sys/fs/cgroup/*/{PREFIX}*"):  # what a runtime leaves that fails
        os.rmdir(path)
