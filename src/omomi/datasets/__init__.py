"""L1: where data comes from. Knows no model."""

from omomi.datasets import breast_cancer, digits, fashion_mnist, iris, mnist, wine
from omomi.datasets.catalogue import Entry, catalogue, load
from omomi.datasets.dataset import Dataset, stratified_split
from omomi.datasets.fetch import cache_folder
from omomi.datasets.folder import load_folder
from omomi.datasets.idx import read_idx
from omomi.datasets.image_folder import ImageFolder
from omomi.datasets.synthetic import circles, moons, spirals, xor

__all__ = [
    "Dataset",
    "Entry",
    "ImageFolder",
    "breast_cancer",
    "cache_folder",
    "catalogue",
    "circles",
    "digits",
    "fashion_mnist",
    "iris",
    "load",
    "load_folder",
    "mnist",
    "moons",
    "read_idx",
    "spirals",
    "stratified_split",
    "wine",
    "xor",
]
