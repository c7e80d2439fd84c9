"""Rules that add numbers up, explained: products of matrices, softmax, batch normalisation, means, losses."""

from __future__ import annotations

import numpy as np

from omomi.inspect.formulas import number
from omomi.inspect.worked_line import Index, Line, Lines, Occasion, factor, largest, line, total


def affine_forward(o: Occasion) -> Lines:
    x, W = o.inputs[_first(o)], o.inputs[_second(o)]
    row, j = o.index[:-1], o.index[-1]
    names = _first(o), _second(o)
    terms = [(x[(*row, i)], W[i, j]) for i in range(W.shape[0])]
    symbols = f"Σᵢ {names[0]}ₙᵢ {names[1]}ᵢⱼ"
    if "b" in o.inputs and o.rule == "affine":
        return [line(o, "y", o.index, f"{symbols} + bⱼ = {total(terms)} + {factor(o.inputs['b'][j])}")]
    return [line(o, "y", o.index, f"{symbols} = {total(terms)}")]


def affine_backward(o: Occasion) -> Lines:
    assert o.gy is not None
    first, second = _first(o), _second(o)
    x, W, gy = o.inputs[first], o.inputs[second], o.gy
    j = o.index[-1]
    rows, deltas = x.reshape(-1, x.shape[-1]), gy.reshape(-1, gy.shape[-1])
    found = []
    if second in o.gradients:
        i = largest(o.gradients[second][:, j])[0]
        terms = [(rows[n, i], deltas[n, j]) for n in range(len(rows))]
        found.append(line(o, second, (i, j), f"Σₙ {first}ₙᵢ gyₙⱼ = {total(terms)}"))
    if "b" in o.gradients and o.rule == "affine":
        found.append(line(o, "b", (j,), f"Σₙ gyₙⱼ = {total([(d,) for d in deltas[:, j]])}"))
    if first in o.gradients:
        index = (*o.index[:-1], largest(o.gradients[first][o.index[:-1]])[0])
        terms = [(gy[(*o.index[:-1], k)], W[index[-1], k]) for k in range(W.shape[1])]
        found.append(line(o, first, index, f"Σⱼ gyₙⱼ {second}ᵢⱼ = {total(terms)}"))
    return found


def _first(o: Occasion) -> str:
    return next(iter(o.inputs))


def _second(o: Occasion) -> str:
    return list(o.inputs)[1]


def softmax_forward(o: Occasion) -> Lines:
    x = np.moveaxis(o.inputs["x"], o.attributes.get("axis", -1), -1)
    row = x[_without(o.index, o.attributes.get("axis", -1), o.y.ndim)]
    top = o.inputs["x"][o.index]
    powers = total([(v,) for v in row], "e^")
    if o.rule == "log_softmax":
        return [line(o, "y", o.index, f"xᵢ − ln Σⱼ exp xⱼ = {number(top)} − ln({powers})")]
    return [line(o, "y", o.index, f"exp xᵢ / Σⱼ exp xⱼ = e^{factor(top)} / ({powers})")]


def softmax_backward(o: Occasion) -> Lines:
    assert o.gy is not None
    axis = o.attributes.get("axis", -1)
    place = _without(o.index, axis, o.y.ndim)
    gy, y = np.moveaxis(o.gy, axis, -1)[place], np.moveaxis(o.y, axis, -1)[place]
    g, p = o.gy[o.index], o.y[o.index]
    if o.rule == "log_softmax":
        text = f"gyᵢ − pᵢ Σⱼ gyⱼ = {number(g)} − {factor(np.exp(p))}·({total([(v,) for v in gy])})"
    else:
        terms = total(list(zip(gy, y, strict=True)))
        text = f"yᵢ (gyᵢ − Σⱼ gyⱼ yⱼ) = {factor(p)}·({number(g)} − ({terms}))"
    return [line(o, "x", o.index, text)]


def _without(index: Index, axis: int, rank: int) -> Index:
    axis %= rank
    return index[:axis] + index[axis + 1 :]


def _channel(o: Occasion) -> tuple[np.ndarray, int, float, float, float]:
    """x of the chosen channel, which entry of it, μ, σ² and √(σ² + ε)."""
    k = o.index[-1]
    x = o.inputs["x"][..., k].astype(np.float64)
    flat = x.ravel()
    mean, variance = float(flat.mean()), float(flat.var())
    return (
        flat,
        int(np.ravel_multi_index(o.index[:-1], x.shape)),
        mean,
        variance,
        float(np.sqrt(variance + _epsilon(o))),
    )


