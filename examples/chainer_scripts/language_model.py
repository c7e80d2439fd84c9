"""A recurrent network that predicts the next character of a text: LSTM, truncated backpropagation, clipping."""

import numpy as np

import chainer
import chainer.functions as F
import chainer.links as L

TEXT = "the quick brown fox jumps over the lazy dog. " * 40


class RNN(chainer.Chain):
    def __init__(self, n_vocab, n_units):
        super(RNN, self).__init__()
        with self.init_scope():
            self.embed = L.EmbedID(n_vocab, n_units)
            self.lstm = L.LSTM(n_units, n_units)
            self.out = L.Linear(n_units, n_vocab)

    def reset_state(self):
        self.lstm.reset_state()

    def __call__(self, x):
        return self.out(self.lstm(self.embed(x)))


np.random.seed(0)
vocabulary = sorted(set(TEXT))
ids = np.array([vocabulary.index(c) for c in TEXT], np.int32)

model = RNN(len(vocabulary), 32)
optimizer = chainer.optimizers.Adam(alpha=0.01)
optimizer.setup(model)
optimizer.add_hook(chainer.optimizer.GradientClipping(5))

batch, length, steps = 10, 15, 150
starts = np.arange(batch) * (len(ids) // batch)
position = 0
for step in range(steps):
    loss = 0
    for _ in range(length):
        x = ids[(starts + position) % len(ids)]
        t = ids[(starts + position + 1) % len(ids)]
        loss += F.softmax_cross_entropy(model(chainer.Variable(x)), chainer.Variable(t))
        position += 1
    model.zerograds()
    loss.backward()
    loss.unchain_backward()
    optimizer.update()
    if step % 50 == 49:
        print("step", step + 1, "perplexity", float(np.exp(loss.data / length)))

model.reset_state()
text, c = "t", vocabulary.index("t")
with chainer.no_backprop_mode():
    for _ in range(44):
        c = int(model(np.array([c], np.int32)).data.argmax())
        text += vocabulary[c]
print(text)
