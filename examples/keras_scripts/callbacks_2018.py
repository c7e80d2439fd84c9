"""Callbacks: the best weights kept, the rate lowered, training ended in time; in the spelling of Keras 2 (2018)."""

import numpy as np

np.random.seed(5)

from keras.callbacks import CSVLogger, EarlyStopping, LearningRateScheduler, ModelCheckpoint, ReduceLROnPlateau
from keras.layers import Dense, Dropout
from keras.models import Sequential, load_model
from keras.optimizers import Adam
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

x, y = load_iris(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)
scaler = StandardScaler().fit(x_train)
x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

model = Sequential([Dense(16, activation="tanh", input_shape=(4,)), Dropout(0.1), Dense(3, activation="softmax")])
model.compile(Adam(lr=0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
callbacks = [
    EarlyStopping(monitor="val_loss", patience=10),
    ModelCheckpoint("best.h5", monitor="val_acc", save_best_only=True, mode="max"),
    ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=4, min_lr=1e-4),
    CSVLogger("log.csv"),
]
history = model.fit(
    x_train, y_train, epochs=40, batch_size=16, validation_data=(x_test, y_test), callbacks=callbacks, verbose=0
)
model.fit(x_train, y_train, epochs=2, callbacks=[LearningRateScheduler(lambda epoch: 0.01 * 0.5**epoch)], verbose=0)
best = load_model("best.h5")
score = best.evaluate(x_test, y_test, verbose=0)
print(len(history.epoch), "epochs; best:", max(history.history["val_acc"]), score, open("log.csv").readline())
