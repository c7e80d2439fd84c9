"""Networks small enough that every test of the harness takes a second."""

from __future__ import annotations

from benchmarks.networks import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, MaxPool, Network
from benchmarks.works import Work

TOY_CNN = Network(
    "toy CNN",
    (8, 8, 1),
    (
        Conv(4, "relu"),
        Conv(4, padding="same", bias=False),
        BatchNorm(),
        Activation("relu"),
        MaxPool(),
        Flatten(),
        Dense(3, "softmax"),
    ),
    "adam",
    1e-2,
)
# With as many channels as the larger kernels of the engine ask for, and one kernel that is large.
TOY_DEEPER = Network(
    "toy deeper CNN",
    (8, 8, 1),
    (
        Conv(16, "relu"),
        Conv(32, "relu", padding="same"),
        Conv(300, "relu", padding="same", bias=False),
        Flatten(),
        Dense(3, "softmax"),
    ),
    "adam",
    1e-3,
)
TOY_MLP = Network("toy MLP", (6,), (Dense(5, "tanh"), Dense(3, "softmax")), "sgd", 0.5)
TOY_DROPOUT = Network("toy with dropout", (6,), (Dense(16, "relu"), Dropout(0.2), Dense(3, "softmax")), "sgd", 0.5)

TRAIN_CNN = Work("toy-cnn", "toy CNN, training step", TOY_CNN, 8, "train", samples=64)
TRAIN_DEEPER = Work("toy-deeper", "toy deeper CNN, training step", TOY_DEEPER, 8, "train", samples=16)
TRAIN_MLP = Work("toy-mlp", "toy MLP, training step", TOY_MLP, 8, "train", samples=64)
PREDICT = Work("toy-predict", "toy CNN, inference", TOY_CNN, 4, "predict", samples=16)
EPOCH = Work("toy-epoch", "toy with dropout, one epoch", TOY_DROPOUT, 8, "epoch", samples=640)
