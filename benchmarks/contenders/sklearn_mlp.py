"""scikit-learn's MLPClassifier, one ``partial_fit`` a step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

from benchmarks.contenders.contender import Runner, Steps, Task, UnsupportedError
from benchmarks.networks import Dense


class Sklearn:
    """Plain SGD without penalty and momentum, as the others train."""

    def versions(self) -> dict[str, str]:
        return {"scikit-learn": sklearn.__version__}

    def variants(self, task: Task) -> dict[str, Callable[[], Runner]]:
        if task.work.kind != "train" or not all(isinstance(layer, Dense) for layer in task.network.layers):
            raise UnsupportedError("trains dense networks only")
        return {"": lambda: self.build(task)}

    def build(self, task: Task) -> Runner:
        network, batch = task.network, task.work.batch
        hidden = [layer for layer in network.layers if isinstance(layer, Dense)][:-1]
        model = MLPClassifier(
            tuple(layer.units for layer in hidden),
            activation=hidden[0].activation,
            solver="sgd",
            alpha=0.0,
            batch_size=batch,
            learning_rate_init=network.rate,
            momentum=0.0,
            nesterovs_momentum=False,
            shuffle=False,
        )
        labels = np.argmax(task.y, axis=1)
        classes = np.arange(network.classes)
        model.partial_fit(
            task.x[:batch], labels[:batch], classes=classes
        )  # makes the arrays, which get our numbers now
        for number, own in enumerate(task.weights):
            model.coefs_[number][...] = own["kernel"]
            model.intercepts_[number][...] = own["bias"]
        batches = [(x, np.argmax(y, axis=1)) for x, y in task.batches()]
        return Steps(model.partial_fit, batches, model.predict_proba)
