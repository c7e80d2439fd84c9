"""scikit-learn's own checks of Omomi's estimators, listed and counted: ``python -m benchmarks.estimator_checks``.

Every check that scikit-learn has for such estimators is run on both engines; none is expected to fail. A check that
scikit-learn itself leaves out, since the estimator has no such method, is listed with scikit-learn's reason.
"""

from __future__ import annotations

import os
import sys
import warnings

os.environ["SCIPY_ARRAY_API"] = "1"  # before SciPy is imported: without it a check is left out

from sklearn.utils.estimator_checks import check_estimator

import omomi
from omomi.interop.sklearn import NeuralClassifier, NeuralRegressor


def main() -> int:
    """Run them all. Returns the number of failures."""
    failures = 0
    warnings.simplefilter("ignore")  # the checks hand over what warnings are made for
    for engine in ("numba", "numpy"):
        for estimator in (NeuralClassifier(), NeuralRegressor()):
            with omomi.use(engine):
                results = check_estimator(estimator, on_fail=None, on_skip=None)
            print(f"\n{type(estimator).__name__} on the engine {engine}")
            for result in results:
                reason = f"  {result['exception']}" if result["exception"] else ""
                print(f"  {result['status']:8} {result['check_name']}{reason}")
            counts = {s: sum(r["status"] == s for r in results) for s in ("passed", "skipped", "failed", "xfail")}
            print(f"  {len(results)} checks: " + ", ".join(f"{n} {status}" for status, n in counts.items()))
            failures += counts["failed"] + counts["xfail"]
    return failures


if __name__ == "__main__":
    sys.exit(main())
