"""The versions of Keras that scripts were written for, and how to recognise one."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Version:
    """What differs between versions beyond the spelling of arguments.

    Args:
        name: "keras1", "keras2", "tf_keras" or "keras3".
        number: what ``keras.__version__`` says.
        accuracy: how ``metrics=["accuracy"]`` is called in logs and histories; ``None``: as the script spells it.
        epochs: of ``fit`` unless told.
    """

    name: str
    number: str
    accuracy: str | None
    epochs: int = 1


KERAS1 = Version("keras1", "1.2.2", "acc", epochs=10)
KERAS2 = Version("keras2", "2.2.4", "acc")
TF_KERAS = Version("tf_keras", "2.15.0", None)
KERAS3 = Version("keras3", "3.0.0", None)
VERSIONS = {version.name: version for version in (KERAS1, KERAS2, TF_KERAS, KERAS3)}

# Spellings that only one version has; the first list with a hit decides.
SIGNS = {
    "keras1": (
        r"\b(nb_epoch|nb_filter|nb_row|nb_col|border_mode|subsample|dim_ordering|samples_per_epoch|nb_val_samples)\s*=",
        r"\b(W_regularizer|b_regularizer|U_regularizer|W_constraint|output_dim|inner_activation|dropout_[WU]|init)\s*=",
        r"\b(Convolution[123]D|Merge|TimeDistributedDense|AtrousConvolution2D|Deconvolution2D|MaxoutDense)\s*\(",
        r"\b(visualize_util|image_dim_ordering)\b|\bmerge\([^)]*mode\s*=|\bp\s*=\s*0\.\d+\)|input=.*,\s*output=",
        r"\bmodel\.(fit|evaluate)\(.*show_accuracy",
    ),
    "keras3": (
        r"\bkeras\.(ops|random|saving)\b|from\s+keras\s+import\s+(ops|random)|negative_slope\s*=|\.keras['\"]",
        r"seed_generator|SeedGenerator|KERAS_BACKEND|\.weights\.h5['\"]|set_random_seed",
    ),
    "keras2": (
        r"\b(lr|decay|alpha|input_length|batch_input_shape)\s*=|np_utils|fit_generator|evaluate_generator",
        r"predict_classes|predict_generator|\bwrappers\.scikit_learn|keras\.layers\.(core|convolutional|advanced_act)",
        r"keras\.preprocessing|from\s+keras\s+import\s+backend|\bval_acc\b|\[['\"]acc['\"]\]|\.h5['\"]",
        r"CuDNN(LSTM|GRU)|keras\.layers\.(normalization|recurrent|embeddings|merge|pooling)\b",
    ),
}


def recognised(source: str) -> str:
    """The version that a script's spellings belong to; Keras 3 if nothing speaks for another."""
    code = re.sub(r"#.*", "", source)
    for name, patterns in SIGNS.items():
        if any(re.search(pattern, code) for pattern in patterns):
            return name
    return "keras3"


def accuracy_in(source: str) -> str | None:
    """The key of the accuracy that a script looks up, "acc" (to Keras 2.2) or "accuracy", if it does."""
    if re.search(r"val_accuracy|(hist\w*|logs)\[['\"]accuracy|get\(['\"](val_)?accuracy", source):
        return "accuracy"
    if re.search(r"val_acc\b|['\"]acc['\"]", source):
        return "acc"
    return None


class Chosen:
    """What the script that runs looks up."""

    accuracy: str | None = None


CHOSEN = Chosen()
