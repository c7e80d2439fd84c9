"""Batch normalisation and leaky units, saved and loaded, in the spelling of Keras 2 (2019)."""

import numpy as np

np.random.seed(11)

from keras.datasets import mnist
from keras.layers import Activation, BatchNormalization, Dense, Flatten
from keras.layers.advanced_activations import LeakyReLU
from keras.layers.convolutional import Conv2D, MaxPooling2D
from keras.models import Sequential, load_model, model_from_json
from keras.optimizers import SGD

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train, x_test = x_train[:, ::2, ::2, None] / 255.0, x_test[:, ::2, ::2, None] / 255.0

model = Sequential()
model.add(Conv2D(8, (3, 3), use_bias=False, padding="same", input_shape=(14, 14, 1)))
model.add(BatchNormalization(momentum=0.9))
model.add(LeakyReLU(alpha=0.1))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Flatten())
model.add(Dense(32))
model.add(BatchNormalization(momentum=0.9))
model.add(Activation("relu"))
model.add(Dense(10, activation="softmax"))
model.compile(SGD(lr=0.05, momentum=0.9, decay=1e-3), "sparse_categorical_crossentropy", ["accuracy"])
history = model.fit(x_train, y_train, batch_size=50, epochs=4, verbose=0, validation_data=(x_test, y_test))

model.save("bn.h5")
again = load_model("bn.h5")
assert np.allclose(again.predict(x_test), model.predict(x_test))
copy = model_from_json(model.to_json())
model.save_weights("bn_weights.h5")
copy.load_weights("bn_weights.h5")
assert np.allclose(copy.predict(x_test), model.predict(x_test))
score = again.evaluate(x_test, y_test, verbose=0)
print(history.history["acc"], score)
