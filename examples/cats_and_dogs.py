"""Text 2: the same code on VGG16 and ResNet50, with wrong pixels and with right ones.

    python examples/cats_and_dogs.py photos/ --weights imagenet
    python examples/cats_and_dogs.py photos/ --weights VGG16_FILE RESNET50_FILE
    python examples/cats_and_dogs.py photos/

`photos/` has a subfolder for each of two classes. The text divides pixels by 255; the
weights were trained on others: BGR, 0..255, less a mean. The cure makes those inside
the network. All else is the text's, but: no augmentation; the last layers, too, keep
their statistics; Adam at 1e-4 (at 1e-3 the sigmoid saturates; no gradient is left).

Without `--weights`, both bodies are STAND-INS: random kernels, with the statistics of
batch normalisation measured on right pixels. On wrong ones they do not fit, and photos
look alike to the head: that they show; how well trained weights do, they do not.
"""

import argparse

import residency as rs  # isort: skip  chooses the backend, so before Keras

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import applications, layers, optimizers

from residency.records import Proportion

BODIES = {  # builder, preprocessing of its weights, how many of the last layers train
    "VGG16": (applications.VGG16, applications.vgg16.preprocess_input, 4),
    "ResNet50": (applications.ResNet50, applications.resnet.preprocess_input, 8),
}
STAND_IN = "stand-in"
TEXT, RIGHT = "pixels / 255, the text's", "the weights' own pixels"


def main() -> None:
    """Trains both networks on both kinds of pixels; the doctor looks at ResNet50."""
    parser = argparse.ArgumentParser(description="Text 2: wrong pixels and right ones.")
    parser.add_argument("photos", help="a subfolder for each of two classes")
    parser.add_argument("--weights", nargs="+", default=[STAND_IN], help="imagenet")
    parser.add_argument("--size", type=int, default=150, help="side in pixels")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--budget", type=float, default=60, help="the doctor's seconds")
    parser.add_argument("--out", default="cats_and_dogs.png")
    args = parser.parse_args()
    data = rs.data.load(args.photos, image_size=args.size, validation=1 / 3, test=0.0)
    (x, y), (x_held, y_held) = arrays(data.train), arrays(data.validation)
    files = dict(zip(BODIES, args.weights * (3 - len(args.weights)), strict=True))
    table, histories = [], {}
    for pixels in (TEXT, RIGHT):
        scale = 255 if pixels == TEXT else 1
        train, held = (x / scale, y), (x_held / scale, y_held)
        for name, weights in files.items():
            print(f"\n{name}, weights: {weights}, {pixels}")
            keras.utils.set_random_seed(0)
            model, body = network(name, weights, pixels, x)
            features = body.predict(train[0][:32], verbose=0)
            differ = 100 * features.std(axis=0).mean() / features.mean()
            fit = {"validation_data": held, "epochs": args.epochs, "verbose": 2}
            histories[name, pixels] = model.fit(*train, batch_size=20, **fit).history
            right = round(histories[name, pixels]["val_accuracy"][-1] * len(y_held))
            share = Proportion(right, len(y_held))
            table.append(f"{name:10}{pixels:26}{differ:4.0f} %   {share}")
            if name == "ResNet50":
                print("\nThe doctor on it:")
                print(rs.diagnose(model, train, held, budget_seconds=args.budget))
    print("\nHow much features differ between photos; validation after the last epoch")
    print(*table, sep="\n")
    print("always one class:", Proportion(np.bincount(y_held).max(), len(y_held)))
    draw(histories, args.out)
    print(f"The curves are in {args.out}.")


def network(name: str, weights: str, pixels: str, photos: np.ndarray):
    """Returns the text's network and its body, both from pixels as they are given."""
    build, preprocess, trained = BODIES[name]
    inputs = keras.Input(photos.shape[1:])
    file = None if weights == STAND_IN else weights
    body = build(weights=file, include_top=False, input_shape=photos.shape[1:])
    norms = [x for x in body.layers if isinstance(x, layers.BatchNormalization)]
    if weights == STAND_IN:
        for norm in norms:
            norm.momentum = 0.0  # the statistics become those of one batch
        body(preprocess(photos[:32].copy()), training=True)
    for layer in [*body.layers[:-trained], *norms]:
        layer.trainable = False
    features = body(preprocess(inputs) if pixels == RIGHT else inputs)
    x = layers.Dense(256, activation="relu")(layers.Flatten()(features))
    outputs = layers.Dense(1, activation="sigmoid")(layers.Dropout(0.4)(x))
    model = keras.Model(inputs, outputs, name=name)
    model.compile(optimizers.Adam(1e-4), "binary_crossentropy", metrics=["accuracy"])
    return rs.accelerate(model), rs.accelerate(keras.Model(inputs, features))


def arrays(part: rs.data.Part) -> tuple[np.ndarray, np.ndarray]:
    """Returns all photos of a part, float32 in 0..255, and their labels, 0 or 1."""
    batch = next(rs.data.in_order(part, len(part.frames[0]), batch_size=len(part)))
    return batch.images.astype("float32"), batch.labels


def draw(histories: dict, path: str) -> None:
    """Draws the accuracies: wrong pixels on the left, right ones on the right."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True)
    for axes, pixels in zip(panels, (TEXT, RIGHT), strict=True):
        for name, color in (("VGG16", "C0"), ("ResNet50", "C1")):
            history = histories[name, pixels]
            epochs = range(1, len(history["accuracy"]) + 1)
            for key, style in (("accuracy", ".:"), ("val_accuracy", "o-")):
                axes.plot(
                    epochs, history[key], style, color=color, label=f"{name} {key}"
                )
        axes.set(title=pixels, xlabel="epoch", xticks=epochs, ylim=(0, 1.04))
        axes.grid(axis="y", alpha=0.3)
    panels[1].legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path, dpi=120, bbox_inches="tight")


if __name__ == "__main__":
    main()
