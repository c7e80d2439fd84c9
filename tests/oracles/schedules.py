"""Writes schedules.npz: the rates of Keras's schedules and of PyTorch's one cycle, step by step.

    KERAS_BACKEND=tensorflow python tests/oracles/schedules.py

Needs keras, tensorflow and torch; the tests read only the file.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import torch

STEPS = 40
CASES = {
    "ExponentialDecay": [(0.1, 7, 0.5), (0.1, 7, 0.5, True)],
    "InverseTimeDecay": [(0.1, 7, 0.5), (0.1, 7, 0.5, True)],
    "PolynomialDecay": [(0.1, 13, 0.001), (0.1, 7, 0.01, 2.0, True)],
    "PiecewiseConstantDecay": [([3, 11], [1.0, 0.5, 0.1])],
    "CosineDecay": [(0.1, 17), (0.1, 17, 0.2, "warm", 1.0, 9)],
    "CosineDecayRestarts": [(0.1, 5), (0.1, 6, 1.0, 0.5, 0.1), (0.1, 3, 1.5, 0.9)],
    "OneCycle": [(0.1, 20), (0.1, 33, 0.5, 10.0, 100.0)],
}


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
