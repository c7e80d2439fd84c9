"""L6: the learners before and beside networks, as pages to read.

Each module opens with its learning rule; the code below it is that rule on Omomi's operations. The learners have
scikit-learn's grammar: parameters in the constructor, ``fit``, ``predict`` or ``transform``, what was learnt in names
that end in "_".
"""

from omomi.classic.checks import ConvergenceWarning as ConvergenceWarning
from omomi.classic.delta_rule import Adaline as Adaline
from omomi.classic.delta_rule import DeltaRule as DeltaRule
from omomi.classic.hebbian import HebbianLayer as HebbianLayer
from omomi.classic.hebbian import OjaPCA as OjaPCA
from omomi.classic.impurity import best_split as best_split
from omomi.classic.impurity import classification_error as classification_error
from omomi.classic.impurity import entropy as entropy
from omomi.classic.impurity import gini as gini
from omomi.classic.impurity import information_gain as information_gain
from omomi.classic.kernel_pca import KernelPCA as KernelPCA
from omomi.classic.lda import LDA as LDA
from omomi.classic.logistic import LogisticRegression as LogisticRegression
from omomi.classic.logistic import log_likelihood as log_likelihood
from omomi.classic.logistic import logit as logit
from omomi.classic.logistic import odds as odds
from omomi.classic.pca import PCA as PCA
from omomi.classic.pca import covariance as covariance
from omomi.classic.pca import variance_along as variance_along
from omomi.classic.perceptron import Perceptron as Perceptron
from omomi.classic.perceptron import mistake_bound as mistake_bound
from omomi.classic.svm import LinearSVM as LinearSVM
