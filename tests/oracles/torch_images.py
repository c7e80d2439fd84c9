"""What PyTorch computes for images with the channels first; ``python -m tests.oracles.torch_images`` writes it.

Chainer's layout, padding and statistics are PyTorch's in these calls: ``cover_all`` is ``ceil_mode``, a decay of 0.9 is
a momentum of 0.1, and both keep the variance of a sample.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

FILE = Path(__file__).with_suffix(".npz")


def main() -> None:
    import torch
    from torch.nn import functional as F

    rng = np.random.default_rng(0)
    arrays = {
        "x": rng.normal(size=(2, 3, 7, 6)),
        "W": rng.normal(size=(4, 3, 3, 2)),
        "V": rng.normal(size=(3, 4, 3, 2)),
        "b": rng.normal(size=4),
        "gamma": rng.normal(size=3),
        "beta": rng.normal(size=3),
        "logits": rng.normal(size=(5, 4)),
        "t": np.array([0, 3, -1, 2, 1]),
    }
    given = {name: torch.tensor(a, requires_grad=a.dtype.kind == "f") for name, a in arrays.items()}
    x, mean, variance = given["x"], torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    found = {
        "convolution": F.conv2d(x, given["W"], given["b"], stride=2, padding=1),
        "deconvolution": F.conv_transpose2d(x, given["V"], given["b"], stride=2, padding=1),
        "normalized": F.batch_norm(x, mean, variance, given["gamma"], given["beta"], True, 0.1, 2e-5),
        "average": F.avg_pool2d(x, 3, 2, 1),
        "largest": F.max_pool2d(x, 3, 2, 0, ceil_mode=True),
        "cross_entropy": F.cross_entropy(given["logits"], given["t"], ignore_index=-1),
    }
    arrays.update({name: y.detach().numpy() for name, y in found.items()})
    arrays.update(running_mean=mean.numpy(), running_variance=variance.numpy())
    for name, y in found.items():
        upstream = torch.tensor(rng.normal(size=tuple(y.shape)))
        arrays[f"{name}/gy"] = upstream.numpy()
        wanted = [given["logits"]] if name == "cross_entropy" else [x]
        wanted += {"convolution": [given["W"]], "deconvolution": [given["V"]], "normalized": [given["gamma"]]}.get(
            name, []
        )
        for number, g in enumerate(torch.autograd.grad((y * upstream).sum(), wanted, retain_graph=True)):
            arrays[f"{name}/g{number}"] = g.numpy()
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    main()
