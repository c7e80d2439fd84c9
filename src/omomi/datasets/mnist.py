"""MNIST: handwritten digits, 28×28, 60,000 to learn from and 10,000 to be judged by.

Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits"; licence CC BY-SA 3.0.
"""

from __future__ import annotations

from omomi.datasets.dataset import Split
from omomi.datasets.fetch import RemoteFile, Source
from omomi.datasets.idx import Pair, check_pair, parse_idx

CLASSES = tuple("0123456789")
SCALE = 255

SOURCE = Source(
    name="mnist",
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    files=(
        RemoteFile(
            "train-images-idx3-ubyte.gz",
            size=16 + 60_000 * 28 * 28,
            sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        RemoteFile(
            "train-labels-idx1-ubyte.gz",
            size=8 + 60_000,
            sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        RemoteFile(
            "t10k-images-idx3-ubyte.gz",
            size=16 + 10_000 * 28 * 28,
            sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        RemoteFile(
            "t10k-labels-idx1-ubyte.gz",
            size=8 + 10_000,
            sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
)


def load_data() -> Split:
    """The digits: ((x_train, y_train), (x_test, y_test)).

    Images are uint8 (n, 28, 28), 0 for the white paper and 255 for ink; labels are uint8 (n,), 0 to 9. The files
    come from the folder that OMOMI_DATA names, from the cache, or from a mirror, and are checked by hash.

    Raises:
        DownloadError: the files are not here and cannot be downloaded; the message says what to do.
    """
    return load_source(SOURCE)


def load_source(source: Source) -> Split:
    """A data set of four IDX files: images and labels to learn from, then the same for the test."""

    def pair(images: RemoteFile, labels: RemoteFile) -> Pair:
        x, y = (parse_idx(source.fetch(file), f"{source.name}, {file.name}") for file in (images, labels))
        return check_pair(x, y, source.name)

    train_images, train_labels, test_images, test_labels = source.files
    return pair(train_images, train_labels), pair(test_images, test_labels)
