"""L1: safe reading and writing: atomic writes, hashes, limits, JSON and safetensors. Knows no model."""

from omomi.files.jsonfile import read_json, to_json, write_json
from omomi.files.reading import read_bytes, sha256_of
from omomi.files.tensors import load_arrays, save_arrays
from omomi.files.values import put_together, take_apart
from omomi.files.writing import check_writable, write_bytes, write_text, writing

__all__ = [
    "check_writable",
    "load_arrays",
    "put_together",
    "read_bytes",
    "read_json",
    "save_arrays",
    "sha256_of",
    "take_apart",
    "to_json",
    "write_bytes",
    "write_json",
    "write_text",
    "writing",
]
