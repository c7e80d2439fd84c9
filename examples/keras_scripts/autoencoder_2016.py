"""A sparse autoencoder of digits with the functional Model, in the spelling of Keras 1 (2016)."""

import numpy as np

np.random.seed(0)

from keras import regularizers
from keras.datasets import mnist
from keras.layers import Dense, Input
from keras.models import Model

(x_train, _), (x_test, _) = mnist.load_data()
x_train = x_train.astype("float32").reshape((len(x_train), np.prod(x_train.shape[1:]))) / 255.0
x_test = x_test.astype("float32").reshape((len(x_test), np.prod(x_test.shape[1:]))) / 255.0

input_img = Input(shape=(784,))
encoded = Dense(32, activation="relu", activity_regularizer=regularizers.activity_l1(1e-5))(input_img)
decoded = Dense(output_dim=784, activation="sigmoid")(encoded)
autoencoder = Model(input=input_img, output=decoded)
encoder = Model(input=input_img, output=encoded)
encoded_input = Input(shape=(32,))
decoder = Model(input=encoded_input, output=autoencoder.layers[-1](encoded_input))

autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
history = autoencoder.fit(
    x_train, x_train, nb_epoch=12, batch_size=64, shuffle=True, verbose=0, validation_data=(x_test, x_test)
)
decoded_imgs = decoder.predict(encoder.predict(x_test))
error, spread = np.mean((decoded_imgs - x_test) ** 2), np.mean((x_test.mean(axis=0) - x_test) ** 2)
score = [error, 1 - error / spread]
print("explained variance:", score[1])
