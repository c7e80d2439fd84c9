"""A small transformer reverses a row of digits, and where it looks while it does.

The digit that belongs at place t of the answer stands at place T − 1 − t of the row. A layer that treats each step
alone cannot bring it there. Attention can: each step asks a question (its query), every step answers (its key), and
what fits best is taken over (its value),

    p = softmax(q kᵀ / √d),        y = p v                       (Vaswani et al. 2017, arXiv:1706.03762).

To ask the right step a step must know where it stands: a learned vector for each place is added to the digit's own. The
picture shows p of each head for one row: where it lies on the mirrored diagonal, the digit is taken from its place.

    python examples/reverse_digits.py            # 4,000 rows
    python examples/reverse_digits.py --quick    # half as many
"""

from __future__ import annotations

from pathlib import Path

import click
import matplotlib
import numpy as np

import omomi
from omomi.layers import (
    Add,
    Dense,
    Embedding,
    Input,
    LayerNormalization,
    MultiHeadAttention,
    PositionEmbedding,
)

LENGTH = 10


def rows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of digits, (count, LENGTH), and the same rows reversed."""
    x = np.random.default_rng(seed).integers(0, 10, (count, LENGTH))
    return x, x[:, ::-1].copy()


def network(width: int = 32, heads: int = 2, blocks: int = 1, seed: int = 0) -> tuple[omomi.Model, omomi.Model]:
    """The encoder, and the same encoder up to what its last attention looks at, (N, heads, T, T)."""
    inputs = Input((LENGTH,))
    x = PositionEmbedding(LENGTH)(Embedding(10, width)(inputs))
    looks = None
    for _ in range(blocks):
        y = LayerNormalization()(x)
        y, looks = MultiHeadAttention(heads, width // heads)(y, y, return_attention_scores=True)
        x = Add()([x, y])
        y = Dense(width)(Dense(2 * width, activation="relu")(LayerNormalization()(x)))
        x = Add()([x, y])
    outputs = Dense(10, activation="softmax")(LayerNormalization()(x))
    return omomi.Model(inputs, outputs, seed=seed), omomi.Model(inputs, looks)


def draw(digits: np.ndarray, looks: np.ndarray, path: Path) -> None:
    """Where each step of one row looks, head by head."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(looks), 3.4), layout="constrained")
    for head, axes in enumerate(np.atleast_1d(figure.subplots(1, len(looks)))):
        axes.imshow(looks[head], cmap="Blues", vmin=0, vmax=1)
        axes.set(title=f"head {head + 1}", xlabel="looks at", ylabel="step")
        axes.set_xticks(range(LENGTH), digits.tolist())
        axes.set_yticks(range(LENGTH), digits.tolist())
    figure.savefig(path, dpi=120)


@click.command()
@click.option("--quick", is_flag=True, help="Fewer rows.")
@click.option("--epochs", type=int, default=None, help="How often every row is shown.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/reverse_digits"), help="Where files go.")
def main(quick: bool, epochs: int | None, out: Path) -> float:
    """Train, judge on rows that were never seen, and draw where the last attention looks."""
    matplotlib.use("Agg")
    out.mkdir(parents=True, exist_ok=True)
    x, t = rows(2000 if quick else 4000, seed=1)
    fresh, answers = rows(500, seed=2)
    model, looking = network(seed=0)
    model.compile(omomi.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, t, batch_size=32, epochs=epochs or 8, verbose=2)
    accuracy = float(model.evaluate(fresh, answers, verbose=0)[1])
    click.echo(f"{accuracy:.2%} of the digits of {len(fresh)} new rows stand in the right place")
    found = model.predict(fresh[:3], verbose=0).argmax(axis=-1)
    for row, answer in zip(fresh[:3], found, strict=True):
        click.echo(f"  {' '.join(map(str, row))}  →  {' '.join(map(str, answer))}")
    draw(fresh[0], looking.predict(fresh[:1], verbose=0)[0], out / "attention.png")
    model.save(out / "model.safetensors")
    return accuracy


if __name__ == "__main__":
    main()
