"""The picture of a trace: valid XML that says everything, escaped, inside its own page."""

from __future__ import annotations

import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import omomi
from omomi import layers
from omomi.inspect import explain, svg, trace
from omomi.inspect.thumbnails import draw_array
from tests.inspect.looking import HOSTILE
from tests.inspect.test_trace import IMAGES, LABELS, cnn, worked, worked_model

RNG = np.random.default_rng(0)
SVG = "{http://www.w3.org/2000/svg}"


def elements(drawn: str, kind: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(drawn).iter(SVG + kind))


def words(drawn: str) -> list[str]:
    return ["".join(e.itertext()) for e in elements(drawn, "text")]


def test_every_formula_value_and_delta_of_a_small_network():
    said = words(trace(worked_model(), worked.X, worked.Y).to_svg())
    for text in ("sequential", "y = x W + b", "gx = gy y (1 − y)", "kernel 2 × 3", "∂E/∂kernel", "target t 1 × 2"):
        assert text in said
    for number in ("1.1", "−0.281", "0.75", "−1.5", "0.625"):
        assert number in said


def test_values_flow_down_and_deltas_up():
    drawn = trace(worked_model(), worked.X, worked.Y).to_svg()
    paths = [(e.get("class"), e.get("d")) for e in elements(drawn, "path")]
    ends = {"down": [], "up": []}
    for kind, d in paths:
        numbers = [float(n) for n in re.findall(r"[-\d.]+", d)]
        ends[kind].append(numbers[-1] - numbers[1])
    assert len(ends["down"]) == len(ends["up"]) == 4  # x → affine → sigmoid → affine → loss
    assert min(ends["down"]) > 0 > max(ends["up"])


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("expand", [False, True])
def test_everything_lies_on_the_page_and_cards_do_not_overlap(columns, expand):
    drawn = trace(cnn(layers.BatchNormalization()), IMAGES, LABELS, expand=expand).to_svg(columns)
    root = ElementTree.fromstring(drawn)
    width, height = float(root.get("width")), float(root.get("height"))
    cards = []
    for group in root.iter(SVG + "g"):
        left, top = (float(v) for v in re.findall(r"[-\d.]+", group.get("transform")))
        frame = next(group.iter(SVG + "rect"))
        cards.append((left, top, left + float(frame.get("width")), top + float(frame.get("height"))))
    assert len(cards) == len(set(cards)) >= 10
    for a in cards:
        assert 0 <= a[0] < a[2] <= width
        assert 0 <= a[1] < a[3] <= height
        assert not any(a is not b and a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for b in cards)
    for path in root.iter(SVG + "path"):
        numbers = [float(n) for n in re.findall(r"[-\d.]+", path.get("d"))]
        assert min(numbers) >= 0
        assert max(numbers[::2]) <= width
        assert max(numbers[1::2]) <= height


def test_pictures_are_pngs_inside_the_file():
    drawn = trace(cnn(), IMAGES, LABELS).to_svg()
    images = elements(drawn, "image")
    assert len(images) > 10
    for image in images:
        kind, _, data = image.get("href").partition("base64,")
        assert kind == "data:image/png;"
        Image.open(io.BytesIO(base64.b64decode(data))).load()
    outside = re.sub(r"data:image/png;base64,[^\"]*", "", drawn).replace("http://www.w3.org/2000/svg", "")
    assert "http" not in outside
    assert "<script" not in outside


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_escaped(name):
    plain = name.replace("/", "").encode("utf-8", "ignore").decode() or "empty"  # what a layer accepts
    model = omomi.Sequential([layers.Dense(2, input_shape=(2,), name=plain)], seed=0, name=plain)
    step = trace(model, worked.X, worked.Y, loss="mse")
    drawn = step.to_svg()
    assert "<script" not in drawn
    ElementTree.fromstring(drawn)
    assert max(map(len, words(drawn))) < 100
    for text in (step.to_text(), explain(model, plain, worked.X, worked.Y, loss="mse").to_text()):
        assert all(c.isprintable() or c == "\n" for c in text)


def test_notebooks_show_it_light_and_dark():
    html = trace(worked_model(), worked.X, worked.Y)._repr_html_()
    assert html.startswith("<div")
    assert "prefers-color-scheme:dark" in html
    assert 'data-jp-theme-light="false"' in html


@pytest.mark.parametrize(
    "shape",
    [(), (1,), (3,), (40,), (2, 3), (300, 700), (4, 9, 9), (2, 5, 5, 3), (2, 5, 5, 16), (2, 2, 2, 2, 9), (0, 3)],
)
def test_arrays_of_every_shape_are_drawn(shape):
    values = RNG.normal(size=shape)
    if values.size > 3:
        values.flat[2] = np.nan
    drawn, height = draw_array(np.asarray(values), 0, 0, 200, "forward")
    ElementTree.fromstring(f'<svg xmlns="http://www.w3.org/2000/svg">{drawn}</svg>')
    assert 0 < height <= 200


def test_long_formulas_are_broken_after_commas():
    assert svg.wrapped("gx = gy Wᵀ, gW = xᵀ gy, gb = Σ gy", 24) == ["gx = gy Wᵀ, gW = xᵀ gy,", "gb = Σ gy"]
    assert svg.wrapped("a b c d e", 3) == ["a b", "c d", "e"]
    assert svg.shortened("x" * 50, 10) == "x" * 9 + "…"
