"""A loop of one's own over iris, as the first Chainer books have it: cleargrads, backward, update."""

import numpy as np
from sklearn import datasets

import chainer
import chainer.functions as F
import chainer.links as L
from chainer import Chain, Variable, optimizers


class IrisChain(Chain):
    def __init__(self):
        super().__init__(
            l1=L.Linear(4, 6),
            l2=L.Linear(6, 3),
        )

    def __call__(self, x, y):
        return F.mean_squared_error(self.fwd(x), y)

    def fwd(self, x):
        h1 = F.sigmoid(self.l1(x))
        return self.l2(h1)


np.random.seed(0)
iris = datasets.load_iris()
X = iris.data.astype(np.float32)
Y = iris.target
Y2 = np.zeros((Y.size, 3)).astype(np.float32)
Y2[np.arange(Y.size), Y] = 1.0

index = np.arange(Y.size)
xtrain, ytrain = X[index[index % 2 != 0], :], Y2[index[index % 2 != 0], :]
xtest, yans = X[index[index % 2 == 0], :], Y[index[index % 2 == 0]]

model = IrisChain()
optimizer = optimizers.Adam()
optimizer.setup(model)
optimizer.add_hook(chainer.optimizer.WeightDecay(1e-5))

n, bs = 75, 25
for j in range(1500):
    sffindx = np.random.permutation(n)
    for i in range(0, n, bs):
        x = Variable(xtrain[sffindx[i : (i + bs) if (i + bs) < n else n]])
        y = Variable(ytrain[sffindx[i : (i + bs) if (i + bs) < n else n]])
        model.cleargrads()
        loss = model(x, y)
        loss.backward()
        optimizer.update()

with chainer.no_backprop_mode(), chainer.using_config("train", False):
    yy = model.fwd(Variable(xtest))
ok = (yy.data.argmax(axis=1) == yans).sum()
print(ok, "/", len(yans), "=", ok / len(yans))
