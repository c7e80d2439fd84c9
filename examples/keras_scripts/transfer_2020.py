"""What was learned on digits below five, frozen and used for the others; tf.keras of TensorFlow 2 (2020)."""

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers
from tensorflow.keras.datasets import mnist

tf.random.set_seed(9)

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train, x_test = x_train[..., None].astype("float32") / 255, x_test[..., None].astype("float32") / 255
low, low_test = y_train < 5, y_test < 5

feature_layers = [
    layers.Conv2D(8, 3, strides=2, activation="relu", input_shape=(28, 28, 1)),
    layers.Conv2D(8, 3, activation="relu"),
    layers.MaxPooling2D(pool_size=2),
    layers.Flatten(),
]
classification_layers = [layers.Dense(32, activation="relu"), layers.Dense(5, activation="softmax")]
model = keras.models.Sequential(feature_layers + classification_layers)


def train(x, y, x_val, y_val, epochs):
    model.compile(
        loss=tf.keras.losses.SparseCategoricalCrossentropy(),
        optimizer=keras.optimizers.Adam(lr=0.003),
        metrics=["accuracy"],
    )
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0, validation_data=(x_val, y_val))
    return model.evaluate(x_val, y_val, verbose=0)


print("0 to 4:", train(x_train[low], y_train[low], x_test[low_test], y_test[low_test], 3))
for layer in feature_layers:
    layer.trainable = False
frozen = [w.copy() for w in feature_layers[0].get_weights()]
score = train(x_train[~low], y_train[~low] - 5, x_test[~low_test], y_test[~low_test] - 5, 4)
assert (feature_layers[0].get_weights()[0] == frozen[0]).all()
print("5 to 9:", score, len(model.trainable_weights))