def _epsilon(o: Occasion) -> float:
    return float(o.attributes.get("epsilon", 1e-3))


def normalization_forward(o: Occasion) -> Lines:
    x, n, mean, variance, deviation = _channel(o)
    k, m = o.index[-1], len(x)
    gamma, beta = float(o.inputs["gamma"][k]), float(o.inputs["beta"][k])
    x_hat = (x[n] - mean) / deviation
    squares = total([(v - mean, v - mean) for v in x])
    return [
        Line("μ", f"1/M Σ x = ({total([(v,) for v in x])}) / {m}", mean, "μ"),
        Line("σ²", f"1/M Σ (x − μ)² = ({squares}) / {m}", variance, "σ²"),
        Line("x̂", f"(x − μ) / √(σ² + ε) = ({number(x[n])} − {factor(mean)}) / {number(deviation)}", x_hat, "x̂"),
        line(o, "y", o.index, f"γ x̂ + β = {factor(gamma)}·{factor(x_hat)} + {factor(beta)}"),
    ]


def normalization_backward(o: Occasion) -> Lines:
    """The book's steps from y to x, and the closed form."""
    assert o.gy is not None
    x, n, mean, _, d = _channel(o)
    k, m = o.index[-1], len(x)
    gy = o.gy[..., k].astype(np.float64).ravel()
    gamma = float(o.inputs["gamma"][k])
    x_hat = (x - mean) / d
    g_hat = gy * gamma
    g_variance = float((g_hat * (x - mean)).sum()) * -0.5 * d**-3
    g_mean = -float(g_hat.sum()) / d
    found = []
    if "beta" in o.gradients:
        found.append(line(o, "beta", (k,), f"Σ gy = {total([(v,) for v in gy])}"))
    if "gamma" in o.gradients:
        found.append(line(o, "gamma", (k,), f"Σ gy x̂ = {total(list(zip(gy, x_hat, strict=True)))}"))
    if "x" not in o.gradients:
        return found
    sent, own = float((g_hat * (x - mean)).sum()), (number(gy[n]), factor(gy.mean()), factor(x_hat[n]))
    routes = (f"{factor(g_hat[n])} / {number(d)}", f"{factor(g_variance)}·2·{factor(x[n] - mean)} / {m}")
    by_routes = f"{routes[0]} + {routes[1]} + {factor(g_mean)} / {m}"
    closed = f"{number(gamma)} / {number(d)} · ({own[0]} − {own[1]} − {own[2]}·{factor((gy * x_hat).mean())})"
    to_variance = f"Σ ∂E/∂x̂ (x − μ) · (−½) (σ² + ε)^(−3/2) = {number(sent)} · (−½) · {number(d**-3)}"
    return [
        *found,
        Line("∂E/∂x̂", f"gy γ = {factor(gy[n])}·{factor(gamma)}", float(g_hat[n]), "∂E/∂x̂"),
        Line("∂E/∂σ²", to_variance, g_variance, "∂E/∂σ²"),
        Line("∂E/∂μ", f"−Σ ∂E/∂x̂ / √(σ² + ε) = −{factor(float(g_hat.sum()))} / {number(d)}", g_mean, "∂E/∂μ"),
        line(o, "x", o.index, f"∂E/∂x̂ / √(σ² + ε) + ∂E/∂σ² 2 (x − μ) / M + ∂E/∂μ / M = {by_routes}"),
        line(o, "x", o.index, f"γ / √(σ² + ε) (gy − mean gy − x̂ mean(gy x̂)) = {closed}"),
    ]


def running_forward(o: Occasion) -> Lines:
    k = o.index[-1]
    gamma, beta, mean, variance = (float(o.inputs[n][k]) for n in ("gamma", "beta", "mean", "variance"))
    x = o.inputs["x"][o.index]
    deviation = number((variance + _epsilon(o)) ** 0.5)
    text = f"γ (x − μ) / √(σ² + ε) + β = {factor(gamma)}·({number(x)} − {factor(mean)}) / {deviation}"
    return [line(o, "y", o.index, f"{text} + {factor(beta)}")]
