import pytest

from residency.doctor.script.checks.plot_label import check

SICK = (
    """\
plt.plot(h.history["val_loss"], label="Training loss")
""",
    """\
plt.plot(h.history["loss"], label="val loss")
""",
)
HEALTHY = (
    """\
plt.plot(h.history["val_loss"], label="validation loss")
""",
    """\
plt.plot(h.history["accuracy"], label="Training accuracy")
""",
    """\
plt.plot(h["loss"], label="ResNet-50")
""",
    """\
plt.plot(x, label="loss")
""",
    """\
plt.plot(epochs, h["acc"], "bo", label="Training acc")
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
