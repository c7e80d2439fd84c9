"""Fashion-MNIST: pictures of clothes in the format of MNIST, and harder to tell apart.

Source: Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747; Zalando SE, licence MIT. The MD5 sums are those of its README.
"""

from __future__ import annotations

from omomi.datasets.dataset import Split
from omomi.datasets.fetch import RemoteFile, Source
from omomi.datasets.mnist import load_source

CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
SCALE = 255

SOURCE = Source(
    name="fashion-mnist",
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    files=(
        RemoteFile("train-images-idx3-ubyte.gz", size=16 + 60_000 * 28 * 28, md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        RemoteFile("train-labels-idx1-ubyte.gz", size=8 + 60_000, md5="25c81989df183df01b3e8a0aad5dffbe"),
        RemoteFile("t10k-images-idx3-ubyte.gz", size=16 + 10_000 * 28 * 28, md5="bef4ecab320f06d8554ea6380940ec79"),
        RemoteFile("t10k-labels-idx1-ubyte.gz", size=8 + 10_000, md5="bb300cfdad3c16e7a12a480ee83cd310"),
    ),
)


def load_data() -> Split:
    """The pictures: ((x_train, y_train), (x_test, y_test)), uint8 images (n, 28, 28) and uint8 labels (n,).

    The files come from the folder that OMOMI_DATA names, from the cache, or from a mirror, and are checked by hash.

    Raises:
        DownloadError: the files are not here and cannot be downloaded; the message says what to do.
    """
    return load_source(SOURCE)
