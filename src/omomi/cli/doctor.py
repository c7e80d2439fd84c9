"""``omomi doctor``: what this machine has, and what is missing."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import asdict
from typing import Any

import click

from omomi.cli import gpu
from omomi.cli.environment import ENGINE_VARIABLE, PACKAGES, cores, memory, processor, thread_pools, vectors, versions
from omomi.cli.screen import echo, table
from omomi.engines import selection
from omomi.errors import OmomiError
from omomi.files import to_json


@click.command(short_help="Versions, processor, engines, devices; what is missing.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def doctor(as_json: bool) -> None:
    """Show versions, processor, threads, engines and devices. A GPU that cannot be used: which part is missing.

    \b
    omomi doctor
    omomi doctor --json > machine.json
    """
    findings = examine(gpu.Machine())
    if as_json:
        click.echo(to_json(findings, indent=2))
        return
    show(findings)


def examine(machine: gpu.Machine) -> dict[str, Any]:
    """Everything that the doctor looks at, as plain values."""
    found, known = gpu.cards(machine), engines()
    chosen = next(entry["name"] for entry in known if entry["chosen"])
    nvidia = any(card.startswith("NVIDIA") for card in found)
    return {
        "versions": {"python": platform.python_version(), **versions((*PACKAGES, "jax"))},
        "system": platform.platform(),
        "python": sys.executable,
        "processor": {
            "name": processor(machine.root),
            "vectors": vectors(machine.root),
            "cores": cores(),
            "memory": memory(machine.root),
        },
        "engines": known,
        "devices": devices(known),
        "threads": thread_pools(chosen),
        "gpus": found,
        "gpu_parts": [asdict(part) for part in gpu.parts(machine)] if nvidia else [],
    }


def engines() -> list[dict[str, Any]]:
    """Every engine: what keeps it from running here, if anything does; and which one is chosen, and why."""
    problems: dict[str, str | None] = {}
    wanted = os.environ.get(ENGINE_VARIABLE)
    for name in dict.fromkeys((*selection.MAKERS, wanted or selection.DEFAULT)):
        try:
            selection.get(name)
            problems[name] = None
        except (OmomiError, ImportError) as error:
            problems[name] = str(error)
    if wanted:
        chosen, why = wanted, f"chosen by {ENGINE_VARIABLE}"
    elif problems[selection.DEFAULT] is None:
        chosen, why = selection.DEFAULT, "chosen by default"
    else:
        chosen, why = selection.FALLBACK, f"chosen because {selection.DEFAULT} cannot run"
    return [
        {"name": name, "problem": problem, "chosen": why if name == chosen else None}
        for name, problem in problems.items()
    ]


def devices(known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The devices that engines have found, and why these: an engine takes all devices of one platform."""
    found = []
    platforms = os.environ.get("JAX_PLATFORMS")
    why = f"JAX_PLATFORMS={platforms}" if platforms else "JAX prefers TPU to GPU to CPU; JAX_PLATFORMS chooses"
    for entry in known:
        if entry["problem"] is None:
            for device in selection.get(entry["name"]).devices():
                found.append({"engine": entry["name"], **asdict(device), "why": why})
    return found


def show(findings: dict[str, Any]) -> None:
    """The findings as tables."""
    machine = findings["processor"]
    size = f", {machine['memory'] / 2**30:.0f} GiB memory" if machine["memory"] else ""
    section("machine")
    table(
        [
            ("system", findings["system"]),
            ("processor", f"{machine['name']}, {machine['vectors']}"),
            ("", f"{machine['cores']} cores for this process{size}"),
            *(
                ("threads", f"{pool['threads']} of {pool['library']} {pool['version'] or ''}")
                for pool in findings["threads"]
            ),
        ]
    )
    section("versions")
    table([(name, found or "not installed") for name, found in findings["versions"].items()])
    section("engines")
    table([(entry["name"], entry["problem"] or "works here", entry["chosen"] or "") for entry in findings["engines"]])
    section("devices")
    table([("cpu", machine["name"]), *(("gpu", card) for card in findings["gpus"])])
    if not findings["gpus"]:
        click.echo("no GPU found")
    if findings["devices"]:
        rows = [
            (
                f"engine {device['engine']}",
                f"{device['platform']} {number}: {device['kind']}",
                f"{device['memory'] / 2**30:.0f} GiB memory" if device["memory"] else "memory of the machine",
            )
            for number, device in enumerate(findings["devices"])
        ]
        table(rows)
        cut = f"; each batch is cut over all {len(rows)}" if len(rows) > 1 else ""
        click.echo(f"{findings['devices'][0]['why']}{cut}")
    parts = findings["gpu_parts"]
    if parts:
        section("GPU, part by part")
        table([("ok" if part["present"] else "missing", part["name"], part["detail"]) for part in parts], wrap=True)
        click.echo(gpu.verdict([gpu.Part(**part) for part in parts]))


def section(title: str) -> None:
    click.echo()
    echo(click.style(title, bold=True))
