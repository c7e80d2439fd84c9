"""House prices by k-fold, in the spelling of Keras 2 (2019). The houses are made up."""

import numpy as np

np.random.seed(2)

from keras import backend as K
from keras import layers, models

data = np.random.normal(size=(404, 13))
targets = 22 + 6 * data[:, 5] - 3 * data[:, 12] + 2 * np.maximum(data[:, 0], 0) + np.random.normal(size=404)
data = (data - data.mean(axis=0)) / data.std(axis=0)


def build_model():
    model = models.Sequential()
    model.add(layers.Dense(32, activation="relu", input_shape=(data.shape[1],)))
    model.add(layers.Dense(32, activation="relu"))
    model.add(layers.Dense(1))
    model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
    return model


k, all_scores = 3, []
num_val_samples = len(data) // k
for i in range(k):
    K.clear_session()
    part = slice(i * num_val_samples, (i + 1) * num_val_samples)
    rest = np.setdiff1d(np.arange(len(data)), np.arange(len(data))[part])
    model = build_model()
    model.fit(data[rest], targets[rest], epochs=40, batch_size=8, verbose=0)
    val_mse, val_mae = model.evaluate(data[part], targets[part], verbose=0)
    all_scores.append(val_mse)
print("mean squared errors:", all_scores)
score = [np.mean(all_scores), 1 - np.mean(all_scores) / targets.var()]
