#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two builds next to each other: the same benchmarks of each, by turns in one run, so that another
load of the machine meets both. Prints each line with the median figures of both and their ratio;
prints, never judges.

    bench/compare.py OLD_BUILD NEW_BUILD [--rounds 3] [restore] [claims] [hook] …

A build is a folder that meson made in its source tree; each runs its own tree's benchmarks.
"""
import argparse
import collections
import os
import pathlib
import re
import statistics
import subprocess
import sys

HOSTS = {
    "restore": ("restore.py", [], "board:l40s*6,a100-pcie-40gb*2,rtx-pro-6000-blackwell-se*2"),
    "claims": ("host.py", ["claims"], "rtx-pro-6000-x2"),
    "list": ("host.py", ["list"], "mixed"),
    "layouts": ("host.py", ["layouts"], "a100-40gb"),
    "hook": ("hook.py", [], "l40s-x2"),
}
NUMBER = re.compile(r"(?<![A-Za-z\d.])[+-]?\d+(?:\.\d+)?(?![A-Za-z\d])")


def host_of(tree, name):
    return name if ":" in name else tree / "data/hosts" / f"{name}.yaml"


def output(build, what):
    """The lines that a benchmark prints on that build."""
    tree, (script, words, host) = build.parent, HOSTS[what]
    libvirt = ["--libvirt"] if what == "hook" else []
    command = [tree / "run", "cleave-sim", "run", "--host", host_of(tree, host), *libvirt, "--",
               tree / "bench" / script, *words]
    done = subprocess.run(command, env={**os.environ, "CLEAVE_BUILD": str(build)}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"compare: {what} failed in {build}:\n{done.stdout}{done.stderr}")
    return done.stdout.splitlines()


def figures(lines):
    """{line with its figures taken out: the figures}"""
    return {NUMBER.sub("#", line): [float(n) for n in NUMBER.findall(line)] for line in lines}


def ratio(old, new):
    return f"×{new / old:.2f}" if old > 0 < new else "-"


def print_pair(line, old, new):
    """One figure per `#`: old → new, their ratio. A figure that never differs is no measurement."""
    words = iter([f"{a:g}" if a == b else f"[{a:g} → {b:g}, {ratio(a, b)}]"
                  for a, b in zip(old, new)])
    print("  " + re.sub("#", lambda _: next(words), line))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("what", nargs="*", metavar="BENCHMARK", help=", ".join(HOSTS))
    args = parser.parse_intermixed_args()
    for what in args.what or HOSTS:
        if what not in HOSTS:
            parser.error(f"there is no benchmark {what}; there are {', '.join(HOSTS)}")
        seen = {build: collections.defaultdict(list) for build in (args.old, args.new)}
        for _ in range(args.rounds):
            for build, lines in seen.items():
                for line, numbers in figures(output(build.resolve(), what)).items():
                    lines[line].append(numbers)
        print(f"{what}: median of {args.rounds} runs of each, by turns", flush=True)
        old, new = seen[args.old], seen[args.new]
        for line in new:
            medians = [[statistics.median(column) for column in zip(*lines[line])]
                       for lines in (old, new) if lines[line]]
            if len(medians) == 2:
                print_pair(line, *medians)
        for line in old.keys() ^ {line for line in new if new[line]}:
            print(f"  only one of the two prints: {line}")


main()
