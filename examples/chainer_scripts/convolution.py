"""The digits of scikit-learn by convolution and batch normalisation; early stopping, and the best model as a file."""

import numpy as np
from sklearn.datasets import load_digits

import chainer
from chainer import functions as F
from chainer import links as L
from chainer import training
from chainer.training import extensions, triggers


class CNN(chainer.Chain):
    def __init__(self, n_out=10):
        super().__init__()
        with self.init_scope():
            self.conv1 = L.Convolution2D(None, 16, ksize=3, pad=1, nobias=True)
            self.bn1 = L.BatchNormalization(16)
            self.conv2 = L.Convolution2D(None, 32, 3, pad=1, initialW=chainer.initializers.HeNormal())
            self.fc = L.Linear(None, n_out)

    def forward(self, x):
        h = F.relu(self.bn1(self.conv1(x)))
        h = F.max_pooling_2d(h, 3, stride=2)
        h = F.max_pooling_2d(F.relu(self.conv2(h)), 2)
        return self.fc(F.dropout(h, ratio=0.25))


np.random.seed(1)
digits = load_digits()
x = (digits.images / 16).astype(np.float32)[:, None]
t = digits.target.astype(np.int32)
train, test = chainer.datasets.split_dataset_random(chainer.datasets.TupleDataset(x, t), 1400, seed=0)

model = L.Classifier(CNN())
optimizer = chainer.optimizers.MomentumSGD(lr=0.05).setup(model)
optimizer.add_hook(chainer.optimizer_hooks.WeightDecay(1e-4))

updater = training.updaters.StandardUpdater(chainer.iterators.SerialIterator(train, 50), optimizer)
stop = triggers.EarlyStoppingTrigger(monitor="validation/main/loss", patience=4, max_trigger=(8, "epoch"))
trainer = training.Trainer(updater, stop, out="result_convolution")
trainer.extend(extensions.Evaluator(chainer.iterators.SerialIterator(test, 100, repeat=False, shuffle=False), model))
trainer.extend(extensions.ExponentialShift("lr", 0.7), trigger=(2, "epoch"))
trainer.extend(extensions.observe_lr())
trainer.extend(extensions.LogReport())
trainer.extend(extensions.PrintReport(["epoch", "lr", "main/loss", "main/accuracy", "validation/main/accuracy"]))
trainer.extend(
    extensions.snapshot_object(model, "best.npz"),
    trigger=triggers.MaxValueTrigger("validation/main/accuracy"),
)
trainer.run()

again = L.Classifier(CNN())
again.predictor(x[:1])  # lazy shapes are known after a first call
chainer.serializers.load_npz("result_convolution/best.npz", again)
with chainer.using_config("train", False), chainer.using_config("enable_backprop", False):
    y = again.predictor(np.stack([sample[0] for sample in test[:]]))
    print("test accuracy", float(F.accuracy(y, np.array([sample[1] for sample in test[:]])).data))
