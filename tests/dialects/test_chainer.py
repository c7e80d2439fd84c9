"""Chainer's dialect: its layout and defaults against PyTorch and by hand, its training, its files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import omomi.dialects.chainer as chainer
import omomi.dialects.chainer.functions as F
import omomi.dialects.chainer.links as L
from omomi.dialects.chainer import training
from omomi.dialects.chainer.training import extensions, triggers
from omomi.dialects.hook import UnsupportedError
from omomi.errors import DataError, EngineError, FileFormatError, NotBuiltError, ShapeError

ORACLE = dict(np.load(Path(__file__).parent.parent / "oracles" / "torch_images.npz"))


def variable(name):
    return chainer.Variable(ORACLE[name])


@pytest.mark.parametrize(
    ("name", "call", "others"),
    [
        ("convolution", lambda x, W: F.convolution_2d(x, W, ORACLE["b"], stride=2, pad=1), ["W"]),
        ("deconvolution", lambda x, V: F.deconvolution_2d(x, V, ORACLE["b"], stride=2, pad=1), ["V"]),
        ("normalized", lambda x, gamma: F.batch_normalization(x, gamma, ORACLE["beta"]), ["gamma"]),
        ("average", lambda x: F.average_pooling_2d(x, 3, 2, 1), []),
        ("largest", lambda x: F.max_pooling_2d(x, 3, 2), []),
    ],
)
def test_images_are_computed_as_pytorch_does(name, call, others):
    inputs = [variable(key) for key in ("x", *others)]
    y = call(*inputs)
    assert_allclose(y.array, ORACLE[name], rtol=1e-10, atol=1e-12)
    F.sum(y * ORACLE[f"{name}/gy"]).backward()
    for number, x in enumerate(inputs):
        assert_allclose(x.grad, ORACLE[f"{name}/g{number}"], rtol=1e-7, atol=1e-10)


def test_running_statistics_are_those_of_a_sample():
    mean, variance = np.zeros(3), np.ones(3)
    F.batch_normalization(variable("x"), ORACLE["gamma"], ORACLE["beta"], running_mean=mean, running_var=variance)
    assert_allclose(mean, ORACLE["running_mean"], rtol=1e-10)
    assert_allclose(variance, ORACLE["running_variance"], rtol=1e-10)


def test_samples_that_are_ignored_do_not_count():
    x = variable("logits")
    loss = F.softmax_cross_entropy(x, ORACLE["t"])
    assert_allclose(loss.array, ORACLE["cross_entropy"], rtol=1e-10)
    (loss * ORACLE["cross_entropy/gy"]).backward()
    assert_allclose(x.grad, ORACLE["cross_entropy/g0"], rtol=1e-7, atol=1e-12)


def test_pooling_covers_all_by_hand():
    x = np.arange(5, dtype=np.float32).reshape(1, 1, 1, 5)
    assert_array_equal(F.max_pooling_2d(x, (1, 2)).array.ravel(), [1, 3, 4])
    assert_array_equal(F.max_pooling_2d(x, (1, 2), cover_all=False).array.ravel(), [1, 3])


def test_linear_has_the_kernel_of_the_books():
    l1 = L.Linear(3, 2, initialW=np.array([[1, 2, 3], [4, 5, 6]], np.float32), initial_bias=[1, -1])
    assert_array_equal(l1(np.array([[1, 0, 2]], np.float32)).data, [[8, 15]])
    assert L.Linear(2).W.data is None
    lazy = L.Linear(None, 4)
    assert lazy(np.zeros((2, 3, 2, 2), np.float32)).shape == (2, 4)
    assert lazy.W.shape == (4, 12)


def test_a_step_of_lstm_by_hand():
    c, x = np.array([[0.5]], np.float64), np.array([[0.1, 0.2, 0.3, 0.4]])  # a, i, f, o

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    new, h = F.lstm(c, x)
    expected = np.tanh(0.1) * sigmoid(0.2) + 0.5 * sigmoid(0.3)
    assert_allclose(new.array, [[expected]], rtol=1e-12)
    assert_allclose(h.array, [[np.tanh(expected) * sigmoid(0.4)]], rtol=1e-12)


def test_the_forget_gate_starts_at_one():
    assert_array_equal(L.LSTM(2, 3).upward.b.array.reshape(3, 4), [[0, 0, 1, 0]] * 3)


def test_settings():
    x = np.ones((50, 50), np.float32)
    assert (F.dropout(x).array == 0).any()
    with chainer.using_config("train", False):
        assert (F.dropout(x).array == 1).all()
    with chainer.no_backprop_mode():
        assert not chainer.config.enable_backprop
        assert (chainer.Variable(x) * 2).creator is None
    assert chainer.config.enable_backprop
    assert chainer.config.train


class Two(chainer.Chain):
    def __init__(self):
        super().__init__()
        with self.init_scope():
            self.l1 = L.Linear(3, 4)
            self.bn = L.BatchNormalization(4)
            self.l2 = L.Linear(4, 2)

    def forward(self, x):
        return self.l2(F.relu(self.bn(self.l1(x))))


def data(count=40):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 3)).astype(np.float32)
    return chainer.datasets.TupleDataset(x, (x.sum(1) > 0).astype(np.int32))


def test_numpy_s_seed_fixes_everything():
    def run():
        np.random.seed(3)
        model = L.Classifier(Two())
        optimizer = chainer.optimizers.Adam().setup(model)
        iterator = chainer.iterators.SerialIterator(data(), 8)
        for _ in range(7):
            optimizer.update(model, *chainer.dataset.concat_examples(next(iterator)))
        return [p.array for p in model.params()]

    for one, other in zip(run(), run(), strict=True):
        assert_array_equal(one, other)


def test_the_free_loop_and_its_hooks():
    model = L.Linear(2, 1, initialW=np.array([[1, 2]], np.float32), nobias=True)
    optimizer = chainer.optimizers.SGD(lr=0.5).setup(model)
    optimizer.add_hook(chainer.optimizer.WeightDecay(0.1))
    model.cleargrads()
    F.sum(model(np.array([[1, -1]], np.float32))).backward()
    optimizer.update()
    assert_allclose(model.W.data, [[1 - 0.5 * (1 + 0.1), 2 - 0.5 * (-1 + 0.2)]], rtol=1e-6)
    optimizer.lr *= 2
    assert optimizer.lr == 1.0
    clipping = chainer.optimizer_hooks.GradientClipping(1.0)
    model.W.grad = np.array([[3, 4]], np.float32)
    clipping(optimizer)
    assert_allclose(model.W.grad, [[0.6, 0.8]], rtol=1e-6)


def test_an_iterator_reaches_into_the_next_epoch():
    iterator = chainer.iterators.SerialIterator(list(range(5)), 3, shuffle=False)
    assert next(iterator) == [0, 1, 2]
    assert not iterator.is_new_epoch
    assert next(iterator) == [3, 4, 0]
    assert (iterator.epoch, iterator.is_new_epoch, iterator.epoch_detail) == (1, True, 1.2)
    once = chainer.iterators.SerialIterator(list(range(5)), 3, repeat=False, shuffle=False)
    assert list(once) == [[0, 1, 2], [3, 4]]


def trainer(folder, epochs):
    np.random.seed(0)
    model = L.Classifier(Two())
    optimizer = chainer.optimizers.MomentumSGD(0.1).setup(model)
    train, test = chainer.datasets.split_dataset(data(), 30)
    updater = training.StandardUpdater(chainer.iterators.SerialIterator(train, 8), optimizer)
    made = training.Trainer(updater, (epochs, "epoch"), out=str(folder))
    made.extend(extensions.Evaluator(chainer.iterators.SerialIterator(test, 4, repeat=False, shuffle=False), model))
    made.extend(extensions.LogReport())
    made.extend(extensions.ExponentialShift("lr", 0.5), trigger=(1, "epoch"))
    made.extend(extensions.snapshot(filename="snapshot_{.updater.epoch}"))
    made.extend(extensions.snapshot_object(model, "best"), trigger=triggers.MinValueTrigger("validation/main/loss"))
    made.extend(extensions.PlotReport(["main/loss"], "epoch"))
    made.extend(extensions.dump_graph("main/loss"))
    return made


def test_a_trainer_trains_and_goes_on_from_its_snapshot(tmp_path, capsys):
    whole = trainer(tmp_path, 4)
    whole.extend(extensions.PrintReport(["epoch", "main/loss", "validation/main/accuracy"]))
    whole.run()
    log = json.loads((tmp_path / "log").read_text())
    assert [entry["epoch"] for entry in log] == [1, 2, 3, 4]
    assert log[-1]["main/loss"] < log[0]["main/loss"]
    assert log[-1]["validation/main/accuracy"] > 0.7
    assert capsys.readouterr().out.split()[:3] == ["epoch", "main/loss", "validation/main/accuracy"]
    assert {"plot.png", "cg.dot", "best", "snapshot_2"} <= {file.name for file in tmp_path.iterdir()}
    assert "sparse_softmax_cross_entropy" in (tmp_path / "cg.dot").read_text()

    np.random.seed(0)
    again = trainer(tmp_path / "again", 4)
    chainer.serializers.load_npz(tmp_path / "snapshot_2", again)
    assert again.updater.epoch == 2
    again.run()
    assert again.updater.iteration == whole.updater.iteration
    assert again.updater.get_optimizer("main").lr == pytest.approx(whole.updater.get_optimizer("main").lr)


def test_files_are_laid_out_as_chainer_s(tmp_path):
    model = Two()
    model(np.zeros((2, 3), np.float32))
    chainer.serializers.save_npz(tmp_path / "m.npz", model)
    with np.load(tmp_path / "m.npz", allow_pickle=False) as found:
        assert set(found.files) == {
            "l1/W", "l1/b", "l2/W", "l2/b", "bn/gamma", "bn/beta", "bn/avg_mean", "bn/avg_var", "bn/N"
        }  # fmt: skip
    other = Two()
    chainer.serializers.load_npz(tmp_path / "m.npz", other)
    assert_array_equal(other.l1.W.array, model.l1.W.array)
    assert_array_equal(other.bn.avg_var, model.bn.avg_var)
    with pytest.raises(FileFormatError, match="has no array 'W'"):
        chainer.serializers.load_npz(tmp_path / "m.npz", L.Linear(3, 4))
    (tmp_path / "broken.npz").write_bytes((tmp_path / "m.npz").read_bytes()[:100])
    with pytest.raises(FileFormatError, match=r"no \.npz file"):
        chainer.serializers.load_npz(tmp_path / "broken.npz", other)


def test_a_graph_is_written_once_for_each_use():
    x = chainer.Variable(np.ones(2, np.float32))
    y = x * 2
    text = chainer.computational_graph.build_computational_graph(F.sum(y + y)).dump()
    assert text.count('label="add", shape="box"') == 1
    assert text.count("->") == 2 + 1 + 2 + 1 + 1 + 1  # x and 2 into y, y twice into the sum, and on
    assert chainer.backends.cuda.get_array_module(x) is np


def test_what_is_not_there_says_what_to_use():
    with pytest.raises(UnsupportedError, match=r"omomi\.layers\.LSTM"):
        _ = L.NStepLSTM
    with pytest.raises(UnsupportedError, match="gradients of gradients"):
        _ = chainer.grad
    with pytest.raises(EngineError, match=r"omomi\.use\('jax'\)"):
        Two().to_gpu()


def test_mistakes_are_named():
    with pytest.raises(ShapeError, match=r"\(N, C, H, W\)"):
        L.Convolution2D(1, 2, 3)(np.zeros((4, 784), np.float32))
    with pytest.raises(DataError, match="differ in shape"):
        chainer.dataset.concat_examples([np.zeros(2), np.zeros(3)])
    assert chainer.dataset.concat_examples([np.zeros(2), np.ones(3)], padding=-1).tolist() == [[0, 0, -1], [1, 1, 1]]
    with pytest.raises(NotBuiltError, match="setup"):
        chainer.optimizers.SGD().update()
