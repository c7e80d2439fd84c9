"""Every kernel is tried with each kind of vectors that this machine has."""

from __future__ import annotations

import pytest

from omomi.engines.cpu import features, library


@pytest.fixture(params=list(features.available()))
def vectors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Launches inside the test run on these vectors: the widest of this machine, and narrower ones it can run too."""
    machine = features.available()[request.param]
    monkeypatch.setattr(library, "current", lambda: LIBRARIES.setdefault(request.param, library.Library(machine)))
    return request.param


LIBRARIES: dict[str, library.Library] = {}
