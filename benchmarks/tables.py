"""Results as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS
from benchmarks.results import Results

BEGIN, END = "<!-- tables: written by python -m benchmarks report -->", "<!-- end of tables -->"
OURS = "omomi-numba"
PARTS_SHOWN = 8  # kernels of a profile; the rest is one row


def title_of(name: str) -> str:
    """A contender's name in tables."""
    base, comma, rest = name.partition(",")
    return (CONTENDERS[base].title if base in CONTENDERS else base) + comma + rest


def duration(seconds: float) -> str:
    """Seconds with three digits, in the unit that fits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size or unit == "µs":
            break
    return f"{digits(seconds / size)} {unit}"


def digits(value: float, count: int = 3) -> str:
    """A number with about so many digits, never in powers of ten."""
    if value == 0:
        return "0"
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:,.{max(0, count - max(whole, 1))}f}"


def spread(numbers: dict[str, float], unit: str = "") -> str:
    """Median and, in brackets, the smallest and the largest."""
    return f"{digits(numbers['median'])}{unit} ({digits(numbers['min'])}–{digits(numbers['max'])})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first stand to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


# ---- the sections ----------------------------------------------------------------------------------------------------


def machine_section(machine: dict[str, Any]) -> str:
    """What was measured on."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    peak = machine.get("peak_gflops")
    limit = f" Multiply-adds on registers alone: {digits(peak)} GFLOP/s." if peak else ""
    return (
        f"Measured {machine['date']} on {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['system']}, {machine['threads']} threads for everybody.{limit} "
        f"Python {machine['python']}; {versions}."
    )


def ratio_rows(works: dict[str, Any], peak: float | None) -> Iterable[Sequence[str]]:
    """Omomi beside the fastest peer of each work."""
    for work in works.values():
        ours, best = work["contenders"].get(OURS), work["fastest_peer"]
        if ours is None or best is None:
            continue
        share = f"{100 * ours['gflops'] / peak:.0f} %" if peak else "–"
        peer = f"{title_of(best)} {duration(work['contenders'][best]['median'])}"
        ratio = spread(work["ratios"][OURS][best], "×")
        yield work["title"], duration(ours["median"]), peer, ratio, digits(ours["gflops"]), share


def median_rows(works: dict[str, Any], names: Sequence[str]) -> Iterable[Sequence[str]]:
    """Everybody's median for each work; the fastest is bold."""
    for work in works.values():
        found = work["contenders"]
        best = min(found, key=lambda name: found[name]["median"], default=None)
        cells = [duration(found[name]["median"]) if name in found else "" for name in names]
        bold = [f"**{cell}**" if name == best else cell for name, cell in zip(names, cells, strict=True)]
        yield work["title"], *bold


def footprint_rows(footprint: dict[str, Any]) -> Iterable[Sequence[str]]:
    """Import, first step, memory and size of each contender."""
    names = dict.fromkeys([*footprint["first_step"], *footprint["import"]])
    for name in names:
        base = name.partition(",")[0]
        step = footprint["first_step"].get(name)
        memory = footprint["memory"].get(name)
        cold = name != base  # what does not depend on how the kernels were found is said once
        yield (
            title_of(name),
            "" if cold else duration(footprint["import"][base]["seconds"]["median"]),
            duration(step["step"]["median"]) if step else "",
            duration(step["total"]["median"]) if step else "",
            f"{memory['peak_mb']:,.0f} MB" if memory else "",
            "" if cold else f"{footprint['installed_mb'][base]:,.0f} MB",
        )


