"""The report as a page: what is missing is named, and a browser shows it without a network."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import omomi
from omomi.errors import ConfigurationError, NotBuiltError
from omomi.inspect import check_gradients, diagnose, trace, write_report
from omomi.inspect.comparison import ComparedRun, write_comparison
from omomi.inspect.html import inline_svg
from omomi.inspect.report import Samples
from omomi.layers import Conv2D, Dense, Flatten, MaxPooling2D
from tests.inspect.looking import HOSTILE

RNG = np.random.default_rng(0)
IMAGES, LABELS = RNG.random((40, 8, 8, 1)).astype(np.float32), RNG.integers(0, 3, 40)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """The report of a small CNN with everything in it."""
    hidden = [Conv2D(6, 3, activation="relu", input_shape=(8, 8, 1)), MaxPooling2D(2), Flatten()]
    model = omomi.Sequential([*hidden, Dense(3, activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(IMAGES, LABELS, epochs=4, verbose=0, validation_split=0.2, ledger=1)
    return write_report(
        tmp_path_factory.mktemp("report") / "report.html",
        model,
        title=HOSTILE[0],
        history=history,
        test=Samples(IMAGES, LABELS, ["a long name of a class without any end " * 3, "二", HOSTILE[0]]),
        gradients=check_gradients(model, IMAGES[:2], LABELS[:2]),
        diagnosis=diagnose(model, history),
        graph=trace(model, IMAGES[:2], LABELS[:2]).to_svg(),
        record={"options": {"epochs": 4}, "versions": {"x" * 200: "1"}},
    )


def test_without_anything_every_section_says_what_is_missing(tmp_path: Path):
    model = omomi.Sequential([Dense(2, input_shape=(3,))], seed=0)
    text = write_report(tmp_path / "r.html", model).read_text("utf-8")
    for said in ("No verdicts", "No curves", "has no ledger", "ledger=True", "No predictions", "Not checked"):
        assert said in text


def test_points_and_many_classes_are_shown_as_a_table(tmp_path: Path):
    model = omomi.Sequential([Dense(50, activation="softmax", input_shape=(4,))], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = RNG.normal(size=(30, 4)).astype(np.float32), RNG.integers(0, 50, 30)
    text = write_report(tmp_path / "r.html", model, test=Samples(x, y)).read_text("utf-8")
    assert "The worst predictions" in text
    assert "Confusion matrix" not in text


def test_a_network_that_went_wrong_still_has_a_report(tmp_path: Path):
    model = omomi.Sequential([Conv2D(2, 3, input_shape=(8, 8, 1)), Flatten(), Dense(3, activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.set_weights([np.full(w.shape, np.nan, np.float32) for w in model.get_weights()])
    history = {"loss": [1.0, float("nan")]}
    page = write_report(tmp_path / "r.html", model, history=history, test=Samples(IMAGES, LABELS))
    assert "Without predictions" in page.read_text("utf-8")


def test_a_model_that_is_not_built_is_an_error(tmp_path: Path):
    with pytest.raises(NotBuiltError):
        write_report(tmp_path / "r.html", omomi.Sequential([Dense(2)]))
    assert list(tmp_path.iterdir()) == []


def test_ids_of_two_pictures_differ():
    svg = (
        '<?xml version="1.0"?><svg width="4pt" xmlns="http://www.w3.org/2000/svg"><style>*{}</style><g id="a"/>{}</svg>'
    )
    one, two = (str(inline_svg(svg.replace("{}", text), "x")) for text in ("1", "2"))
    assert "<style" not in one
    assert "width" not in one
    assert one.split('id="')[1].split('"')[0] != two.split('id="')[1].split('"')[0]


def test_a_comparison_needs_two_runs_on_the_same_data(tmp_path: Path):
    one = ComparedRun("a", {"data": {"name": "digits"}}, {}, 3)
    other = ComparedRun("b", {"data": {"name": "mnist"}}, {}, 3)
    for runs in ([one], [one, other]):
        with pytest.raises(ConfigurationError):
            write_comparison(tmp_path / "c.html", runs)
    text = write_comparison(tmp_path / "c.html", [one, one]).read_text("utf-8")
    assert "a (1)" in text
    assert "None of the runs has a history" in text


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_shows_it_on_a_phone_in_the_dark_and_without_network(page: Path):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        grounds = set()
        for width, scheme in ((390, "light"), (390, "dark"), (1280, "light")):
            context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
            tab, problems, asked = context.new_page(), [], []
            tab.on("pageerror", lambda error, found=problems: found.append(str(error)))
            tab.on("console", lambda message, found=problems: found.append(message.text))
            tab.on("request", lambda request, found=asked: found.append(request.url))
            tab.goto(page.as_uri())
            assert problems == []
            assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            assert tab.locator("svg").count() >= 12
            tab.evaluate("document.querySelectorAll('details').forEach(found => { found.open = true })")
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            assert HOSTILE[0] in tab.inner_text("h1")
            grounds.add(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
            context.close()
        browser.close()
    assert len(grounds) == 2  # light and dark
