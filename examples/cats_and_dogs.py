"""Text 2: under the same code VGG16 learns and ResNet50 is stuck. Why, and the cure.

    python examples/cats_and_dogs.py photos/ --weights imagenet
    python examples/cats_and_dogs.py photos/ --weights VGG16_FILE RESNET50_FILE
    python examples/cats_and_dogs.py photos/

`photos/` has two classes, a subfolder each. Networks and settings are the text's, but
for its augmentation: all but the last layers frozen, Flatten, Dense 256, Dropout 0.4,
one sigmoid unit. The text divides pixels by 255; the weights were trained on others:
BGR, 0..255, less a mean. The cure makes those, as the network's first step.

Without `--weights`, nothing is downloaded and both bodies are STAND-INS: kernels are
random, and the statistics of batch normalisation are measured on photos with the right
pixels, as those of trained weights were. That is enough to show the fault: on other
pixels these frozen statistics do not fit, and all photos look the same to the head.
How good the cure is with trained weights, a stand-in cannot show.
"""

import argparse

import residency as rs  # isort: skip  chooses the backend, so before Keras

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import applications, layers

from residency.records import Proportion

BODIES = {  # builder, its own preprocessing, how many of its last layers train
    "VGG16": (applications.VGG16, applications.vgg16.preprocess_input, 4),
    "ResNet50": (applications.ResNet50, applications.resnet.preprocess_input, 8),
}
STAND_IN = "stand-in"
TEXT, RIGHT = "pixels / 255, as in the text", "pixels as the weights expect"


def main() -> None:
    """Trains both networks on both kinds of pixels; the doctor looks at ResNet50."""
    args = arguments()
    data = rs.data.load(args.photos, image_size=args.size, validation=1 / 3, test=0.0)
    (x, y), (x_held, y_held) = arrays(data.train), arrays(data.validation)
    files = dict(zip(BODIES, args.weights * (3 - len(args.weights)), strict=True))
    accuracies, histories = {}, {}
    for pixels in (TEXT, RIGHT):
        scale = 255 if pixels == TEXT else 1
        train, held = (x / scale, y), (x_held / scale, y_held)
        for name, weights in files.items():
            print(f"\n{name} ({weights}), {pixels}")
            keras.utils.set_random_seed(0)
            model = network(name, weights, pixels, x)
            fit = model.fit(
                *train, validation_data=held, batch_size=20, epochs=args.epochs
            )
            histories[name, pixels] = fit.history
            right = round(fit.history["val_accuracy"][-1] * len(y_held))
            accuracies[name, pixels] = Proportion(right, len(y_held))
            if name == "ResNet50":
                print("\nThe doctor on this network and these pixels:")
                print(rs.diagnose(model, train, held, budget_seconds=args.budget))

    print("\nValidation accuracy after the last epoch")
    for (name, pixels), accuracy in accuracies.items():
        print(f"{name:10}{pixels:30}{accuracy}")
    print(
        f"always the larger class: {Proportion(np.bincount(y_held).max(), len(y_held))}"
    )
    draw(histories, args.out)
    print(f"\nThe curves are in {args.out}.")


def network(name: str, weights: str, pixels: str, photos: np.ndarray) -> keras.Model:
    """Returns the text's network; for `RIGHT`, it makes the pixels itself."""
    build, preprocess, trained = BODIES[name]
    shape = photos.shape[1:]
    given = None if weights == STAND_IN else weights
    body = build(weights=given, include_top=False, input_shape=shape)
    if weights == STAND_IN:
        measure_statistics(body, preprocess(photos[:32].copy()))
    for layer in body.layers[:-trained]:
        layer.trainable = False
    head = [
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
        layers.Dropout(0.4),
        layers.Dense(1, activation="sigmoid"),
    ]
    model = keras.Sequential([keras.Input(shape), body, *head], name=name)
    if pixels == RIGHT:
        inputs = keras.Input(shape)
        model = keras.Model(inputs, model(preprocess(inputs)), name=name)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return rs.accelerate(model)


def measure_statistics(body: keras.Model, images: np.ndarray) -> None:
    """Sets the statistics of batch normalisation to those of `images`."""
    norms = [x for x in body.layers if isinstance(x, layers.BatchNormalization)]
    for layer in norms:
        layer.momentum = 0.0
    body(images, training=True)
    for layer in norms:
        layer.momentum = 0.99  # Keras' own


def arrays(part: rs.data.Part) -> tuple[np.ndarray, np.ndarray]:
    """Returns all photos of a part, float32 in 0..255, and their labels, 0 or 1."""
    size = len(part.frames[0])
    batch = next(rs.data.in_order(part, size, batch_size=len(part)))
    return batch.images.astype("float32"), batch.labels


def draw(histories: dict, path: str) -> None:
    """Draws both networks' curves, the text's pixels left and the right ones right."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharey=True)
    for axes, pixels in zip(panels, (TEXT, RIGHT), strict=True):
        for name, color in (("VGG16", "C0"), ("ResNet50", "C1")):
            history = histories[name, pixels]
            epochs = range(1, len(history["accuracy"]) + 1)
            for key, style in (("accuracy", ":"), ("val_accuracy", "o-")):
                part = "validation" if key.startswith("val") else "training"
                axes.plot(
                    epochs, history[key], style, color=color, label=f"{name}, {part}"
                )
        axes.set(title=pixels, xlabel="epoch", ylim=(0.4, 1.02))
    panels[0].set_ylabel("accuracy")
    panels[1].legend()
    figure.savefig(path, dpi=120, bbox_inches="tight")


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Text 2 as a script.")
    parser.add_argument("photos", help="two classes, a subfolder each")
    parser.add_argument("--weights", nargs="+", default=[STAND_IN], help="imagenet")
    parser.add_argument("--size", type=int, default=150, help="side in pixels")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--budget", type=float, default=60, help="the doctor's seconds")
    parser.add_argument("--out", default="cats_and_dogs.png")
    return parser.parse_args()


if __name__ == "__main__":
    main()
