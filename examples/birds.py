"""Text 1: ResNet-50, built from its blocks, learns four kinds of birds from photos.

    python examples/birds.py bird_photos/
    python examples/birds.py bird_photos/ --weights FILE.h5
    python examples/birds.py bird_photos/ --model efficientnet_lite0 --weights imagenet

FILE.h5 is the text's resnet50_weights_tf_dim_ordering_tf_kernels.h5, and any folder
with a subfolder for each class will do. The text's traps, and what is done:

- Weights want the pixels they were trained on: the model's first layer makes them.
- Four classes want four outputs, not a thousand: the head is new.
- The photos that chose the epoch are no test set: a third part chooses nothing.
- The last epoch need not be the best: the best epoch's weights are kept and used.
- One photo of 113 is 0.88 points: each accuracy comes with its 95 % interval.

With `--weights`, only the new head trains; without, everything does, and the text's
565 photos are few for that.
"""

import argparse
import logging
from pathlib import Path

import residency as rs
from residency.records import Evaluation, best_epoch
from residency.report import confusions_in_words, curves, image_grid, prediction_grid


def main() -> None:
    """Looks at the photos, trains, judges, predicts."""
    args = arguments()
    logging.basicConfig(format="%(message)s")
    logging.getLogger("residency.models").setLevel(logging.INFO)  # what weights filled

    data = rs.data.load(args.photos, image_size=args.size, seed=123)
    count_photos(data)
    look_at_a_batch(data, args.out / "training.png")

    model = rs.models.build(
        args.model,
        num_classes=data.num_classes,
        image_size=args.size,
        weights=args.weights,
    )
    print(f"\n{model.name}: {model.count_params():,} parameters")
    print(f"It takes RGB, 0..255, and gives {model.output_shape[-1]} probabilities.\n")

    run = rs.train(
        model,
        data,
        recipe="finetune/head" if args.weights else "quick/photos",
        out=args.out,
        schedule__total_epochs=args.epochs,
    )
    if run.stopped:
        raise SystemExit(run.stopped)

    curves(run.history, args.out / "curves.png")
    best = best_epoch(run.history)
    print(f"\nEpoch {best.epoch} of {args.epochs} was the best; its weights are used.")
    for evaluation in run.evaluations:
        judge(evaluation)
    predict(run.folder / "best.keras", data, args.photos, args.out / "predictions.png")
    print(f"\nLook into {args.out}/: training.png, curves.png, predictions.png")


def count_photos(data: rs.data.Dataset) -> None:
    """Prints how many photos each class has in each part."""
    print(f"{'class':26}" + "".join(f"{part.name:>12}" for part in data.parts()))
    for number, name in enumerate(data.class_names):
        counts = [(part.labels == number).sum() for part in data.parts()]
        print(f"{name:26}" + "".join(f"{count:12}" for count in counts))


def look_at_a_batch(data: rs.data.Dataset, picture: Path) -> None:
    """Prints what a batch of training photos is, and draws it."""
    some = data.train.sample(8, seed=0)
    batch = next(rs.data.in_order(some, data.image_size, batch_size=8))
    for name, array in (("images", batch.images), ("labels", batch.labels)):
        low, high = array.min(), array.max()
        print(f"{name} of a batch: {array.shape}, {array.dtype}, {low} to {high}")
    titles = [data.class_names[label] for label in batch.labels]
    image_grid(batch.images, titles, picture, columns=4, title="Training photos")


def judge(evaluation: Evaluation) -> None:
    """Prints how good the model is on a part, and what it takes for what."""
    used = " (chose the epoch, so flatters)" if evaluation.used_for_choosing else ""
    print(f"\n{evaluation.part}{used}: {evaluation.accuracy}")
    print(f"One photo is {100 / evaluation.accuracy.total:.2f} points.")
    print(*confusions_in_words(evaluation), sep="\n")


def predict(model: Path, data: rs.data.Dataset, photos: Path, picture: Path) -> None:
    """Draws eight held-out photos under what the saved model says of them."""
    *_, held_out = data.parts()
    some = held_out.sample(8, seed=0)
    found, _ = rs.predict(model, [photos / name for name in some.index.names])
    images = [some.frames[i] for i in range(len(some))]
    title = f"Photos of the {held_out.name} part; red: wrong"
    prediction_grid(found, images, picture, columns=4, title=title)


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Text 1: birds.")
    parser.add_argument("photos", type=Path, help="a subfolder for each class")
    parser.add_argument("--model", default="resnet50_keras2", help="the text's network")
    parser.add_argument("--weights", help="a file, or imagenet; none: random ones")
    parser.add_argument("--size", type=int, default=224, help="side in pixels")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("birds"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
