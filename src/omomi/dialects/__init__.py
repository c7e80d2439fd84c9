"""L6: the spellings of other frameworks, so that old scripts and old books run again on Omomi.

A dialect is a thin table of translation: its names, defaults and layouts are those of the framework, what computes is
Omomi. ``omomi run SCRIPT.py`` serves dialects under the names that a script imports (:mod:`omomi.dialects.hook`); they
can also be imported as what they are: ``import omomi.dialects.keras2 as keras``.
"""
