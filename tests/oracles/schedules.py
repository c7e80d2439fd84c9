"""Writes schedules.npz: the rates of Keras's schedules and of PyTorch's one cycle, step by step.

    KERAS_BACKEND=tensorflow python tests/oracles/schedules.py

Needs keras, tensorflow and torch; the tests read only the file.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import torch
from schedule_cases import CASES

STEPS = 40


def one_cycle(top: float, steps: int, share: float = 0.3, div: float = 25.0, final: float = 1e4) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, top, total_steps=steps, pct_start=share, div_factor=div, final_div_factor=final
    )
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(rates) < steps:
            schedule.step()
    return rates


def precise(argument: object) -> object:
    """A number in double precision, which Keras's schedules then keep."""
    if isinstance(argument, list):
        return [precise(number) for number in argument]
    return np.float64(argument) if isinstance(argument, float) else argument


def main() -> None:
    keras.config.set_floatx("float64")
    out = {}
    for name, cases in CASES.items():
        for i, arguments in enumerate(cases):
            if name == "OneCycle":
                out[f"{name}/{i}"] = np.array(one_cycle(*arguments))
            else:
                schedule = getattr(keras.optimizers.schedules, name)(*map(precise, arguments))
                out[f"{name}/{i}"] = np.array([float(schedule(t)) for t in range(STEPS)])
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **out)


if __name__ == "__main__":
    main()
