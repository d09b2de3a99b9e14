"""What a user reads after a mistake, pinned byte for byte in golden/messages.json.

A changed text is a reviewed change. To write the file anew:
    RESIDENCY_WRITE_GOLDEN=1 scripts/test tests/test_messages.py
"""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from residency import data, models, recipes, run
from residency.cli.train import parse_changes
from residency.diagnosing import diagnose_subject
from residency.doctor.history import read_history
from residency.doctor.script import diagnose_script
from residency.errors import ResidencyError
from residency.files import write_text
from residency.models.freezing import phases_of
from residency.prediction import list_images
from residency.run_folder import read_recipe
from residency.training import Finetune

GOLDEN = Path(__file__).parent / "golden" / "messages.json"
WRITE = bool(os.environ.get("RESIDENCY_WRITE_GOLDEN"))
COMMAND = "RESIDENCY_WRITE_GOLDEN=1 scripts/test tests/test_messages.py"


def recipe(name: str = "quick/photos", **changes: str) -> Callable[[], object]:
    """Returns a call that resolves a recipe; `__` stands for the dot."""
    dotted = {path.replace("__", "."): value for path, value in changes.items()}
    return lambda: recipes.resolve(name, dotted)


def load(source: str, **settings: object) -> Callable[[], object]:
    return lambda: data.load(source, **settings)


def weights(path: str) -> Callable[[], object]:
    return lambda: models.build("cifar_resnet20", num_classes=2, weights=path)


def weights_with_code() -> object:
    Path("code.pth").write_bytes(pickle.dumps(os.getcwd))
    return weights("code.pth")()


def weights_cut_short() -> object:
    Path("cut.pth").write_bytes(b"PK\x03\x04" + bytes(96))
    return weights("cut.pth")()


def weights_of_senet() -> object:
    arrays = {"layer0.conv1.weight": np.zeros((64, 3, 7, 7))}
    save_file(arrays, "senet.safetensors")
    return weights("senet.safetensors")()


