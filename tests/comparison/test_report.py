"""The folder of a comparison: one page with everything in it, pictures, and nothing of the data taken for markup."""

from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from omomi import compare
from omomi.comparison.curves import Curve
from omomi.comparison.exhibits import coefficient_paths, projections, regions
from omomi.comparison.names import METRICS
from omomi.comparison.pictures import plot_learning_curves
from omomi.comparison.plan import Options, make_plan
from omomi.comparison.planes import plot_coefficients

pd = pytest.importorskip("pandas")
HOSTILE = "<script>alert(1)</script>"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Links(HTMLParser):
    """What a page would load, and its scripts."""

    def __init__(self):
        super().__init__()
        self.found, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.found += [v for k, v in attrs if k in ("src", "href", "xlink:href") and v and v[0] != "#"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A comparison of a table whose every name is hostile, with categories and missing cells."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            HOSTILE: rng.standard_normal(90),
            '"><img src=x onerror=alert(1)>': np.where(rng.random(90) < 0.1, np.nan, rng.standard_normal(90)),
            "a$_b^c$ & 重み": rng.choice(["<b>", "&amp;", "東京"], 90),
        }
    )
    frame["</style>"] = np.where(frame[HOSTILE] + 0.5 * rng.standard_normal(90) > 0, "<i>yes", "no & never")
    where = tmp_path_factory.mktemp("report") / "run"
    compare(
        frame,
        "</style>",
        protocol="kfold",
        folds=3,
        inner_folds=2,
        learners=["logistic", "linear-svm", "knn"],
        out=where,
        verbose=0,
    )
    return where


def test_the_page_stands_alone_and_takes_no_name_for_markup(folder):
    text = (folder / "comparison.html").read_text()
    links = Links()
    links.feed(text)
    assert [link for link in links.found if not link.startswith("data:")] == []
    assert "script" not in links.tags
    assert "i" not in links.tags
    assert "&lt;/style&gt;" in text
    assert len(text) < 3_000_000


def test_every_picture_is_there_and_named(folder):
    record = json.loads((folder / "comparison.json").read_text())
    assert record["status"] == "finished"
    pictures = {path.stem for path in folder.glob("*.png")}
    assert pictures == {
        "scores",
        "learning-curves",
        "validation-curves",
        "confusion-logistic",
        "confusion-linear-svm",
        "confusion-knn",
        "regions",
        "projections",
        "variance",
        "coefficients",
    }
    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            assert image.width >= 1000
            assert len(image.convert("L").getcolors(256)) > 10  # something is drawn on it


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_a_browser_shows_the_page_without_complaints(folder, width, scheme):
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
        page = context.new_page()
        said = []
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(f"file://{folder / 'comparison.html'}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.querySelectorAll('figure svg').length") == 10
        browser.close()
    assert said == []


def plan_of(data, **options):
    return make_plan(data, Options(protocol="kfold", learners=("logistic", "knn"), **options))


def test_coefficients_under_l1_are_exactly_zero_and_under_l2_are_not():
    paths = coefficient_paths(plan_of("breast_cancer"))
    middle = len(paths.strengths) // 2
    assert np.count_nonzero(paths.l1[0]) < 3
    assert 3 < np.count_nonzero(paths.l1[middle]) < 25
    assert np.count_nonzero(paths.l2) == paths.l2.size
    assert np.all(np.diff(np.abs(paths.l2).sum(axis=1)) > 0)


def test_projections_part_the_classes():
    found = projections(plan_of("iris"))
    assert set(found) == {"PCA", "LDA"}
    lda = found["LDA"]
    assert lda.points.shape == (30, 2)
    centres = np.array([lda.points[lda.y == k, 0].mean() for k in range(3)])
    assert np.ptp(centres) > 8
    assert projections(plan_of("breast_cancer"))["LDA"].axes[1] == ""  # two classes have one discriminant


def test_regions_are_learned_on_the_two_features_that_say_most():
    plan = plan_of("iris")
    comparison = compare("iris", protocol="kfold", learners=["logistic", "knn"], verbose=0)
    found = regions(plan, comparison)
    assert found.axes == ("petal length (cm)", "petal width (cm)")
    for read in found.read.values():
        p = read(found.points)
        np.testing.assert_allclose(p.sum(axis=1), 1)
        assert np.mean(p.argmax(axis=1) == found.y) > 0.9


def test_pictures_of_odd_curves_are_drawn(tmp_path):
    nothing = np.full((2, 3), np.nan)
    curves = {"knn": Curve((10, 20), nothing, nothing), "tree": Curve((10, 20), nothing + 1, np.ones((2, 3)))}
    assert plot_learning_curves(curves, METRICS["log-loss"], tmp_path / "c.svg").stat().st_size > 1000
    paths = coefficient_paths(make_plan("diabetes", Options(learners=("ridge",))))
    assert "least squares" in paths.what
    assert plot_coefficients(paths, tmp_path / "p.png").exists()
