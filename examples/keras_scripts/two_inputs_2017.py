"""A network with two inputs and two outputs, in the spelling of Keras 2 (2017)."""

import numpy as np

np.random.seed(1)

import keras
from keras.layers import Dense, Input
from keras.models import Model
from keras.utils.vis_utils import plot_model

x1, x2 = np.random.normal(size=(500, 6)), np.random.normal(size=(500, 3))
main = (x1[:, 0] * 2 + x2[:, 0] > 0).astype(int)
side = x1[:, :1] - 0.5 * x1[:, 1:2]

main_input = Input(shape=(6,), dtype="float32", name="main_input")
a = Dense(16, activation="relu")(main_input)
auxiliary_output = Dense(1, name="aux_output")(a)
auxiliary_input = Input(shape=(3,), name="aux_input")
x = keras.layers.concatenate([a, auxiliary_input])
x = Dense(16, activation="relu", kernel_regularizer=keras.regularizers.l2(1e-4))(x)
main_output = Dense(1, activation="sigmoid", name="main_output")(x)

model = Model(inputs=[main_input, auxiliary_input], outputs=[main_output, auxiliary_output])
model.compile(
    optimizer=keras.optimizers.RMSprop(lr=0.01),
    loss={"main_output": "binary_crossentropy", "aux_output": "mse"},
    loss_weights={"main_output": 1.0, "aux_output": 0.2},
    metrics={"main_output": "accuracy"},
)
model.fit(
    {"main_input": x1, "aux_input": x2}, {"main_output": main, "aux_output": side}, epochs=10, batch_size=32, verbose=0
)
plot_model(model, to_file="model.svg")
results = dict(zip(model.metrics_names, model.evaluate([x1, x2], [main, side], verbose=0)))
print(results)
score = [results["loss"], results["main_output_acc"]]
