"""The README's rows: readable with ten variants, honest where others are faster."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import readme_table

CONDITIONS = {
    "what": "training",
    "file": "x.json",
    "environment": {
        "cores": 2,
        "processor": "P",
        "versions": {"keras": "3", "torch": "2"},
    },
}


def test_best_of_each_kind_with_ours_over_theirs():
    rates = {
        "residency, float32": 100.0,
        "residency, bfloat16": 150.0,
        "plain torch, channels first, float32": 60.0,
        "plain torch, channels last, bfloat16": 120.0,
        "keras fit on torch": 50.0,
        "keras fit on jax": 30.0,
        "openvino, bfloat16": 300.0,
    }
    samples = {name: [{}] * 7 for name in rates}
    row = readme_table.row_of(CONDITIONS | {"median": rates, "samples": samples})
    assert row == (
        "| training | [median of 7, in turn, 2 cores (P), Keras 3, PyTorch 2](x.json) "
        "| residency, bfloat16: 150; "
        "plain torch, channels last, bfloat16: 120 (ours 1.25x); "
        "keras fit on torch: 50 (ours 3.00x); openvino, bfloat16: 300 (ours 0.50x) |"
    )


def test_results_without_ours_are_shown_whole():
    rates = {"loop, float32": 298.0, "keras fit, float32": 307.0}
    row = readme_table.row_of(CONDITIONS | {"median": rates, "samples": {"a": [{}]}})
    assert row.endswith("| loop, float32: 298; keras fit, float32: 307 |")


def test_memory_counts_above_the_libraries_and_the_least_is_best():
    found = {
        "residency, float32": {"loaded": 300.0, "peak": 800.0},
        "residency, bfloat16": {"loaded": 300.0, "peak": 700.0},
        "keras fit on jax": {"loaded": 500.0, "peak": 1300.0},
    }
    row = readme_table.row_of(CONDITIONS | {"memory_mib": found})
    assert row.endswith(
        "| residency, bfloat16: 400; keras fit on jax: 800 (ours 0.50x) |"
    )
