"""The dictionary of Keras's history: what each version called things, and how Omomi calls them.

:mod:`versions` tells the versions apart, :mod:`tables` lists arguments, :mod:`spelling` applies a row of such a table,
and :mod:`modules` lays out the modules that scripts import. The other modules hold what has no counterpart elsewhere in
Omomi: generators of images, padded sequences, a tokenizer.
"""
