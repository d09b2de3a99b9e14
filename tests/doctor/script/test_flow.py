from residency.doctor.script.flow import fits, operations, pipeline

PREPARE = """
import tensorflow as tf
def prepare(data, training=False):
    data = data.map(load)
    if training:
        data = data.map(augment).shuffle(100)
    return data.batch(8)
train = prepare(tf.data.Dataset.range(9), training=True)
held = prepare(tf.data.Dataset.range(5))
model.fit(train.repeat(), validation_data=held, epochs=3)
"""


def test_a_pipeline_is_followed_through_functions_and_conditions(parsed):
    script = parsed(PREPARE)
    (fit,) = fits(script)
    names = [step.call.last for step in pipeline(script, fit.argument("x", 0))]
    assert names == ["range", "map", "map", "shuffle", "batch", "repeat"]
    held = [
        step.call.last for step in pipeline(script, fit.keywords["validation_data"])
    ]
    assert held == ["range", "map", "batch"]


def test_a_function_that_returns_both_parts(parsed):
    script = parsed(
        "def load():\n    a = one().cache()\n    b = two()\n    return a, b\n"
        "x, y = load()\nmodel.fit(x, validation_data=y, epochs=1)\n"
    )
    (fit,) = fits(script)
    assert [s.call.last for s in pipeline(script, fit.node.args[0])] == ["one", "cache"]
    held = pipeline(script, fit.keywords["validation_data"])
    assert [s.call.last for s in held] == ["two"]


def test_a_fit_of_something_else_is_no_training(parsed):
    script = parsed("scaler.fit(x)\ndatagen.fit(x)\nmodel.fit(x, y, epochs=2)\n")
    assert [call.name for call in fits(script)] == ["model.fit"]


def test_operations_come_in_the_order_they_run(parsed):
    script = parsed(
        "def g(x):\n    return c(x)\ndef f(x):\n    return b(g(a(x)) / 255)\n"
    )
    done = [script.text(op, 9) for op in operations(script, script.functions["f"])]
    assert [d[0] for d in done] == ["a", "g", "c", "g", "b"]
