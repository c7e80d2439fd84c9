"""What this processor offers: how wide its vectors are and how many registers it has.

The micro-kernel keeps a block of results in registers: ``rows`` × ``vectors`` accumulators, beside them the vectors
of the second operand and one register for the broadcast number of the first. The block is as large as the register
file allows, since a larger block needs fewer loads per multiplication:

==========  ============  =========  =====================  =================================
vectors     bytes each    registers  block                  registers used
==========  ============  =========  =====================  =================================
AVX-512     64            32         14 rows × 2 vectors    28 + 2 + 1 = 31
NEON        16            32         14 rows × 2 vectors    28 + 2 + 1 = 31
AVX2        32            16         6 rows × 2 vectors     12 + 2 + 1 = 15
==========  ============  =========  =====================  =================================
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

from llvmlite import binding

from omomi.errors import ConfigurationError, EngineError

VARIABLE = "OMOMI_VECTORS"


@dataclass(frozen=True, slots=True)
class Machine:
    """The target of the compiler.

    Args:
        name: the family of vector instructions.
        cpu: the processor as LLVM names it.
        features: its features as LLVM writes them, "+avx2,-avx512f,…".
        vector_bytes: the size of one vector register.
        rows: rows of the register block.
        vectors: vectors in each of its rows.
        free_masks: whether a load or store under a mask costs no more than a whole one.
    """

    name: str
    cpu: str
    features: str
    vector_bytes: int
    rows: int
    vectors: int
    free_masks: bool = False

    def lanes(self, itemsize: int) -> int:
        """How many numbers of that many bytes one vector holds."""
        return self.vector_bytes // itemsize


@cache
def available() -> dict[str, Machine]:
    """What this machine can run, the widest vectors first."""
    cpu, present = binding.get_host_cpu_name(), binding.get_host_cpu_features()
    native = present.flatten()
    machines = {}
    if present.get("avx512f") and present.get("avx512dq") and present.get("avx512vl"):
        machines["avx512"] = Machine("avx512", cpu, native, vector_bytes=64, rows=14, vectors=2, free_masks=True)
    if present.get("avx2") and present.get("fma"):
        # Beside AVX-512 it is compiled for a processor without it, so that not one of its instructions is used.
        cpu_2, native_2 = ("haswell", "") if machines else (cpu, native)
        machines["avx2"] = Machine("avx2", cpu_2, native_2, vector_bytes=32, rows=6, vectors=2)
    if binding.get_default_triple().startswith(("aarch64", "arm64")):
        machines["neon"] = Machine("neon", cpu, native, vector_bytes=16, rows=14, vectors=2)
    return machines


def host() -> Machine:
    """This machine, with the widest vectors it has, or those that the variable OMOMI_VECTORS names.

    Raises:
        EngineError: there are no vectors that the micro-kernel knows; the plain rules must do.
        ConfigurationError: OMOMI_VECTORS names what this processor does not have.
    """
    machines = available()
    wanted = os.environ.get(VARIABLE)
    if wanted:
        if wanted not in machines:
            raise ConfigurationError(
                "this processor does not have the vectors asked for.",
                where=VARIABLE,
                expected="one of " + ", ".join(machines),
                received=wanted,
            )
        return machines[wanted]
    for machine in machines.values():
        return machine
    raise EngineError(
        "the compiled kernels need AVX2, AVX-512 or NEON.",
        where="engine numba",
        received=f"processor {binding.get_host_cpu_name()}",
        fix='omomi.use("numpy") runs the rules as they are written',
    )
