from __future__ import annotations

import warnings

import pytest

import omomi
from omomi.errors import ConfigurationError, NotBuiltError
from omomi.inspect.draw import draw_model, draw_rows, shape_words
from omomi.models.summary import LayerRow
from tests.inspect.looking import HOSTILE, size, texts


def chain(*rows: tuple[str, str, str, tuple[int | None, ...], int]) -> list[LayerRow]:
    names = ["input", *(row[0] for row in rows)]
    return [
        LayerRow(name, kind, detail, shape, parameters, 0, (previous,))
        for previous, (name, kind, detail, shape, parameters) in zip(names, rows, strict=False)
    ]


ROWS = chain(
    ("conv", "Conv2D", "8 × 3×3, relu", (None, 26, 26, 8), 80),
    ("flatten", "Flatten", "", (None, 5408), 0),
    ("dense", "Dense", "10 units, softmax", (None, 10), 54090),
)


def test_says_everything_about_each_layer(tmp_path):
    words = texts(draw_rows(ROWS, tmp_path / "a.svg", title="digits", input_shape=(None, 28, 28, 1)))
    assert words[:2] == ["digits", "3 layers · 54,170 parameters"]
    assert {"input", "28 × 28 × 1", "26 × 26 × 8", "5408", "output 10"} <= set(words)
    assert {"conv", "Conv2D · 8 × 3×3, relu", "80 parameters", "flatten", "Flatten"} <= set(words)
    assert {"dense", "Dense · 10 units, softmax", "54,090 parameters"} <= set(words)


def test_png(tmp_path):
    assert size(draw_rows(ROWS, tmp_path / "a.png"))[0] == 1144


def test_a_built_model(tmp_path):
    layers = omomi.layers
    model = omomi.Sequential(
        [
            layers.Conv2D(4, (3, 3), activation="relu", input_shape=(8, 8, 1)),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ],
        seed=0,
    )
    words = texts(draw_model(model, tmp_path / "a.svg"))
    # 4 · (3·3·1) + 4 = 40 and 6·6·4 · 10 + 10 = 1,450
    assert {"8 × 8 × 1", "6 × 6 × 4", "144", "output 10", "40 parameters", "1,450 parameters"} <= set(words)


def test_a_model_without_shapes_says_so(tmp_path):
    with pytest.raises(NotBuiltError):
        draw_model(omomi.Sequential([omomi.layers.Dense(3)]), tmp_path / "a.svg")


def test_branches_inputs_and_outputs(tmp_path):
    rows = [
        LayerRow("left", "Dense", "2 units", (None, 2), 6, 0, ("a",)),
        LayerRow("right", "Dense", "2 units", (None, 2), 0, 6, ("b",)),
        LayerRow("add", "Add", "", (None, 2), 0, 0, ("left", "right")),
        LayerRow("skip", "Add", "", (None, 2), 0, 0, ("add", "left")),
        LayerRow("other", "Dense", "1 unit", (None, 1), 3, 2, ("add",)),
    ]
    words = texts(draw_rows(rows, tmp_path / "a.svg"))
    assert words[1] == "5 layers · 17 parameters, 8 of them not trained"
    assert {"a", "b", "output 2", "output 1", "not trained"} <= set(words)


def test_a_layer_may_be_named_like_the_input(tmp_path):
    rows = chain(("input", "Dense", "2 units", (None, 2), 6), ("b", "Dense", "1 unit", (None, 1), 3))
    assert {"input (input)", "input", "b"} <= set(texts(draw_rows(rows, tmp_path / "a.svg")))


def test_hostile_names_are_shortened_and_escaped(tmp_path):
    names = [name or "empty" for name in HOSTILE]
    rows = chain(*((name, name, name, (None, 2, 2, 3), 10**12) for name in names))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_rows(rows, tmp_path / "a.png", title=names[0])
        words = texts(draw_rows(rows, tmp_path / "a.svg", title=names[0]))
    assert words[0] == "<script>alert('1')</script>"
    assert b"<script" not in (tmp_path / "a.svg").read_bytes()
    assert max(map(len, words)) < 80


def test_shapes_in_words():
    assert shape_words((None, 28, 28, 1)) == "28 × 28 × 1"
    assert shape_words((None, None, 5)) == "? × 5"
    assert shape_words((None,)) == "1"
    assert shape_words(None) == ""


def test_a_very_deep_network_fits_an_svg(tmp_path):
    rows = chain(*((f"dense_{i}", "Dense", "4 units", (None, 4), 20) for i in range(150)))
    assert "dense_149" in texts(draw_rows(rows, tmp_path / "a.svg"))


def test_bad_rows(tmp_path):
    with pytest.raises(ConfigurationError, match="no layer"):
        draw_rows([], tmp_path / "a.svg")
    with pytest.raises(ConfigurationError, match="same name"):
        draw_rows([ROWS[0], ROWS[0]], tmp_path / "a.svg")
