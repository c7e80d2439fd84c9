"""What the READMEs say is true: their code runs, their commands and links exist, both languages show the same code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READMES = ["README.md", "README.ja.md"]


def blocks(name: str, language: str) -> list[str]:
    """The code blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / name).read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def after_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a README's Python blocks one after another, as a reader would type them. Returns what they defined."""
    monkeypatch.chdir(tmp_path)

    def run(name: str) -> dict[str, object]:
        defined: dict[str, object] = {}
        for number, block in enumerate(blocks(name, "python"), 1):
            exec(compile(block, f"{name}, Python block {number}", "exec"), defined)
        return defined

    return run


def test_the_code_runs_and_shows_what_the_text_says(after_reading, capsys: pytest.CaptureFixture[str]):
    defined = after_reading("README.md")
    assert defined["accuracy"] > 0.95
    assert set(defined["history"].history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert defined["omomi"].load_model("digits.safetensors").count_params() == 64 * 100 + 100 + 100 * 10 + 10

    said = capsys.readouterr().out
    share = re.search(r"([\d.]+)% of the test digits are read right", said)
    assert share is not None
    assert float(share[1]) > 93
    # u = 0.5·1 − 0.25·2 + 0.1 = 0.1,  z = sigmoid(0.1) = 0.524979,  δ = (z − 1) z (1 − z) = −0.118459
    assert defined["u"].grad == pytest.approx(-0.118459, abs=1e-6)
    assert defined["W"].grad.ravel() == pytest.approx([-0.118459, -0.236918], abs=1e-6)
    (formulas,) = blocks("README.md", "text")
    assert formulas in said
    assert "tanh: right" in said


def test_both_languages_show_the_same_code():
    def without_comments(code: str) -> list[str]:
        return [re.sub(r"\s*#.*", "", line) for line in code.splitlines()]

    for language in ("python", "sh", "text"):
        english, japanese = (blocks(name, language) for name in READMES)
        assert [without_comments(b) for b in english] == [without_comments(b) for b in japanese]


def test_both_languages_report_the_same_measurements():
    def numbers(name: str) -> list[str]:
        measured = (ROOT / name).read_text("utf-8").split("<!-- measured")[1].split("<!-- end of measured")[0]
        rows = [row for row in measured.splitlines() if "`" in row]
        return [number for row in rows for number in sorted(re.findall(r"\d+\.\d+", row))]

    english, japanese = map(numbers, READMES)
    assert english == japanese != []


@pytest.mark.parametrize("name", [*READMES, "CONTRIBUTING.md", "docs/glossary.md"])
def test_what_is_linked_exists(name: str):
    page = ROOT / name
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("name", [*READMES, "CONTRIBUTING.md"])
def test_the_commands_exist(name: str):
    from omomi.cli import main

    makefile = (ROOT / "Makefile").read_text("utf-8")
    for line in "".join(blocks(name, "sh")).splitlines():
        verb, *words = line.split("#")[0].split() or [""]
        if verb == "make":
            assert f"\n{words[0]}:" in makefile, line
        elif verb == "omomi" and words[0] != "COMMAND":
            command = main.commands[words[0]]
            known = {option for parameter in command.params for option in parameter.opts}
            assert all(word in known for word in words[1:] if word.startswith("--")), line


def test_the_excerpt_of_the_source_is_the_source():
    """The rule that the READMEs show stands so in its chapter, apart from the types of its arguments."""
    source = (ROOT / "src/omomi/ops/activation.py").read_text("utf-8")
    source = re.sub(r": (?:Namespace|Array|Saved|Wanted)\b", "", source)
    source = re.sub(r"\) -> .*:$", "):", source, flags=re.MULTILINE)
    for name in READMES:
        (excerpt,) = blocks(name, "py")
        assert re.sub(r"\n+", "\n", excerpt) in re.sub(r"\n+", "\n", source)
