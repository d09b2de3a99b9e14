import pytest

from residency.doctor.script.checks.called_test import check

SICK = (
    """\
h = model.fit(x, y, validation_split=0.1)
plt.plot(h.history["val_loss"], label="Test loss")
""",
    """\
h = model.fit(x, y, validation_split=0.1)
plt.plot(h.history["accuracy"])
plt.plot(h.history["val_accuracy"])
plt.legend(["train", "test"])
""",
    """\
h = model.fit_generator(train, validation_data=valid)
plt.plot(h.history["acc"])
plt.plot(h.history["val_acc"])
plt.title("Training and testing accuracy")
""",
    """\
h = model.fit(x, y, validation_split=0.1)
axes.plot(h.history["val_loss"])
axes.set_title("Loss (testing)")
""",
)
HEALTHY = (
    """\
h = model.fit(x, y, validation_split=0.1)
plt.plot(h.history["val_loss"], label="validation loss")
""",
    """\
h = model.fit(x, y, validation_data=(x_test, y_test))
plt.plot(h.history["val_loss"], label="test loss")
""",
    """\
held_out = tf.data.Dataset.from_tensor_slices((x_test, y_test))
h = model.fit(x, y, validation_data=held_out)
plt.plot(h.history["val_loss"], label="test loss")
""",
    """\
plt.plot(h.history["val_loss"], label="test loss")
""",
    """\
h = model.fit(x, y, validation_split=0.1)
plt.plot(h.history["val_loss"])
plt.figure()
plt.plot(scores)
plt.title("Test scores")
""",
    """\
h = model.fit(x, y, validation_split=0.1)
plt.plot(h.history["loss"])
plt.plot(test_losses)
plt.legend(["train", "test"])
""",
    """\
h = model.fit(x, y, validation_split=0.1)
plt.plot(h.history["val_loss"], label="latest loss")
plt.title("The fastest contest")
""",
    """\
h = model.fit(x, y, validation_split=0.1)
plt.plot(h.history["val_loss"], label="test-validation loss")
""",
)


@pytest.mark.parametrize("text", SICK)
def test_it_is_found(findings, text):
    assert len(findings(check, text)) == 1


@pytest.mark.parametrize("text", HEALTHY)
def test_a_near_miss_is_left_alone(findings, text):
    assert findings(check, text) == []
