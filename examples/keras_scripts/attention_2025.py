"""An encoder with attention that finds a word, in the spelling of Keras 3 (2025)."""

import numpy as np

import keras
from keras import layers, ops

keras.utils.set_random_seed(812)

tokens = np.random.randint(2, 20, (600, 8))
labels = np.random.randint(0, 2, 600)
tokens[np.arange(600), np.random.randint(0, 8, 600)] = labels  # word 0 or word 1 somewhere

inputs = keras.Input(shape=(8,), dtype="int32")
x = layers.Embedding(20, 16)(inputs)
attended = layers.MultiHeadAttention(num_heads=2, key_dim=8)(x, x)
x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, attended]))
x = layers.LeakyReLU(negative_slope=0.1)(layers.Dense(16)(x))
x = layers.GlobalAveragePooling1D()(x)
x = layers.Dropout(0.1)(x)
outputs = layers.Dense(1, activation="sigmoid")(x)
model = keras.Model(inputs, outputs)
model.summary()

model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.AdamW(0.01), metrics=["accuracy"])
model.fit(tokens[:500], labels[:500], batch_size=25, epochs=6, validation_split=0.1, verbose=0)
model.save_weights("encoder.weights.h5")
model.load_weights("encoder.weights.h5")
score = model.evaluate(tokens[500:], labels[500:], verbose=0)
print(score, ops.mean(model.predict(tokens[:10])))
