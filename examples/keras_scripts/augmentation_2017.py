"""Digits, shifted and turned while the network trains, in the spelling of Keras 2 (2017)."""

import numpy as np

np.random.seed(3)

from keras.datasets import mnist
from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.preprocessing.image import ImageDataGenerator
from keras.utils import to_categorical

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train, x_test = x_train[:1200, :, :, None], x_test[:, :, :, None]
y_train, y_test = to_categorical(y_train[:1200], 10), to_categorical(y_test, 10)

train = ImageDataGenerator(rescale=1.0 / 255, rotation_range=8, width_shift_range=0.05, height_shift_range=0.05)
test = ImageDataGenerator(rescale=1.0 / 255)

model = Sequential()
model.add(Conv2D(8, (3, 3), strides=(2, 2), activation="relu", input_shape=(28, 28, 1)))
model.add(Conv2D(16, kernel_size=3, padding="same", activation="relu"))
model.add(MaxPooling2D((2, 2)))
model.add(Flatten())
model.add(Dense(10, activation="softmax"))
model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["acc"])
history = model.fit_generator(
    train.flow(x_train, y_train, batch_size=30),
    steps_per_epoch=40,
    epochs=3,
    validation_data=test.flow(x_test, y_test, batch_size=60, shuffle=False),
    validation_steps=6,
    workers=2,
    verbose=0,
)
score = model.evaluate_generator(test.flow(x_test, y_test, batch_size=60, shuffle=False), steps=6)
print(history.history["val_acc"], score)
