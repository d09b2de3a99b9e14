"""Text 1: ResNet-50, built from its blocks, learns four kinds of birds from photos.

    python examples/birds.py bird_photos/
    python examples/birds.py bird_photos/ --weights resnet50_weights_tf_dim_ordering_tf_kernels.h5
    python examples/birds.py bird_photos/ --model efficientnet_lite0 --weights imagenet

Any folder with one subfolder a class will do. The text's traps, and what is done here:

- weights want their own pixels: the model's first layer makes them from RGB, 0..255;
- 1000 outputs for four classes: the head is new, with an output a class;
- "test set" for the photos that chose the epoch: a third part, which chooses nothing;
- the last epoch's weights after a better one: the best epoch's are kept and used;
- an accuracy alone: each has its 95 % interval, as one photo of 113 is 0.88 points.
"""  # noqa: E501

import argparse
import logging
from pathlib import Path

import residency as rs
from residency.records import best_epoch
from residency.report import confusions_in_words, curves, image_grid, prediction_grid


def main() -> None:
    """Looks at the photos, trains, judges, predicts."""
    args = arguments()
    # What a file of weights filled, and with which pixels, is told by the log.
    logging.basicConfig(format="%(message)s")
    logging.getLogger("residency.models").setLevel(logging.INFO)

    data = rs.data.load(args.photos, image_size=args.size, seed=123)
    look_at(data, args.out)

    model = rs.models.build(
        args.model,
        num_classes=data.num_classes,
        image_size=args.size,
        weights=args.weights,
    )
    start = f"from {args.weights}" if args.weights else "from random weights"
    print(f"\n{model.name}, {start}: {model.count_params():,} parameters")
    print(f"It takes RGB, 0..255, and has {model.output_shape[-1]} outputs.\n")

    run = rs.train(
        model,
        data,
        recipe="quick/photos",
        out=args.out,
        schedule__total_epochs=args.epochs,
    )
    if run.stopped:
        raise SystemExit(run.stopped)
    judge(run, args.out)
    show_predictions(run, data, args.photos, args.out)
    print(f"\nLook into {args.out}/: training.png, curves.png, predictions.png")


def look_at(data: rs.data.Dataset, out: Path) -> None:
    """Prints how many photos there are and what a batch is; draws a few."""
    width = max(len(name) for name in data.class_names) + 2
    print(" " * width + "".join(f"{part.name:>12}" for part in data.parts()))
    for number, name in enumerate(data.class_names):
        counts = [(part.labels == number).sum() for part in data.parts()]
        print(f"{name:{width}}" + "".join(f"{count:12}" for count in counts))

    some = data.train.sample(8, seed=0)
    batch = next(rs.data.in_order(some, data.image_size, batch_size=8))
    images, labels = batch.images, batch.labels
    print(f"\nA batch: {images.shape} {images.dtype}, {images.min()}..{images.max()}")
    print(f"Its labels: {labels.shape} {labels.dtype}, {labels.min()}..{labels.max()}")
    names = [data.class_names[label] for label in labels]
    title = "Training photos"
    image_grid(images, names, out / "training.png", columns=4, title=title)


def judge(run: "rs.Run", out: Path) -> None:
    """Prints accuracies with their intervals and what is taken for what."""
    curves(run.history, out / "curves.png")
    best = best_epoch(run.history)
    print(f"\nBest of {len(run.history)} epochs: {best.epoch}. Its weights are used.")
    for measured in run.evaluations:
        accuracy = measured.accuracy
        print(f"{measured.part}: {accuracy}; one photo is {100 / accuracy.total:.2f}")
        if measured.used_for_choosing:
            print("  (it chose the epoch, so it flatters; quote the test part)")
    print(f"\nOn the {measured.part} part:")
    print(*confusions_in_words(measured), sep="\n")


def show_predictions(run, data: rs.data.Dataset, photos: Path, out: Path) -> None:
    """Draws eight held-out photos under what the saved model says of them."""
    *_, held_out = data.parts()
    some = held_out.sample(8, seed=0)
    files = [photos / name for name in some.index.names]
    found, _ = rs.predict(run.folder / "best.keras", files)
    images = [some.frames[i] for i in range(len(some))]
    title = f"Photos of the {held_out.name} part; wrong ones in red"
    prediction_grid(found, images, out / "predictions.png", columns=4, title=title)


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Text 1 as a script.")
    parser.add_argument("photos", type=Path, help="one subfolder a class")
    parser.add_argument("--model", default="resnet50_keras2", help="the text's net")
    parser.add_argument("--weights", help="a file, or imagenet; default: random ones")
    parser.add_argument("--size", type=int, default=224, help="side in pixels")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("birds"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
