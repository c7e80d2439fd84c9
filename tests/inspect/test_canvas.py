from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from omomi.errors import ConfigurationError, FileAccessError
from omomi.inspect.canvas import Sheet, blend, clean, fit, round_ticks, style, width_of
from tests.inspect.looking import HOSTILE, size, texts


@style()
def small_sheet(path: Path, words: str = "words") -> Path:
    sheet = Sheet(144, 72, "a sheet")
    sheet.text(10, 20, words)
    sheet.box(10, 30, 20, 10, radius=2)
    sheet.line([(10, 50), (40, 60)])
    return sheet.save(path)


def test_a_sheet_has_the_size_it_was_given(tmp_path):
    assert size(small_sheet(tmp_path / "a.png")) == (400, 200)  # 2 × 1 inches at 200 dots per inch
    assert 'width="144pt" height="72pt"' in small_sheet(tmp_path / "a.svg").read_text()


@style()
def test_an_image_stands_upright_where_it_was_put(tmp_path):
    sheet = Sheet(72, 72, "an image")
    sheet.image(np.array([[0.0, 0.2], [0.4, 1.0]]), 18, 0, 36)
    with Image.open(sheet.save(tmp_path / "a.png")) as image:
        pixels = np.asarray(image.convert("L"), dtype=int)
    # 200 × 200 pixels; the image covers columns 50 to 150 of rows 0 to 100
    found = [pixels[y, x] for y, x in ((25, 75), (25, 125), (75, 75), (75, 125), (150, 100), (50, 25))]
    assert found == [0, 51, 102, 255, 255, 255]


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_equal_pictures_are_equal_files(tmp_path, ending):
    first, second = (small_sheet(tmp_path / f"{i}.{ending}") for i in range(2))
    assert first.read_bytes() == second.read_bytes()
    assert b"date" not in first.read_bytes().lower()


def test_users_settings_neither_matter_nor_change(tmp_path):
    import matplotlib

    plain = small_sheet(tmp_path / "plain.svg").read_bytes()
    with matplotlib.rc_context({"font.size": 30, "figure.facecolor": "black", "svg.fonttype": "path"}):
        assert small_sheet(tmp_path / "own.svg").read_bytes() == plain
        assert matplotlib.rcParams["font.size"] == 30
        assert matplotlib.rcParams["svg.fonttype"] == "path"


@pytest.mark.parametrize("name", ["a.gif", "a", "a.png.exe"])
def test_other_endings_are_an_error(tmp_path, name):
    with pytest.raises(ConfigurationError, match=r"\.png or \.svg"):
        small_sheet(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileAccessError):
        small_sheet(tmp_path / "missing" / "a.png")


def test_a_sheet_too_large_for_pixels_says_so(tmp_path):
    with style():
        sheet = Sheet(100, 100_000, "long")
        with pytest.raises(ConfigurationError, match=r"\.svg"):
            sheet.save(tmp_path / "a.png")
        sheet.save(tmp_path / "a.svg")


@pytest.mark.parametrize("words", HOSTILE)
def test_any_text_can_be_drawn(tmp_path, words):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small_sheet(tmp_path / "a.png", words)
        drawn = texts(small_sheet(tmp_path / "a.svg", words))
    assert drawn == ([clean(words)] if clean(words) else [])


def test_clean_keeps_one_printable_line():
    assert clean("a\n b\x00\x07\u202ec \ud800") == "a b c"
    assert clean("重み $x$ <b>") == "重み $x$ <b>"
    assert len(clean("x" * 10_000)) == 200


def test_fit_shortens_to_the_width():
    with style():
        assert fit("short", 100, 10) == "short"
        shortened = fit("a name that is far too long for its place", 100, 10)
        assert shortened.endswith("…")
        assert 80 < width_of(shortened, 10) <= 100
        assert fit("anything", 1, 10) == "…"


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0, 2.5, ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"]),
        (-7, 7, ["−5.0", "−2.5", "0.0", "2.5", "5.0"]),
        (-0.2, 1e-9, ["−0.20", "−0.15", "−0.10", "−0.05", "0.00"]),
        (0, 3e6, ["0", "500000", "1e+06", "1.5e+06", "2e+06", "2.5e+06", "3e+06"][::2]),
        (0.971, 0.979, ["0.972", "0.974", "0.976", "0.978"]),
        (3, 3, []),
        (0, float("inf"), []),
    ],
)
def test_ticks_are_round(low, high, labels):
    values, words = round_ticks(low, high)
    assert words == labels
    assert [float(word.replace("−", "-")) for word in words] == pytest.approx(values)


def test_ticks_are_few_and_inside():
    random = np.random.default_rng(0)
    for low, span in zip(random.normal(size=200) * 100, 10.0 ** random.uniform(-6, 6, 200), strict=True):
        values, _ = round_ticks(low, low + span)
        assert 2 <= len(values) <= 6
        assert low - 1e-6 * span <= values[0]
        assert values[-1] <= low + span * (1 + 1e-6)


def test_blend_mixes_colours():
    np.testing.assert_allclose(
        blend("#000000", "#ff0000", [0, 0.5, 1, 7]), [[0, 0, 0], [0.5, 0, 0], [1, 0, 0], [1, 0, 0]]
    )


def test_matplotlib_is_loaded_by_the_first_picture_and_pyplot_never(tmp_path):
    script = f"""
import sys
import omomi, omomi.inspect.pictures, omomi.inspect.confusion, omomi.inspect.draw
import omomi.inspect.experiments, omomi.inspect.filters
assert not any(name.startswith("matplotlib") for name in sys.modules)
omomi.inspect.pictures.plot_history({{"loss": [1.0]}}, "loss", {str(tmp_path / "a.png")!r})
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, env={"PATH": "", "HOME": str(tmp_path)})
