"""``omomi predict``, ``evaluate`` and ``draw``: a run used again."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from omomi import datasets, load_model
from tests.cli.conftest import record_of, run


@pytest.fixture
def pictures(tmp_path):
    """Ten test digits as picture files of different kinds, with their samples."""
    samples = datasets.load("digits").test[0][:10]
    names = []
    for i, sample in enumerate(samples):
        gray = np.pad((sample * 15).repeat(4 + i, axis=0).repeat(4 + i, axis=1), ((i, 9), (20, 3 * i)))
        image = Image.fromarray(gray if i % 2 else 255 - gray)
        names.append(f"{i}.png")
        image.convert(["L", "RGB", "RGBA"][i % 3]).save(tmp_path / names[-1])
    return names, samples


def test_pictures_get_the_answers_of_their_samples(finished, pictures):
    names, samples = pictures
    result = run("predict", finished, *names, "--json")
    assert result.exit_code == 0
    answers = json.loads(result.stdout)
    expected = load_model(finished / "model.safetensors").predict(samples)
    agreeing = [answer["prediction"] == str(p.argmax()) for answer, p in zip(answers, expected, strict=True)]
    assert sum(agreeing) >= 9
    for name, answer in zip(names, answers, strict=True):
        assert answer["image"] == name
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        assert answer["probability"] == max(answer["probabilities"].values())
        assert answer["probabilities"][answer["prediction"]] == answer["probability"]


def test_the_table_has_a_line_for_each_picture(finished, pictures):
    names, _ = pictures
    result = run("predict", finished, *names)
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["image", "prediction", "probability", "next"]
    assert [line.split()[0] for line in lines[1:]] == names


def test_bad_pictures_do_not_keep_the_others_from_an_answer(finished, pictures, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    Image.new("L", (20, 20), 77).save(tmp_path / "blank.png")
    arguments = ("text.png", pictures[0][0], "none.png", "blank.png", pictures[0][1])
    result = run("predict", finished, *arguments)
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 3
    for said in ("text.png: this is no readable", "none.png: cannot be read", "blank.png: the picture is blank"):
        assert said in result.stderr
    answers = json.loads(run("predict", finished, *arguments, "--json").stdout)
    assert ["error" in answer for answer in answers] == [True, False, True, True, False]


def test_evaluate_repeats_the_result_of_the_run(finished):
    recorded = record_of(finished)["result"]
    result = run("evaluate", finished)
    assert result.exit_code == 0
    assert f"{100 * recorded['test_accuracy']:.2f} %" in result.stdout
    assert f"{recorded['test_loss']:.4f}" in result.stdout
    assert result.stderr == ""
    assert run("evaluate", finished / "model.safetensors").stdout == result.stdout


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [("iris", 1, "different classes"), ("digts", 2, "did you mean 'digits'"), ("./none", 1, "no such folder")],
)
def test_evaluate_on_other_data(finished, data, code, said):
    result = run("evaluate", finished, "--data", data)
    assert result.exit_code == code
    assert said in result.stderr


def test_a_folder_of_ones_own_pictures(tmp_path):
    """Dark and light pictures: trained, judged, predicted; and a change of the pictures is noticed."""
    random = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "shades" / name).mkdir(parents=True)
        for i in range(20):
            pixels = (level + random.integers(-40, 40, (12, 10, 3))).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "shades" / name / f"{i}.png")
    result = run("train", "--data", "shades", "--model", "mlp", "--epochs", 10, "--out", "run")
    assert result.exit_code == 0, result.stderr
    record = record_of("run")
    assert record["data"]["classes"] == ["dark", "light"]
    assert record["data"]["frame"] is None
    assert record["result"]["test_accuracy"] == 1
    answers = json.loads(run("predict", "run", "shades/dark/3.png", "shades/light/3.png", "--json").stdout)
    assert [answer["prediction"] for answer in answers] == ["dark", "light"]
    assert "note" not in run("evaluate", "run").stderr
    Image.new("RGB", (10, 12), (60, 60, 60)).save(tmp_path / "shades" / "dark" / "20.png")
    assert "the test data is not what it was" in run("evaluate", "run").stderr


def test_draw(finished, tmp_path):
    result = run("draw", finished, "--out", "network.svg")
    assert result.stdout.strip() == "network.svg"
    assert (tmp_path / "network.svg").read_bytes() == (finished / "model.svg").read_bytes()
    model = tmp_path / "copy.safetensors"
    model.write_bytes((finished / "model.safetensors").read_bytes())
    assert run("draw", model).stdout.strip() == str(tmp_path / "copy.svg")
    wrong = run("draw", finished, "--out", "network.gif")
    assert wrong.exit_code == 1
    assert ".png or .svg" in wrong.stderr


@pytest.mark.parametrize("command", ["evaluate", "draw", "predict"])
def test_a_run_that_is_not_there(command, finished, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "last").symlink_to(finished)
    result = run(command, "nowhere", *(["x.png"] if command == "predict" else []))
    assert result.exit_code == 1
    assert "the latest run is runs/last" in result.stderr


def test_a_run_with_a_damaged_file(finished, tmp_path):
    for name in ("model.safetensors", "environment.json"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    whole = (tmp_path / "model.safetensors").read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:-1] + bytes([whole[-1] ^ 1]), b"", b"\x89HDF" + whole):
        (tmp_path / "model.safetensors").write_bytes(damaged)
        result = run("evaluate", ".")
        assert result.exit_code == 1
        assert "model.safetensors" in result.stderr
        assert "Traceback" not in result.stderr
    (tmp_path / "model.safetensors").write_bytes(whole)
    for text in ("{", "[]", '{"data": {}}', '{"data": {"classes": 3}}'):
        (tmp_path / "environment.json").write_text(text)
        result = run("evaluate", ".")
        assert result.exit_code == 1
        assert "environment.json" in result.stderr
