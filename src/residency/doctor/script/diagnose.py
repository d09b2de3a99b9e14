"""All checks over one script."""

from pathlib import Path

from residency.doctor.script.checks import (
    arguments,
    augmentation_range,
    bare_scores,
    black_corners,
    brightness_unit,
    called_test,
    choosing_on_test,
    class_order,
    colour_range,
    constants,
    dead_branch,
    decay_argument,
    double_cast,
    double_softmax,
    finite_repeat,
    float_steps,
    generator_fit,
    head_units,
    history_keys,
    lambda_closure,
    mixed_keras,
    names,
    part_scaling,
    plot_label,
    predict_loop,
    prefetch,
    pretrained_input,
    repeated_key,
    scaled_twice,
    schedule_conflict,
    schedule_length,
    shuffle,
    small_shift,
    undefined_name,
    unused_constant,
    unused_object,
    validation_augmented,
)
from residency.doctor.script.script import read_script
from residency.records import Finding

CHECKS = {
    "RD601": dead_branch.check,
    "RD602": validation_augmented.check,
    "RD603": augmentation_range.check,
    "RD604": brightness_unit.check,
    "RD605": colour_range.check,
    "RD606": unused_object.check,
    "RD607": decay_argument.check,
    "RD608": schedule_conflict.check,
    "RD609": arguments.check,
    "RD610": names.check,
    "RD611": history_keys.check,
    "RD612": float_steps.check,
    "RD613": mixed_keras.check,
    "RD614": constants.check,
    "RD615": lambda_closure.check,
    "RD616": pretrained_input.check,
    "RD617": scaled_twice.check,
    "RD618": head_units.check,
    "RD619": finite_repeat.check,
    "RD620": prefetch.check,
    "RD621": shuffle.check,
    "RD622": class_order.check,
    "RD623": choosing_on_test.check,
    "RD624": predict_loop.check,
    "RD625": plot_label.check,
    "RD626": part_scaling.check,
    "RD627": schedule_length.check,
    "RD628": small_shift.check,
    "RD629": called_test.check,
    "RD630": repeated_key.check,
    "RD631": double_cast.check,
    "RD632": undefined_name.check,
    "RD633": unused_constant.check,
    "RD634": generator_fit.check,
    "RD635": black_corners.check,
    "RD636": double_softmax.check,
    "RD637": bare_scores.check,
}
"""By the code of what each one finds."""

RANK = {"error": 0, "warning": 1, "advice": 2}


def diagnose_script(path: str | Path) -> tuple[Finding, ...]:
    """Returns what a Keras script's text alone gives away, strongest first.

    The script is parsed and never run; modules that lie beside it are read for
    their constants.

    Args:
        path: A `.py` file, or an `.ipynb` file whose code cells are read.

    Raises:
        DataError: The file cannot be read, or is no Python 3.
    """
    script = read_script(path)
    found = [finding for check in CHECKS.values() for finding in check(script)]
    return tuple(sorted(found, key=lambda f: (RANK[f.severity], -f.confidence)))