MISTAKES: dict[str, Callable[[], object]] = {
    "recipe, misspelt": recipe("quick/fotos"),
    "model, misspelt": recipe(model__name="resnet5"),
    "model, unknown option": recipe(model__options__shortcut="B"),
    "field, abbreviated": recipe(optimizer__lr="0.1"),
    "field, misspelt": recipe(data__batchsize="8"),
    "field, below a value": recipe(seed__more="1"),
    "transform, no such item": recipe(data__transforms__7__padding="1"),
    "type, a word for a number": recipe(seed="many"),
    "type, half an image": recipe(data__batch_size="2.5"),
    "kind, misspelt": recipe(optimizer="Adam"),
    "word, misspelt": recipe(data__resize="strech"),
    "range, negative rate": recipe(optimizer__learning_rate="-1"),
    "range, shares above 1": recipe(data__validation="0.6", data__test="0.5"),
    "schedule, bounds out of order": recipe(
        "he2015/resnet20-cifar10", schedule__boundaries="32000,80000"
    ),
    "schedule, steps and epochs": recipe(schedule__total_steps="100"),
    "finetune, layers and a count": recipe(
        "finetune/head", finetune__train_last="4", finetune__freeze="conv1"
    ),
    "finetune, no weights": lambda: run.train(
        None, "photos", "finetune/head", progress=False
    ),
    "finetune, unknown stage": lambda: phases_of(
        models.build("cifar_resnet20", num_classes=2, image_size=8),
        Finetune(freeze=("convs2",)),
    ),
    "finetune, more layers than there are": lambda: phases_of(
        models.build("cifar_resnet20", num_classes=2, image_size=8),
        Finetune(train_last=1000),
    ),
    "distillation, a teacher without its loss": recipe(loss__teacher="runs/big"),
    "distillation, no teacher": lambda: run.train(
        None,
        "photos",
        changes={"loss": "Distillation", "loss.teacher": "runs/big"},
        progress=False,
    ),
    "--set without a value": lambda: parse_changes(["seed"]),
    "load, misspelt setting": load("digits", image_sise=16),
    "data, missing": load("fotos"),
    "data, missing below": load("photos/dogs/today"),
    "data, unknown name": load("cifar11"),
    "data, unknown kind": load("foldr:photos"),
    "data, one image": load("photos/cat/0.png"),
    "data, a model": load("model.keras"),
    "data, a text": load("notes.txt"),
    "data, an archive to unpack": load("photos.zip"),
    "data, empty folder": load("empty"),
    "data, no class folders": load("loose"),
    "data, one class": load("one"),
    "data, an empty class": load("gap"),
    "data, a class only in test": load("parts"),
    "data, unknown class chosen": load("photos", classes=("cat", "dgo")),
    "data, too few to split": load("photos", validation=0.4, test=0.4),
    "model file, missing": lambda: models.load_model("modell.keras"),
    "model file, not one": lambda: models.load_model("model.keras"),
    "model file, another format": lambda: models.load_model("notes.txt"),
    "network, large stem on small images": lambda: models.build(
        "resnet18", num_classes=2, image_size=32, stem="imagenet"
    ),
    "network, unknown head": lambda: models.build(
        "resnet18", num_classes=2, head="flatten"
    ),
    "network, dense head on maps of open size": lambda: models.ResNet18(
        image_size=None, head="flatten_dense"
    ),
    "network, a start that cannot be left": lambda: models.build(
        "darknet53", num_classes=2, activation="relu", zero_gamma=True
    ),
    "network, unknown order of axes": lambda: models.build(
        "resnet18", num_classes=2, data_format="nchw"
    ),
    "run, not one": lambda: read_recipe(Path("photos")),
    "predict, nothing there": lambda: list_images("photos/*.jpg"),
    "output, below a file": lambda: write_text(Path("notes.txt/out.csv"), ""),
    "script, missing": lambda: diagnose_script("train.py"),
    "script, no Python": lambda: diagnose_script("notes.txt"),
    "history, missing": lambda: read_history("log.csv"),
    "history, not one": lambda: read_history("photos"),
    "history, no loss": lambda: read_history({"epoch": [1, 2]}),
    "weights, missing": weights("modell.keras"),
    "weights, another kind of file": weights("notes.txt"),
    "weights, not a file of Keras": weights("model.keras"),
    "weights, no state dict": weights_with_code,
    "weights, cut short": weights_cut_short,
    "weights, of a network that is not here": weights_of_senet,
    "weights, nothing published": weights("imagenet"),
    "weights, saved under another ending": lambda: models.save_weights(
        models.build("cifar_resnet20", num_classes=2), "net.onnx"
    ),
    "script, cures to be tried": lambda: diagnose_subject("train.py", trying=True),
}


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A working folder with something to get wrong in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESIDENCY_CACHE", str(tmp_path / "empty"))
    images = (
        *(f"photos/{label}/{n}.png" for label in ("cat", "dog") for n in range(2)),
        *("loose/0.png", "one/cat/0.png", "gap/cat/0.png", "gap/fox/0.png"),
        *("parts/train/cat/0.png", "parts/train/dog/0.png", "parts/test/dgo/0.png"),
    )
    for seed, name in enumerate(images):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(name)
    for folder in ("empty", "gap/dog"):
        Path(folder).mkdir()
    for file in ("notes.txt", "model.keras", "photos.zip"):
        Path(file).write_text("no such thing")
    return tmp_path


@pytest.mark.parametrize("mistake", MISTAKES)
def test_message(mistake, here):
    with pytest.raises(ResidencyError) as raised:
        MISTAKES[mistake]()
    text = f"{type(raised.value).__name__}: {raised.value}"
    text = text.replace(str(here), "/here")
    assert "\n" not in text
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    if WRITE:
        golden["messages"][mistake] = text
        dump = json.dumps(golden, indent=1, ensure_ascii=False)
        GOLDEN.write_text(dump + "\n", encoding="utf-8")
    assert golden["messages"].get(mistake) == text, f"if meant so: {COMMAND}"


def test_the_file_has_these_messages_and_says_how_it_is_made():
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert golden["command"] == COMMAND
    assert list(golden["messages"]) == list(MISTAKES)
