"""The figures of the README and of docs/benchmarks.md: short, honest, in step."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import full_table
import pytest
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
        "keras fit on torch, float32": 50.0,
        "keras fit on jax, float32": 30.0,
        "openvino, bfloat16": 300.0,
    }
    samples = {name: [{}] * 7 for name in rates}
    (row,) = full_table.rows_of(CONDITIONS | {"median": rates, "samples": samples})
    assert row == (
        "| training | [median of 7, in turn, 2 cores (P), Keras 3, PyTorch 2](x.json) "
        "| residency, bfloat16: 150; "
        "plain torch, channels last, bfloat16: 120 (ours 1.25x); "
        "keras fit on torch, float32: 50 (ours 3.00x); "
        "openvino, bfloat16: 300 (ours 0.50x) |"
    )


def test_results_without_ours_are_shown_whole():
    rates = {"loop, float32": 298.0, "keras fit, float32": 307.0}
    (row,) = full_table.rows_of(CONDITIONS | {"median": rates, "samples": {"a": [{}]}})
    assert row.endswith("| loop, float32: 298; keras fit, float32: 307 |")


def test_memory_counts_above_the_libraries_and_the_least_is_best():
    found = {
        "residency, float32": {"loaded": 300.0, "peak": 800.0},
        "residency, bfloat16": {"loaded": 300.0, "peak": 700.0},
        "keras fit on jax, float32": {"loaded": 500.0, "peak": 1300.0},
    }
    (row,) = full_table.rows_of(CONDITIONS | {"memory_mib": found})
    assert row.endswith(
        "| residency, bfloat16: 400; keras fit on jax, float32: 800 (ours 0.50x) |"
    )


def speed(name, what, rates, folder, date="2026-01-01", **environment):
    """Writes a made-up comparison of speeds."""
    result = {
        "what": what,
        "environment": CONDITIONS["environment"] | environment,
        "median": rates,
        "samples": {n: [{}] for n in rates},
    }
    path = folder / f"{name}_cpu_{date}.json"
    path.write_text(json.dumps(result), encoding="utf-8")


def test_speed_is_one_line_a_network_with_the_fastest_of_each(tmp_path):
    works = {
        "training net, 8x8, batch 2; images a second": {
            "residency, float32": 100.0,
            "residency, bfloat16": 150.0,
            "plain torch, channels first, float32": 120.0,
            "plain torch, channels last, bfloat16": 90.0,
            "keras fit on torch, float32": 50.0,
            "keras fit on jax, float32": 70.0,
            "accelerated keras fit, bfloat16": 99.0,
        },
        "inference net, 8x8, batch 2; images a second": {
            "residency, bfloat16": 1500.0,
            "openvino, bfloat16": 2000.0,
            "openvino, float32": 1000.0,
        },
        "training net, each alone in a process, 8x8, batch 2; images a second": {
            "residency, bfloat16": 160.0,
        },
    }
    for number, (what, rates) in enumerate(works.items()):
        speed(f"speed-{number}", what, rates, tmp_path)
    lines = list(readme_table.short(readme_table.newest(tmp_path)))
    rows = [line for line in lines if line.startswith("| net ")]
    assert rows == [
        "| net 8x8 | 150 | 120 f32 | 70 f32 | 99 | 1,500 | 2,000 |  |  |  |",
        "| net 8x8, alone in a process | 160 |  |  |  |  |  |  |  |  |",
    ]


def test_machines_are_not_mixed_in_one_table(tmp_path):
    what = "training net, 8x8, batch 2; images a second"
    speed("a", what, {"residency, bfloat16": 1.0}, tmp_path)
    speed("b", what, {"residency, bfloat16": 9.0}, tmp_path, gpu="G")
    lines = list(readme_table.short(readme_table.newest(tmp_path)))
    heads = [line.split(",")[0] for line in lines if line.startswith("Images")]
    assert sorted(heads) == ["Images a second on 2 cores (P)", "Images a second on G"]
    assert [line.split(" | ")[1] for line in lines if "| net 8x8" in line] == ["1", "9"]


def test_the_newest_of_a_kind_counts(tmp_path):
    what = "training net, 8x8, batch 2; images a second"
    for date, rate in (("2026-01-02", 2.0), ("2026-01-01", 1.0)):
        speed("training-net", what, {"residency, bfloat16": rate}, tmp_path, date)
    (result,) = readme_table.newest(tmp_path)
    assert result["median"] == {"residency, bfloat16": 2.0}


def test_transfer_gives_the_mean_of_seeds_and_the_interval_of_one_part():
    """Wilson's interval of 95 of 100 is 88.8 to 97.8; that of 285 of 300 is smaller."""
    runs = [{"correct": c, "total": 100, "minutes": m} for c, m in ((94, 1), (96, 3))]
    rows = [
        {"data": "bees", "how": "head", "runs": runs},
        {"data": "bees", "how": "scratch", "runs": runs[:1]},
        {"data": "cars", "how": "scratch", "runs": runs[1:]},
    ]
    result = CONDITIONS | {"what": "transfer", "rows": rows, "published": {"bees": "?"}}
    assert list(readme_table.transfer(result))[-2:] == [
        "| bees | 95.0 % (88.8 to 97.8) | 94.0 % (87.5 to 97.2) |",
        "| cars |  | 96.0 % (90.2 to 98.4) |",
    ]
    row = full_table.rows_of(result)[0]
    assert "mean of 2 seeds, 2 min each" in row
    assert row.endswith("95.0 % (88.8 to 97.8) of 100; each 94.0, 96.0; published: ? |")
    del result["published"]
    result["what"] = "distillation of something"
    row = full_table.rows_of(result)[0]
    assert row.startswith("| distillation, bees: head |")
    assert row.endswith("95.0 % (88.8 to 97.8) of 100; each 94.0, 96.0 |")
    assert not any("bees" in line for line in readme_table.short([result]))


def test_the_doctor_is_one_line():
    result = CONDITIONS | {
        "what": "the doctor on 9 cases",
        "recall": [7, 8],
        "precision": [6, 10],
        "false_alarms": [1, 3],
        "median_seconds": 4.6,
    }
    *_, link, line, _, _ = readme_table.short([result])
    assert link == "[The doctor on 9 cases](x.json):"
    assert line == (
        "finds 7 of 8 faults, 6 of 10 findings are right, false alarm on 1 of 3 "
        "correct programs, median 5 s."
    )
    (row,) = full_table.rows_of(result)
    assert line.removesuffix(".") in row


@pytest.mark.parametrize("name", ["README.md", readme_table.FULL])
def test_documents_are_in_step_with_the_results(name):
    """Else: `python benchmarks/readme_table.py`."""
    results = readme_table.newest(readme_table.RESULTS)
    write = readme_table.short if name == "README.md" else readme_table.full
    text = (readme_table.ROOT / name).read_text(encoding="utf-8")
    assert readme_table.between_marks(text, write(results)) == text


def test_every_result_has_a_row_with_its_conditions():
    text = (readme_table.ROOT / readme_table.FULL).read_text(encoding="utf-8")
    for result in readme_table.newest(readme_table.RESULTS):
        assert f"](../{result['file']})" in text
