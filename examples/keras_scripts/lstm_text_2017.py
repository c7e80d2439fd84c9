"""An LSTM that reads short reviews, in the spelling of Keras 2 (2017). The reviews are made up."""

import numpy as np

np.random.seed(42)

from keras.layers.core import Dense, SpatialDropout1D
from keras.layers.embeddings import Embedding
from keras.layers.recurrent import LSTM
from keras.models import Sequential
from keras.preprocessing import sequence
from keras.preprocessing.text import Tokenizer

good, bad = ["good", "great", "fine", "lovely", "superb"], ["bad", "poor", "awful", "dull", "boring"]
rest = ["the", "film", "was", "a", "story", "of", "music", "and", "people", "in", "this", "town", "with"]
texts, y = [], []
for i in range(400):
    words = list(np.random.choice(rest, np.random.randint(4, 10)))
    words.insert(np.random.randint(len(words)), np.random.choice(good if i % 2 else bad))
    texts.append(" ".join(words) + ".")
    y.append(i % 2)

tokenizer = Tokenizer(num_words=50, split=" ")
tokenizer.fit_on_texts(texts)
x = sequence.pad_sequences(tokenizer.texts_to_sequences(texts), maxlen=12)
y = np.array(y)

model = Sequential()
model.add(Embedding(50, 16, input_length=12))
model.add(SpatialDropout1D(0.1))
model.add(LSTM(16, dropout=0.1, recurrent_dropout=0.1))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(x[:320], y[:320], batch_size=16, epochs=8, validation_split=0.1, verbose=0)
print(history.history["val_acc"])
score = model.evaluate(x[320:], y[320:])
print("classes:", model.predict_classes(x[320:325]).ravel(), "labels:", y[320:325])
