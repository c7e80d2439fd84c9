"""Where the machine code of kernels is: in memory, else from disk, else compiled now."""

from __future__ import annotations

import importlib
import logging
import threading
from functools import cache
from typing import Any

from llvmlite import binding

from omomi.engines.cpu import cache as disk
from omomi.engines.cpu import features
from omomi.engines.cpu.features import Machine
from omomi.engines.cpu.kernel import Emitted, Kernel, Routine, symbol_of

logger = logging.getLogger("omomi.engines.cpu")


class Library:
    """The machine code for one machine.

    Args:
        machine: what to compile for.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._addresses: dict[str, int] = {}
        self._compilers: dict[str, Any] = {}
        self._engine: Any = None
        self._lock = threading.RLock()  # one thread compiles, others wait for its result

    def address(self, declared: Kernel | Routine | Emitted, dtype: str) -> int:
        """Where the machine code starts; compiled now if it is nowhere yet."""
        symbol = symbol_of(declared, self.machine.name, dtype)
        if symbol in self._addresses:
            return self._addresses[symbol]
        with self._lock:
            for used in () if isinstance(declared, Emitted) else declared.uses:
                self.address(used, dtype)
            return self._load(symbol, declared, dtype)

    def _load(self, symbol: str, declared: Kernel | Routine | Emitted, dtype: str) -> int:
        """The address of a symbol, whose code is read from disk or compiled."""
        if symbol not in self._addresses:
            file = f"{symbol}-{disk.hash_of(declared)}"
            code = disk.read(self.machine, file)
            if code is None:
                compiler = self._compiler(dtype)
                if isinstance(declared, Emitted):
                    code = compiler.emitted(declared)
                elif isinstance(declared, Routine):
                    code = compiler.routine(declared)
                else:
                    code = compiler.kernel(declared)
                disk.write(self.machine, file, code)
            if self._engine is None:
                binding.initialize_native_target()
                binding.initialize_native_asmprinter()
                target = binding.Target.from_default_triple().create_target_machine(jit=True)
                self._engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target)
            self._engine.add_object_file(binding.ObjectFileRef.from_data(code))
            self._engine.finalize_object()
            address = int(self._engine.get_function_address(symbol))
            binding.add_symbol(symbol, address)  # so that kernels loaded later find it
            self._addresses[symbol] = address
        return self._addresses[symbol]

    def _compiler(self, dtype: str) -> Any:
        """The compiler, which loads Numba: imported with the first kernel that no folder holds."""
        if dtype not in self._compilers:
            if not self._compilers:
                logger.info("compiling kernels for %s; they are kept for the next time", self.machine.name)
            compiler = importlib.import_module("omomi.engines.cpu.compiler")
            self._compilers[dtype] = compiler.Compiler(self.machine, dtype)
        return self._compilers[dtype]


@cache
def current() -> Library:
    """The library for this machine."""
    return Library(features.host())
