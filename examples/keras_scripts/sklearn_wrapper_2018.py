"""A network inside scikit-learn's cross-validation, in the spelling of Keras 2 (2018)."""

import numpy as np

seed = 7
np.random.seed(seed)

from keras.layers import Dense
from keras.models import Sequential
from keras.wrappers.scikit_learn import KerasClassifier
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler


def create_model():
    model = Sequential()
    model.add(Dense(12, input_dim=30, kernel_initializer="uniform", activation="relu"))
    model.add(Dense(1, kernel_initializer="uniform", activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


X, Y = load_breast_cancer(return_X_y=True)
estimator = KerasClassifier(build_fn=create_model, epochs=10, batch_size=10, verbose=0)
pipeline = Pipeline([("standardize", StandardScaler()), ("mlp", estimator)])
results = cross_val_score(pipeline, X, Y, cv=StratifiedKFold(n_splits=3, shuffle=True, random_state=seed))
print("%.1f %% (%.1f %%)" % (results.mean() * 100, results.std() * 100))
score = [1 - results.mean(), results.mean()]
