"""``omomi compare``, as it is typed."""

from __future__ import annotations

import pytest

from tests.cli.conftest import record_of, run

QUICK = ("--learners", "knn,tree", "--protocol", "kfold", "--folds", 3, "--jobs", 1, "--no-curves")


def test_a_comparison_prints_a_table_and_a_verdict_and_leaves_a_folder():
    result = run("compare", "iris", *QUICK, "--out", "run")
    assert result.exit_code == 0, result.stderr
    assert "k nearest neighbours" in result.stdout
    assert "±" in result.stdout
    assert "p = " in result.stdout
    record = record_of("run", "comparison.json")
    assert record["status"] == "finished"
    assert set(record["result"]["learners"]) == {"knn", "tree"}
    again = run("compare", "--resume", "run")
    assert again.exit_code == 0
    assert [line.split()[:5] for line in again.stdout.splitlines()[:2]] == [
        line.split()[:5] for line in result.stdout.splitlines()[:2]
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "which DATA?"),
        (("iriss",), 1, "did you mean 'iris'"),
        (("iris", "--learners", "kn"), 1, "did you mean 'knn'"),
        (("iris", "--protocol", "loo"), 2, "'loo' is not one of"),
        (("missing.csv", "--target", "y"), 1, "there is no such file"),
        (("--resume", "nowhere"), 1, "no comparison here"),
        (("iris", "--resume", "nowhere"), 2, "are kept there"),
        (("--resume", "nowhere", "--seed", 1), 2, "--seed"),
    ],
)
def test_wrong_usage_is_said_and_leaves_nothing(arguments, code, said, tmp_path):
    result = run("compare", *arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert not list(tmp_path.glob("runs/*"))


def test_ctrl_c_says_how_to_go_on(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("omomi.comparison.work.fit_and_judge", interrupted)
    result = run("compare", "iris", *QUICK, "--out", "run")
    assert result.exit_code == 130
    assert "omomi compare --resume run" in result.stderr
