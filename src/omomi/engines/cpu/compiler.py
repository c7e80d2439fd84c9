"""From a Python function to machine code.

Numba types the function and writes it in LLVM's language. Around it comes a function with C's way of calling, which
takes a kernel's arguments out of their block; everything else is dropped, and LLVM emits one object file. It depends
on nothing of Python or Numba, so that a later process can load it without either.

This module is imported only when something has to be compiled: it loads Numba.
"""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from types import FunctionType
from typing import Any

import numba
from llvmlite import binding, ir
from numba import types

from omomi.engines.cpu.emission import Emission, intrinsic, view
from omomi.engines.cpu.features import Machine
from omomi.engines.cpu.kernel import PLACE, Emitted, Helper, Kernel, Layout, Primitive, Routine, symbol_of

_OPTIONS: dict[str, Any] = {
    "error_model": "numpy",  # a division by zero is an infinity, not an exception
    "_nrt": False,  # no reference counts: a kernel owns no array
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
_I64 = ir.IntType(64)


class Compiler:
    """Compiles for one machine and one dtype."""

    def __init__(self, machine: Machine, dtype: str) -> None:
        self.machine, self.dtype = machine, dtype
        self.emission = Emission(machine, dtype)
        self._compiled: dict[Any, Any] = {}  # what a name in a kernel's body stands for, once compiled

    def _symbol(self, declared: Kernel | Routine | Emitted) -> str:
        return symbol_of(declared, self.machine.name, self.dtype)

    def emitted(self, declared: Emitted) -> bytes:
        """The object code of what is built from LLVM's instructions."""
        symbol = self._symbol(declared)
        return self._object_code(binding.parse_assembly(str(declared.build(self.machine, self.dtype, symbol))))

    def routine(self, declared: Routine) -> bytes:
        """The object code of a routine: ``int64 omomi_NAME(int64, …)``."""
        function = numba.njit(**_OPTIONS)(self._rewritten(declared.function))
        signature = (types.intp,) * declared.arguments
        return self._finished(function, signature, self._symbol(declared))

    def kernel(self, declared: Kernel) -> bytes:
        """The object code of a kernel: ``void omomi_NAME_T(int64 *block, int64 chunk, int64 chunks, int64 worker)``."""
        options: dict[str, Any] = {**_OPTIONS, "fastmath": set(declared.fastmath)}
        body = numba.njit(**options)(self._rewritten(declared.function))
        arguments = self._arguments(declared)

        def entry(block: Any, chunk: int, chunks: int, worker: int) -> None:
            body(*arguments(block, chunk, chunks, worker))

        signature = (types.CPointer(types.intp), types.intp, types.intp, types.intp)
        return self._finished(numba.njit(**options)(entry), signature, self._symbol(declared))

    def _rewritten(self, function: Callable[..., Any]) -> FunctionType:
        """The function, with the compiled form of every helper, primitive and routine that it names."""
        assert isinstance(function, FunctionType)
        names = {**function.__globals__}
        for name in function.__code__.co_names:
            value = names.get(name)
            if isinstance(value, Helper | Primitive | Routine | Emitted):
                names[name] = self._compiled_form(value)
        copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)
        copy.__module__ = function.__module__
        return copy

    def _compiled_form(self, value: Helper | Primitive | Routine | Emitted) -> Any:
        if value not in self._compiled:
            if isinstance(value, Primitive):
                form: Any = getattr(self.emission, value.name)
            elif isinstance(value, Routine | Emitted):
                form = self.emission.call_symbol(self._symbol(value), value.arguments)
            else:
                form = numba.njit(**_OPTIONS)(self._rewritten(value.function))
            self._compiled[value] = form
        return self._compiled[value]

    def _arguments(self, declared: Kernel) -> Any:
        """A function that takes the kernel's arguments out of a block: arrays as views, numbers as they are."""
        layouts = declared.parameters
        place = [PLACE.index(name) for name in declared.place]

        def type_of(layout: Layout) -> Any:
            number = getattr(types, self.dtype if layout.dtype == "T" else layout.dtype)
            return number if layout.ndim < 0 else types.Array(number, layout.ndim, "C", aligned=True)

        result = types.Tuple([*map(type_of, layouts.values()), *(types.intp for _ in place)])

        def emit(context: Any, builder: Any, _: Any, values: Any) -> Any:
            block, *places = values
            items = []
            for (name, layout), item_type in zip(layouts.items(), result.types[: len(layouts)], strict=True):
                offset = declared.offsets[name]
                words = [builder.load(builder.gep(block, [ir.Constant(_I64, offset + i)])) for i in range(layout.words)]
                if layout.ndim >= 0:
                    items.append(view(context, builder, item_type, words))
                elif layout.dtype == "T":
                    double = builder.bitcast(words[0], ir.DoubleType())
                    items.append(context.cast(builder, double, types.float64, item_type))
                else:
                    items.append(words[0])
            items += [places[i] for i in place]
            return context.make_tuple(builder, result, items)

        taken = (types.CPointer(types.intp), types.intp, types.intp, types.intp)
        return intrinsic(len(taken), lambda *_: result(*taken), emit)

    def _finished(self, function: Any, signature: tuple[Any, ...], symbol: str) -> bytes:
        """Numba's function as object code that offers nothing but ``symbol``."""
        function.compile(signature)
        described = function.overloads[signature].fndesc
        module = binding.parse_assembly(function.inspect_llvm(signature))
        module.link_in(binding.parse_assembly(str(_c_function(described, len(signature), symbol))))
        return self._object_code(module, keep=symbol)

    @cached_property
    def _target(self) -> Any:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        target = binding.Target.from_default_triple()
        return target.create_target_machine(
            cpu=self.machine.cpu,
            features=self.machine.features,
            opt=3,
            reloc="default",
            codemodel="jitdefault",
            jit=True,
        )

    def _object_code(self, module: Any, keep: str | None = None) -> bytes:
        if keep is not None:
            for function in module.functions:
                if not function.is_declaration and function.name != keep:
                    function.linkage = "internal"
        module.verify()
        passes = binding.create_new_module_pass_manager()
        passes.add_global_dead_code_eliminate_pass()
        builder = binding.create_pass_builder(self._target, binding.create_pipeline_tuning_options())
        passes.run(module, builder)
        code: bytes = self._target.emit_object(module)
        return code


def _c_function(described: Any, arguments: int, symbol: str) -> ir.Module:
    """``symbol`` with C's way of calling, around a function that is called Numba's way.

    Numba's functions take two more arguments, where the result and an exception go, and return a status.
    """
    module = ir.Module(symbol)
    pointer = ir.IntType(8).as_pointer()
    returns = not isinstance(described.restype, types.NoneType)
    first = pointer if not returns else _I64.as_pointer()
    is_block = arguments == 1 + len(PLACE) and isinstance(described.argtypes[0], types.CPointer)
    taken = [_I64.as_pointer() if is_block and i == 0 else _I64 for i in range(arguments)]
    inner = ir.Function(
        module,
        ir.FunctionType(ir.IntType(32), [first.as_pointer() if not returns else first, pointer.as_pointer(), *taken]),
        described.llvm_func_name,
    )
    outer = ir.Function(module, ir.FunctionType(_I64 if returns else ir.VoidType(), taken), symbol)
    builder = ir.IRBuilder(outer.append_basic_block())
    result = builder.alloca(first if not returns else _I64)
    builder.call(inner, [result, builder.alloca(pointer), *outer.args])
    if returns:
        builder.ret(builder.load(result))
    else:
        builder.ret_void()
    return module
