"""Compiled kernels for the processor, written in Python.

A kernel is a Python function over arrays. Numba turns it into LLVM's language, LLVM into machine code, and the
machine code is kept on disk, so that Numba is loaded only where a kernel is compiled for the first time.

===============  =====================================================================================
features         how wide this processor's vectors are
kernel           what a kernel is, and a launch of it: the arrays, cut into chunks
compiler         from the Python function to machine code
primitives       what a kernel can say beyond Python: one instruction, an address, a vector block
microkernel      the block of multiply-accumulates under every product and convolution
cache            machine code on disk
threads          who runs the chunks
===============  =====================================================================================
"""
