"""No test of training leaves a thread that makes batches."""

from __future__ import annotations

import threading

import pytest


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert [thread for thread in threading.enumerate() if thread.name == "omomi prefetch"] == []
