import ast
from pathlib import Path

import pytest

from residency.doctor.script import diagnose_script
from residency.errors import DataError

SCRIPTS = Path(__file__).parent / "scripts"
HEALTHY = sorted((SCRIPTS / "healthy").glob("*.py"))

SICK = {
    "cars": {
        ("RD601", "augmentation_ineffective"),
        ("RD605", "augmentation_too_strong"),
        ("RD607", "config_not_applied"),
        ("RD616", "pretrained_preprocess_mismatch"),
        ("RD621", "data_not_shuffled"),
        ("RD622", "class_order_unstable"),
    },
    "birds": {
        ("RD606", "config_not_applied"),
        ("RD613", "mixed_keras"),
        ("RD616", "pretrained_preprocess_mismatch"),
        ("RD618", "output_units_mismatch"),
    },
    "dogs": {
        ("RD602", "val_augmented"),
        ("RD603", "augmentation_too_strong"),
        ("RD610", "api_changed"),
        ("RD611", "api_changed"),
        ("RD612", "api_changed"),
        ("RD616", "pretrained_preprocess_mismatch"),
        ("RD625", "metric_misleading"),
    },
    "darknet": {
        ("RD604", "augmentation_ineffective"),
        ("RD609", "api_changed"),
        ("RD610", "api_changed"),
        ("RD614", "preprocess_constants"),
        ("RD619", "data_runs_out"),
    },
    "resnext": {
        ("RD608", "lr_schedule_conflict"),
        ("RD609", "api_changed"),
        ("RD609", "config_not_applied"),
        ("RD610", "api_changed"),
        ("RD615", "disconnected_weights"),
        ("RD623", "test_used_for_choosing"),
    },
}
"""What is wrong in scripts after the five texts, errors and warnings alone."""


@pytest.mark.parametrize("name", SICK)
def test_all_that_is_wrong_in_a_script_is_found_and_nothing_else(name):
    found = diagnose_script(SCRIPTS / "sick" / f"{name}.py")
    serious = {(f.code, f.label) for f in found if f.severity != "advice"}
    assert serious == SICK[name]


@pytest.mark.parametrize("path", HEALTHY, ids=lambda path: path.stem)
def test_a_healthy_script_is_left_alone(path):
    found = [f for f in diagnose_script(path) if f.severity != "advice"]
    assert [(f.code, f.source, f.title) for f in found] == []


def test_there_are_healthy_scripts():
    assert len(HEALTHY) >= 8


def test_findings_come_strongest_first_and_name_their_line():
    path = SCRIPTS / "sick" / "resnext.py"
    found = diagnose_script(path)
    order = [("error", "warning", "advice").index(f.severity) for f in found]
    assert order == sorted(order)
    lines = path.read_text(encoding="utf-8").splitlines()
    late = next(f for f in found if f.code == "RD615")
    name, _, line = late.source.partition(":")
    assert name == "resnext.py"
    assert "Lambda(lambda z" in lines[int(line) - 1]


def test_settings_beside_the_script_are_read(tmp_path):
    (tmp_path / "settings.py").write_text("EPOCHS = 80\n")
    script = tmp_path / "train.py"
    script.write_text(
        "import tensorflow as tf\nfrom settings import EPOCHS\n"
        "data = tf.data.Dataset.range(9).repeat(10)\n"
        "model = tf.keras.Sequential()\n"
        "model.fit(data, epochs=EPOCHS, steps_per_epoch=100)\n"
    )
    (found,) = diagnose_script(script)
    assert found.evidence == {"passes": 10, "epochs": 80}


def test_a_script_is_never_run(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        "import pathlib\npathlib.Path('made').touch()\nraise SystemExit\n"
    )
    assert diagnose_script(script) == ()
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "text",
    [
        "x = y\ny = x\nx.fit(x, epochs=x)\n",
        "def f(n):\n    return f(n)\nmodel.fit(f(1), epochs=f(2))\n",
        "a = 10 ** 10 ** 10\nmodel.fit(x, epochs=a, steps_per_epoch=[0] * 10 ** 12)\n",
        "data = data.map(f)\ndata = data.batch(data)\nmodel.fit(data, epochs=3)\n",
        "class A(A):\n    A = A\nA.A.fit(A, validation_data=A)\n",
        "from keras.layers import *\nx = Lambda(Lambda)(x)\n",
        "",
    ],
)
def test_odd_scripts_neither_stop_nor_hang_it(tmp_path, text):
    ast.parse(text)
    script = tmp_path / "odd.py"
    script.write_text(text)
    assert isinstance(diagnose_script(script), tuple)


def test_no_python_says_where(tmp_path):
    script = tmp_path / "old.py"
    script.write_text("import keras\nprint 'rate'\n")
    with pytest.raises(DataError, match=r"old\.py:2: is no Python 3"):
        diagnose_script(script)
