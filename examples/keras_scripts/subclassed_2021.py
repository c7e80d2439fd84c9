"""A subclass of Model, in the spelling of tf.keras (2021)."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import Model
from tensorflow.keras.layers import Dense, Dropout

tf.keras.utils.set_random_seed(1)

(x_train, y_train), (x_test, y_test) = tf.keras.datasets.mnist.load_data()
x_train, x_test = x_train.reshape(-1, 784) / 255.0, x_test.reshape(-1, 784) / 255.0


class Classifier(Model):
    def __init__(self, units):
        super().__init__()
        self.d1 = Dense(units, activation="relu")
        self.drop = Dropout(0.2)
        self.d2 = Dense(10)

    def call(self, x, training=False):
        return self.d2(self.drop(self.d1(x), training=training))


model = Classifier(64)
model.compile(
    optimizer=tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.ExponentialDecay(0.01, 100, 0.9)),
    loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(x_train, y_train, epochs=3, validation_split=0.1, verbose=0)
score = model.evaluate(x_test, y_test, verbose=0)
print(history.history["val_accuracy"], score, np.argmax(model.predict(x_test[:3]), axis=-1))
