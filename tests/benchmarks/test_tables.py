"""Tables, chart and page, from results made up here; and that the page in docs/ shows the results it keeps."""

from __future__ import annotations

import pytest
from benchmarks.footprint import closure, installed_sizes, normalised

from benchmarks import __main__ as command
from benchmarks import chart, results, tables


def times(median):
    return {"median": median, "min": median / 2, "max": median * 2, "gflops": 1e-9 / median, "variant": ""}


RATIO = {"median": 3.0, "min": 2.5, "max": 3.25}
WORK = {
    "title": "CNN, training step, batch 32",
    "fastest_peer": "jax",
    "contenders": {"omomi-numba": times(0.004), "torch": times(0.016), "jax": times(0.012)},
    "ratios": {"omomi-numba": {"jax": RATIO, "torch": {"median": 4.0, "min": 4.0, "max": 4.0}}},
    "other_processes": 0.0,
}
PROFILE = {
    "title": "CNN, training step, batch 32",
    "peak_gflops": 400.0,
    "seconds": 0.004,
    "parts": [
        {
            "name": "convolution_forward",
            "flops": 300_000_000,
            "executed": 150_000_000,
            "channels": 32,
            "seconds": 0.001,
        },
        {
            "name": "convolution_backward",
            "flops": 300_000_000,
            "executed": 150_000_000,
            "channels": 32,
            "seconds": 0.002,
        },
        {"name": "adam", "flops": 0, "executed": 0, "channels": 0, "seconds": 0.001},
    ],
}
MACHINE = {
    "processor": "P",
    "cores": 2,
    "threads": 2,
    "memory_gib": 8,
    "system": "S",
    "python": "3.11",
    "versions": {"numpy": "2.4"},
    "date": "2026-01-01",
    "peak_gflops": 400.0,
}
RESULTS = {
    "machine": MACHINE,
    "works": {"cnn-32": WORK},
    "profiles": {"cnn-32": PROFILE},
    "footprint": {
        "first_step": {
            "omomi-numba, cold": {"step": times(9.0), "total": times(9.25)},
            "omomi-numba": {"step": times(0.5), "total": times(0.75)},
        },
        "import": {"omomi-numba": {"seconds": times(0.25)}, "numpy": {"seconds": times(0.09)}},
        "memory": {"omomi-numba": {"peak_mb": 180.4}},
        "installed_mb": {"omomi-numba": 600.0, "numpy": 70.0},
    },
    "mnist": {
        "epochs": 2,
        "contenders": {"omomi-numba": {"seconds": [9.5, 8.5], "accuracy": [0.985, 0.99]}},
    },
    "time_to_99": {
        "recipe": "One cycle.",
        "runs": [{"seed": 0, "seconds": 5.0, "accuracy": 0.9901}],
        "mean_seconds": 5.0,
        "mean_accuracy": 0.9901,
    },
}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (12.34, "12.3 s"),
        (1.0, "1.00 s"),
        (0.0123, "12.3 ms"),
        (0.000307, "307 µs"),
        (2e-7, "0.20 µs"),
        (1234.5, "1,234 s"),
    ],
)
def test_durations_have_three_digits(seconds, text):
    assert tables.duration(seconds) == text


def test_tables_say_what_the_results_hold():
    text = tables.tables(RESULTS, "picture.png")
    assert "| CNN, training step, batch 32 | 4.00 ms | JAX + Optax 12.0 ms | 3.00× (2.50–3.25) |" in text
    assert "| CNN, training step, batch 32 | **4.00 ms** | 16.0 ms | 12.0 ms |" in text
    assert "| Omomi, cold |  | 9.00 s | 9.25 s |  |  |" in text
    assert "| Omomi | 250 ms | 500 ms | 750 ms | 180 MB | 600 MB |" in text
    # 300 MFLOP in 1 ms are 300 GFLOP/s, 75 % of 400; together 600 MFLOP in 3 ms, 50 %
    assert "| convolution_forward, C_in = 32 | 1.00 ms | 25 % | 300 | 75 % |" in text
    assert "C_in ≥ 32 run at 50 % of the peak measured beside them, with the multipliers busy for 25 % of it." in text
    assert "| together | 18.0 |  |" in text
    assert "| mean | 5.00 s | 99.01 % |" in text
    assert "400 GFLOP/s" in text


def test_a_profile_without_convolutions_has_no_share():
    assert tables.convolution_share({"parts": [PROFILE["parts"][2]], "peak_gflops": 1.0}) is None


def test_the_report_writes_chart_tables_and_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{tables.BEGIN}\nstale\n{tables.END}\nafter\n")
    file = tmp_path / "results.json"
    results.write(file, RESULTS)
    command.main(["report", str(file), "--page", str(page)])
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "stale" not in text
    assert "](results.png)" in text
    assert (tmp_path / "results.png").stat().st_size > 10_000
    with pytest.raises(ValueError, match="lacks the marks"):
        tables.put_into(file, "")


def test_equal_results_give_an_equal_chart(tmp_path):
    one, other = (chart.draw(RESULTS, tmp_path / f"{name}.svg") for name in "ab")
    assert one.read_bytes() == other.read_bytes()


def test_the_page_in_docs_shows_the_results_it_keeps():
    kept = command.PAGE.parent / "benchmarks" / "results.json"
    if kept.exists():
        assert tables.tables(results.read(kept), "benchmarks/results.png") in command.PAGE.read_text()


def test_a_package_s_requirements_are_followed_without_extras():
    found = closure(["omomi"])
    assert {"omomi", "numpy", "numba", "llvmlite"} <= found
    assert "pytest" not in found
    assert normalised("Scikit_Learn") == "scikit-learn"
    sizes = installed_sizes()
    assert sizes["omomi-numba"] > sizes["numpy"] > 10