def profile_rows(profile: dict[str, Any]) -> Iterable[Sequence[str]]:
    """The kernels of a step that take longest, those of one name and one number of channels together."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for part in profile["parts"]:
        groups.setdefault((part["name"], part["channels"]), []).append(part)
    total = sum(part["seconds"] for part in profile["parts"])
    ordered = sorted(groups.items(), key=lambda item: -sum(part["seconds"] for part in item[1]))
    shown = [(f"{name}, C_in = {channels}" if channels else name, parts) for (name, channels), parts in ordered]
    rest = [part for _, parts in shown[PARTS_SHOWN:] for part in parts]
    for name, parts in [*shown[:PARTS_SHOWN], *([("everything else", rest)] if rest else [])]:
        seconds, flops = sum(p["seconds"] for p in parts), sum(p["flops"] for p in parts)
        speed = flops / seconds / 1e9
        of_peak = f"{100 * speed / profile['peak_gflops']:.0f} %" if flops else ""
        yield (
            f"{name} × {len(parts)}" if len(parts) > 1 else name,
            duration(seconds),
            f"{100 * seconds / total:.0f} %",
            digits(speed) if flops else "",
            of_peak,
        )


def convolution_share(profile: dict[str, Any], count: str = "flops") -> float | None:
    """The share of the peak that convolutions with 32 input channels or more reach, weighted by their operations."""
    parts = [part for part in profile["parts"] if part["channels"] >= 32]
    if not parts:
        return None
    speed = sum(part[count] for part in parts) / sum(part["seconds"] for part in parts)
    return float(speed / 1e9 / profile["peak_gflops"])


def profile_section(profiles: dict[str, Any]) -> Iterable[str]:
    """A table for each profiled work."""
    for profile in profiles.values():
        head = ("kernel", "time", "share of the step", "GFLOP/s", "of the peak")
        line = f"**{profile['title']}**: {duration(profile['seconds'])} a step."
        share, busy = convolution_share(profile), convolution_share(profile, "executed")
        if share is not None and busy is not None:
            line += f" Convolutions with C_in ≥ 32 run at {100 * share:.0f} % of the peak measured beside them"
            line += f", with the multipliers busy for {100 * busy:.0f} % of it." if busy < share else "."
        yield line + "\n\n" + table(head, profile_rows(profile))


def mnist_section(mnist: dict[str, Any]) -> str:
    """Epochs of the same training side by side."""
    names = list(mnist["contenders"])
    head = ("epoch", *(f"{title_of(name)} {what}" for name in names for what in ("seconds", "test accuracy")))

    def cells(epoch: int) -> Iterable[str]:
        for name in names:
            found = mnist["contenders"][name]
            yield digits(found["seconds"][epoch])
            yield f"{100 * found['accuracy'][epoch]:.2f} %"

    rows = [(str(epoch + 1), *cells(epoch)) for epoch in range(mnist["epochs"])]
    sums = [cell for name in names for cell in (digits(sum(mnist["contenders"][name]["seconds"])), "")]
    return table(head, [*rows, ("together", *sums)])


def time_to_99_section(found: dict[str, Any]) -> str:
    """The shortest training to 99 % on the test images."""
    rows = [
        (str(run["seed"]), f"{digits(run['seconds'])} s", f"{100 * run['accuracy']:.2f} %") for run in found["runs"]
    ]
    rows.append(("mean", f"{digits(found['mean_seconds'])} s", f"{100 * found['mean_accuracy']:.2f} %"))
    return f"{found['recipe']}\n\n" + table(("seed", "training", "test accuracy"), rows)


def tables(results: Results, picture: str) -> str:
    """All tables of a results file, with headings."""
    machine, works = results["machine"], results["works"]
    parts = [machine_section(machine)]
    if works:
        names = [name for name in CONTENDERS if any(name in work["contenders"] for work in works.values())]
        head = ("", "Omomi", "fastest peer", "Omomi is faster by", "GFLOP/s", "of the peak")
        parts += [
            "## Steps",
            f"![Median times of every contender]({picture})",
            table(head, ratio_rows(works, machine.get("peak_gflops"))),
            "Medians of everybody; the fastest is bold:",
            table(("", *map(title_of, names)), median_rows(works, names)),
        ]
    if results["footprint"]:
        head = ("", "import", "build + first step", "together", "peak memory", "installed")
        parts += ["## Footprint", table(head, footprint_rows(results["footprint"]))]
    if results["profiles"]:
        parts += ["## Where the time of Omomi's steps goes", *profile_section(results["profiles"])]
    if results["mnist"]:
        parts += ["## MNIST side by side", mnist_section(results["mnist"])]
    if results["time_to_99"]:
        parts += ["## Time to 99 %", time_to_99_section(results["time_to_99"])]
    return "\n\n".join(parts)


def put_into(page: Path, text: str) -> None:
    """Replace what stands between the two marks of a page."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} lacks the marks {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
