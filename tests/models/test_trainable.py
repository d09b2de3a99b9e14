"""The table of what trains: its sums are those of Keras."""

from residency.models import build
from residency.models.trainable import summarize
from residency.training import Finetune


def test_the_table_of_a_gradual_training():
    model = build("cifar_resnet20", num_classes=3, image_size=16)
    finetune = Finetune(freeze=("conv1",), head_epochs=2, stage_rate=0.5)
    rows = {row.name: row for row in summarize(model, finetune, ("gamma", "beta"))}
    assert list(rows) == ["conv1", "conv2", "conv3", "conv4", "head"]
    assert sum(row.parameters for row in rows.values()) == model.count_params()
    trained = list(model.trainable_variables)
    assert sum(r.trained for r in rows.values()) == sum(
        v.value.numel() for v in trained
    )
    exempt = sum(v.value.numel() for v in trained if v.name in ("gamma", "beta"))
    assert sum(r.trained - r.decayed for r in rows.values()) == exempt
    assert (rows["conv1"].from_epoch, rows["conv1"].batch_norm) == (None, "inference")
    assert (rows["conv4"].from_epoch, rows["conv4"].rate) == (3, 0.5)
    assert rows["conv4"].batch_norm == "training"
    assert (rows["head"].from_epoch, rows["head"].batch_norm) == (1, "none")


def test_batch_norm_in_two_modes():
    model = build("cifar_resnet20", num_classes=3, image_size=16)
    rows = summarize(model, Finetune(train_last=8), ())
    assert rows[-2].batch_norm == "2 training, 4 inference"


def test_without_a_finetune_all_trains():
    model = build("cifar_resnet20", num_classes=3, image_size=16)
    assert all(row.from_epoch == 1 for row in summarize(model, None, ()))
