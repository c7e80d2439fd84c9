"""The small convolutional network on MNIST, in the spelling of Keras 1 (2016)."""

import numpy as np

np.random.seed(1337)  # for reproducibility

from keras import backend as K
from keras.datasets import mnist
from keras.layers import Activation, Convolution2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.utils import np_utils
from keras.utils.visualize_util import plot

batch_size, nb_classes, nb_epoch = 64, 10, 3
img_rows, img_cols, nb_filters, pool_size, kernel_size = 28, 28, 8, (2, 2), (3, 3)

(X_train, y_train), (X_test, y_test) = mnist.load_data()
if K.image_dim_ordering() == "th":
    X_train = X_train.reshape(X_train.shape[0], 1, img_rows, img_cols)
    X_test = X_test.reshape(X_test.shape[0], 1, img_rows, img_cols)
    input_shape = (1, img_rows, img_cols)
else:
    X_train = X_train.reshape(X_train.shape[0], img_rows, img_cols, 1)
    X_test = X_test.reshape(X_test.shape[0], img_rows, img_cols, 1)
    input_shape = (img_rows, img_cols, 1)
X_train, X_test = X_train.astype("float32") / 255, X_test.astype("float32") / 255
Y_train, Y_test = np_utils.to_categorical(y_train, nb_classes), np_utils.to_categorical(y_test, nb_classes)

model = Sequential()
model.add(Convolution2D(nb_filters, kernel_size[0], kernel_size[1], border_mode="valid", input_shape=input_shape))
model.add(Activation("relu"))
model.add(Convolution2D(nb_filters, kernel_size[0], kernel_size[1], subsample=(2, 2), dim_ordering="tf"))
model.add(Activation("relu"))
model.add(MaxPooling2D(pool_size=pool_size))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(64))
model.add(Activation("relu"))
model.add(Dropout(0.5))
model.add(Dense(nb_classes))
model.add(Activation("softmax"))
plot(model, to_file="model.png", show_shapes=True)

model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(
    X_train, Y_train, batch_size=batch_size, nb_epoch=nb_epoch, verbose=0, validation_data=(X_test, Y_test)
)
print("val_acc:", history.history["val_acc"])
score = model.evaluate(X_test, Y_test, verbose=0)
print("Test accuracy:", score[1])
json_string = model.to_json()
