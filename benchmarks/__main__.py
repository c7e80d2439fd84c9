"""The command line: ``python -m benchmarks run`` measures, ``report`` writes tables and chart from a results file."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import chart, footprint, results, side_by_side, tables
from benchmarks.contenders import CONTENDERS
from benchmarks.machine import describe
from benchmarks.processes import ROOT, use_cores
from benchmarks.works import WORKS

OUT = ROOT / "runs" / "bench" / "results.json"
PAGE = ROOT / "docs" / "benchmarks.md"
PROFILED = ("cnn-32", "cnn-128", "mlp-20", "bn-64", "wide-64", "predict-256")
PEAK = "from omomi.engines.cpu import peak; print(peak.measure() / 1e9)"
EPOCH_ROUNDS = 3  # an epoch is long: a few of them say enough


def names(text: str) -> list[str]:
    """A comma-separated list."""
    return [name for name in text.split(",") if name]


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    top = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="measure, and write results, tables and chart")
    run.add_argument("--works", type=names, default=list(WORKS), help=f"of {', '.join(WORKS)}")
    everybody = [name for name, entry in CONTENDERS.items() if not entry.gpu]
    run.add_argument("--contenders", type=names, default=everybody, help=f"of {', '.join(everybody)}")
    run.add_argument("--parts", type=names, default=["works", "footprint", "profiles"], help="what to measure")
    run.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of every contender")
    run.add_argument("--rounds", type=int, default=15, help="how often everybody's turn comes")
    run.add_argument("--seconds", type=float, default=0.4, help="of one turn")
    run.add_argument("--out", type=Path, default=OUT, help="the results file; works that it holds are replaced")
    report = commands.add_parser("report", help="write tables and chart from a results file")
    report.add_argument("file", type=Path, nargs="?", default=OUT)
    report.add_argument("--page", type=Path, help="put the tables between the marks of this page")
    return top


def measure(arguments: argparse.Namespace) -> None:
    """Measure what was asked for; the file is written after each piece, so that nothing is lost."""
    threads, out = arguments.threads, arguments.out
    use_cores(threads)
    found = results.read(out)
    machine = describe(threads)
    results.check_machine(found, machine)
    peak = found["machine"].get("peak_gflops", 0.0)
    found["machine"] = machine | {"date": time.strftime("%Y-%m-%d"), "peak_gflops": peak}
    peak = measure_peak(found["machine"])
    present = [name for name in arguments.contenders if CONTENDERS[name].installed]
    missing = [name for name in arguments.contenders if name not in present]
    print(f"{machine['processor']}, {threads} threads, {peak:.0f} GFLOP/s; not installed: {', '.join(missing) or '–'}")
    if "works" in arguments.parts:
        for name in arguments.works:
            work = WORKS[name]
            print(work.title, flush=True)
            measure_peak(found["machine"])
            rounds = EPOCH_ROUNDS if work.kind == "epoch" else arguments.rounds
            plan = side_by_side.Plan(rounds=rounds, seconds=arguments.seconds, threads=threads)
            found["works"][name] = side_by_side.measure(work, present, plan)
            found["works"] = {known: found["works"][known] for known in WORKS if known in found["works"]}
            results.write(out, found)
            show(found["works"][name])
    if "profiles" in arguments.parts:
        print("profiles", flush=True)
        for name in PROFILED:
            line = footprint.run("omomi-numba", threads, "-m", "benchmarks.profile", name, str(threads))
            found["profiles"][name] = json.loads(line)
        results.write(out, found)
    if "footprint" in arguments.parts:
        print("footprint", flush=True)
        found["footprint"] = footprint.measure(threads)
        results.write(out, found)
    write_report(out, None)


def measure_peak(machine: dict[str, Any]) -> float:
    """Measure the machine's peak once more and keep the largest: a limit is what was possible at any time."""
    peak = float(footprint.run("omomi-numba", machine["threads"], "-c", PEAK))
    machine["peak_gflops"] = max(peak, machine["peak_gflops"])
    return peak


def show(work: dict[str, object]) -> None:
    """A measured work on the terminal."""
    for line in tables.ratio_rows({"": work}, None):
        print("  " + "  ".join(line[1:5]) + " GFLOP/s")
    others = work["other_processes"]
    if isinstance(others, float) and others > 0.05:
        print(f"  note: other processes used {100 * others:.0f} % of the processor meanwhile")


def write_report(file: Path, page: Path | None) -> None:
    """The chart and the tables beside the results file, and the tables in a page if one is named."""
    found = results.read(file)
    picture = file.with_suffix(".png")
    if found["works"]:
        chart.draw(found, picture)
    if page is not None:
        tables.put_into(page, tables.tables(found, os.path.relpath(picture, page.parent)))
    text = file.with_suffix(".md")
    text.write_text(tables.tables(found, picture.name) + "\n")
    print(f"results {file}, tables {text}, chart {picture}")


def main(words: Sequence[str] | None = None) -> None:
    """Run the command."""
    arguments = parser().parse_args(words)
    if arguments.command == "run":
        measure(arguments)
    else:
        write_report(arguments.file, arguments.page)


if __name__ == "__main__":
    main()
