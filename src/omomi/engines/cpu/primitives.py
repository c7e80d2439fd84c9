"""What a kernel can say beyond Python: the operations that the compiler writes itself.

Addresses are whole numbers, in bytes; strides are in numbers (elements), not in bytes. T is the dtype that the kernel
is compiled for.
"""

from __future__ import annotations

from omomi.engines.cpu.kernel import Primitive

# Constants of the machine and the dtype, functions without arguments.
itemsize = Primitive("itemsize", "the bytes of one T")
lanes = Primitive("lanes", "how many T one vector holds")
block_rows = Primitive("block_rows", "rows of the micro-kernel's register block")
block_vectors = Primitive("block_vectors", "vectors in each of its rows")

# Numbers.
real = Primitive("real", "real(x): x as T")
fma = Primitive("fma", "fma(a, b, c): a·b + c, rounded once")
bits = Primitive("bits", "bits(x): the bits of x as a whole number of the same size")
from_bits = Primitive("from_bits", "from_bits(i): the T that has these bits")

# Addresses.
address = Primitive("address", "address(x, i): the address of x's number i, counted through all axes")
load_number = Primitive("load_number", "load_number(p): the T at address p")
store_number = Primitive("store_number", "store_number(p, x): write x as T to address p")
vector = Primitive("vector", "vector(p, n): the n numbers from address p on, as an array")
copy = Primitive("copy", "copy(target, source, count): count numbers from one address to another")
copy_panel = Primitive(
    "copy_panel", "copy_panel(target, source, count): the same for at most block_vectors × lanes numbers, in registers"
)
clear = Primitive("clear", "clear(target, count): set count numbers to 0")
transpose_block = Primitive(
    "transpose_block",
    "transpose_block(a, sa, b, sb): b[j·sb + i] = a[i·sa + j] for a square of lanes × lanes numbers, in registers",
)

# Threads.
load_word = Primitive("load_word", "load_word(p): the 64-bit word at p; what was written before it is visible too")
store_word = Primitive("store_word", "store_word(p, v): write the word at p; what was written before goes first")
add_word = Primitive("add_word", "add_word(p, v): add v to the word at p, indivisibly")
exchange_word = Primitive("exchange_word", "exchange_word(p, old, new): if p holds old write new; whether it did")
relax = Primitive("relax", "tell the processor that this thread is waiting")
give_way = Primitive("give_way", "tell the system that another thread may run instead")
flush_denormals = Primitive(
    "flush_denormals",
    "from here on, this thread takes numbers below the smallest normal one for 0; how it was set before, as a word",
)
set_rounding = Primitive("set_rounding", "set_rounding(mode): set the thread as flush_denormals found it")
call = Primitive("call", "call(function, block, chunk, chunks, worker): run a kernel's machine code")
