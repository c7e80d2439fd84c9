"""What a file may not do: hold code, point outside, be larger than it says. Each is named, and nothing is changed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import omomi
from omomi.errors import FileFormatError
from omomi.interop.keras_files import container

HERE = Path(__file__).parent


def archive(tmp_path, change=None, members=None) -> Path:
    """A .keras file with a changed configuration, or with other members."""
    with zipfile.ZipFile(HERE / "sequences.keras") as given:
        kept = {name: given.read(name) for name in given.namelist()}
    if change is not None:
        config = json.loads(kept["config.json"])
        change(config)
        kept["config.json"] = json.dumps(config).encode()
    kept.update(members or {})
    path = tmp_path / "changed.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in kept.items():
            if content is not None:
                written.writestr(name, content)
    return path


def as_layer(kind, module="keras.layers", **config):
    def change(model):
        model["config"]["layers"][2] = {"class_name": kind, "module": module, "config": {"name": "x", **config}}

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            as_layer("Lambda", function="gA=="),
            r"layer 2 \(Lambda x\): this layer is refused: a Lambda layer holds code",
        ),
        (as_layer("Frobnicate"), r"layer 2 \(Frobnicate x\): Omomi has no layer Frobnicate"),
        (as_layer("Dense", module="evil.module", units=3), r"Omomi has no layer Dense"),
        (as_layer("Add", module="keras.src.ops.numpy"), r"Omomi has no layer Add"),
        (as_layer("Dense", units=3, magic=7), r"Dense has no argument magic"),
        (as_layer("Dense", units=-3), r"layer 2 \(Dense x\): this layer cannot be made"),
        (lambda model: model.update(class_name="MyModel"), "cannot build a model of the class MyModel"),
        (lambda model: model["config"].pop("layers"), "cannot build a model"),
    ],
)
def test_configurations(change, message, tmp_path):
    with pytest.raises(FileFormatError, match=message):
        omomi.load_model(archive(tmp_path, change))


def test_an_archive_without_weights(tmp_path):
    with pytest.raises(FileFormatError, match=r"there is no model\.weights\.h5"):
        omomi.load_model(archive(tmp_path, members={"model.weights.h5": None}))


def test_an_archive_that_blows_up(tmp_path):
    path = archive(tmp_path, members={"model.weights.h5": bytes(64 << 20)})
    assert path.stat().st_size < 1 << 20
    with pytest.raises(FileFormatError, match="too large"):
        omomi.load_model(path)


@pytest.mark.parametrize("cut", [10, 1000, 20_000])
def test_a_truncated_file(cut, tmp_path):
    for name in ("sequences.keras", "branches.h5"):
        path = tmp_path / name
        path.write_bytes((HERE / name).read_bytes()[:cut])
        with pytest.raises(FileFormatError):
            omomi.load_model(path)


def small(path: Path) -> omomi.Model:
    model = omomi.Sequential([omomi.layers.Dense(2, use_bias=False, input_shape=(3,))], seed=0)
    model.save_weights(path)
    return model


@pytest.mark.parametrize("kind", ["soft", "external", "storage", "virtual"])
def test_links_and_arrays_in_other_files_are_not_followed(kind, tmp_path):
    path, other = tmp_path / "w.weights.h5", tmp_path / "other.h5"
    model = small(path)
    before = model.get_weights()[0]
    with h5py.File(other, "w") as file:
        file["secret"] = np.ones((3, 2), "float32")
    (tmp_path / "raw").write_bytes(np.ones((3, 2), "float32").tobytes())
    with h5py.File(path, "a") as file:
        place = file["layers/dense/vars"]
        del place["0"]
        if kind == "soft":
            place["0"] = h5py.SoftLink("/layers")
        elif kind == "external":
            place["0"] = h5py.ExternalLink(str(other), "/secret")
        elif kind == "storage":
            place.create_dataset("0", (3, 2), "float32", external=[(str(tmp_path / "raw"), 0, 24)])
        else:
            layout = h5py.VirtualLayout((3, 2), "float32")
            layout[:] = h5py.VirtualSource(str(other), "secret", (3, 2))
            place.create_virtual_dataset("0", layout)
    with pytest.raises(FileFormatError, match=r"not followed|not read"):
        model.load_weights(path)
    np.testing.assert_array_equal(model.get_weights()[0], before)


def test_arrays_larger_than_the_limit(tmp_path):
    path = tmp_path / "w.weights.h5"
    model = small(path)
    with h5py.File(path, "a") as file:  # it takes no room in the file
        file.create_dataset("huge", (container.LIMIT,), "float64", chunks=(1 << 20,), compression="gzip")
    assert path.stat().st_size < 1 << 20
    with pytest.raises(FileFormatError, match="too large"):
        model.load_weights(path)


def test_a_disk_error_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "w.weights.h5"
    model = small(path)
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="no space left"):
        model.save_weights(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["w.weights.h5"]
