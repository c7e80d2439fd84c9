"""Two branches joined by Merge in a Sequential, in the spelling of Keras 1 (2016)."""

import numpy as np

np.random.seed(7)

from keras.layers import Dense, Merge
from keras.models import Sequential
from keras.optimizers import SGD

left_data, right_data = np.random.uniform(-1, 1, (600, 2)), np.random.uniform(-1, 1, (600, 2))
labels = (left_data[:, 0] + right_data[:, 1] > 0).astype("int32").reshape(-1, 1)

left = Sequential()
left.add(Dense(16, input_dim=2, init="he_normal", activation="relu"))
right = Sequential()
right.add(Dense(16, input_dim=2, init="he_normal", activation="relu"))

model = Sequential()
model.add(Merge([left, right], mode="concat", concat_axis=-1))
model.add(Dense(1, activation="sigmoid"))
model.compile(
    optimizer=SGD(lr=0.5, decay=1e-4, momentum=0.9, nesterov=True), loss="binary_crossentropy", metrics=["accuracy"]
)
model.fit([left_data, right_data], labels, nb_epoch=15, batch_size=32, verbose=0)
score = model.evaluate([left_data, right_data], labels, verbose=0)
print("accuracy:", score[1])
