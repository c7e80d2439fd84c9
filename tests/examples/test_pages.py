"""The pages in docs/: their code runs, their links lead somewhere, both languages show the same code.

Sphinx builds them with `make docs`. Here the cells are executed without it, as a reader would type them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import omomi

DOCS = Path(__file__).parents[2] / "docs"
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))
EXECUTED = [name for name in PAGES if CELL.search((DOCS / name).read_text("utf-8"))]


def cells(name: str) -> list[str]:
    """The code cells of a page, in order, without the options (lines that start with a colon) of their head."""
    found = CELL.findall((DOCS / name).read_text("utf-8"))
    return [re.sub(r"\A(:[^\n]*\n)+", "", cell) for cell in found]


@pytest.mark.parametrize("name", EXECUTED)
def test_the_code_of_a_page_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    defined: dict[str, object] = {"__name__": "__main__"}
    with omomi.use("numba"):  # as in the build; other tests may have chosen another engine
        for number, cell in enumerate(cells(name), 1):
            exec(compile(cell, f"{name}, cell {number}", "exec"), defined)


@pytest.mark.parametrize("name", [name for name in EXECUTED if name.startswith("ja/")])
def test_both_languages_show_the_same_code(name: str):
    """Comments and texts are translated; what is computed is the same."""

    def without_words(cell: str) -> str:
        return re.sub(r"#.*|\"[^\"\n]*\"", "", cell)

    english, japanese = cells(name.removeprefix("ja/")), cells(name)
    assert [without_words(cell) for cell in english] == [without_words(cell) for cell in japanese]


@pytest.mark.parametrize("name", PAGES)
def test_what_is_linked_exists(name: str):
    page = DOCS / name
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_every_page_can_be_reached():
    """Sphinx says the same, but only where it is installed."""
    listed = {"index.md"}
    for name in PAGES:
        for body in re.findall(r"^```\{toctree\}\n(.*?)^```$", (DOCS / name).read_text("utf-8"), re.M | re.S):
            for line in body.splitlines():
                if line and not line.startswith(":"):
                    place = (DOCS / name).parent
                    listed |= {str(p.relative_to(DOCS)) for p in place.glob(f"{line}.md")}
    assert set(PAGES) <= listed
