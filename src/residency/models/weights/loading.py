"""Weights of a file into a network: all that belong there, or none and the reason."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from residency.data.index import shortened
from residency.errors import ConfigError
from residency.models.catalog import CATALOG, Entry
from residency.models.preprocessing import PREPROCESSINGS, Preprocessing
from residency.models.weights.file import WeightFile, read
from residency.models.weights.likeness import guess
from residency.models.weights.matching import By, Matching, match, origin_of
from residency.models.weights.plan import Plan, plan
from residency.models.weights.published import IMAGENET, fetch_published
from residency.models.weights.report import LoadReport, faults
from residency.models.weights.traits import Traits, same_pixels, set_traits, traits_of

log = logging.getLogger(__name__)


def load_weights(
    model: keras.Model,
    weights: str | Path | WeightFile,
    *,
    by: By = "auto",
    class_names: Sequence[str] = (),
) -> LoadReport:
    """Copies the weights of a file into `model`; what differs is in the report.

    A head for other classes is left as it was built: of another number, or of other
    names where both are known. The epsilon of batch
    normalisation and the slope of leaky relus become those of the weights; pixels stay
    as the model has them, with a warning where the weights want others.

    Args:
        model: The network to fill; built for these weights by `residency.models.build`.
        weights: A file, by its path or as `residency.models.read_weights` returned it.
        by: For files of Keras: `"name"`; `"order"`, the layers in turn; or `"auto"`,
            by order only where no name fits.
        class_names: Of the model's outputs, in order; empty: not known. Files of ours
            name those of theirs.

    Returns:
        What became of each layer.

    Raises:
        ConfigError: No such file, or the weights of another network, which is named;
            the model is untouched.
        ExportError: A file that is damaged, cut short, or made to do harm.
    """
    file = weights if isinstance(weights, WeightFile) else read(weights)
    matching, planned, report = _compared(file, model, by, class_names)
    planned.apply(model)
    set_traits(model, matching.origin.traits)
    _tell(report)
    return report


def require_match(model: keras.Model, file: WeightFile) -> None:
    """Raises `ConfigError` where `load_weights` would; of `model`, names and shapes do.

    So it can be asked of a network without numbers, built on the device `"meta"`.
    """
    _compared(file, model, "auto")


def _compared(
    file: WeightFile, model: keras.Model, by: By, class_names: Sequence[str] = ()
) -> tuple[Matching, Plan, LoadReport]:
    matching = match(file, model, by)
    _require_same_strides(file, matching.origin.traits, model)
    planned = plan(matching, model, other_classes=_other_classes(file, class_names))
    report = LoadReport(
        file=str(file.path),
        model=model.name,
        origin=matching.origin.name,
        layers=planned.layers,
        notes=matching.notes + _on_pixels(file, matching, model),
    )
    _require_whole(report, file)
    return matching, planned, report


def _other_classes(file: WeightFile, class_names: Sequence[str]) -> str:
    """Returns how the file's classes differ; empty: they do not, or nobody says."""
    theirs = [str(name) for name in file.metadata.get("class_names") or ()]
    if not theirs or not class_names or theirs == list(class_names):
        return ""
    there, here = (
        shortened([repr(n)[1:-1][:40] for n in c]) for c in (theirs, class_names)
    )
    return f"classes {there} in the file, {here} here"


def open_weights(weights: str | Path | WeightFile, name: str) -> WeightFile:
    """Reads a file of weights, or those published for a network.

    Args:
        weights: A path, `"imagenet"`, or a file that was read.
        name: Of the network in the catalog.

    Raises:
        ConfigError: No such file, or nothing published for the network.
        DataError: They cannot be downloaded.
        ExportError: The file is damaged, cut short, or made to do harm.
    """
    if isinstance(weights, WeightFile):
        return weights
    return read(fetch_published(name) if weights == IMAGENET else weights)


def settings(
    file: WeightFile,
    entry: Entry,
    preprocessing: str | Preprocessing | None,
    options: Mapping[str, Any],
) -> tuple[str | Preprocessing | None, dict[str, Any]]:
    """Returns what a network must be built with for the weights of a file.

    Args:
        file: What `read_weights` returned.
        entry: The network.
        preprocessing: As the caller gave it; `None` takes that of the weights.
        options: As the caller gave them; they are obeyed.

    Raises:
        ConfigError: A file that no network here has the names of.
    """
    origin = origin_of(file)
    wanted = {n: v for n, v in origin.options.items() if n in entry.options}
    own = preprocessing if preprocessing is not None else origin.traits.preprocessing
    return own, wanted | dict(options)


def _require_same_strides(file: WeightFile, traits: Traits, model: keras.Model) -> None:
    here, there = traits_of(model).strided_1x1, traits.strided_1x1
    if here is None or there is None or here == there:
        return
    places = {True: "first 1x1 (version 1)", False: "3x3 (version 1.5)"}
    plain = model.name.removesuffix("_v1_5")
    other = plain if there else f"{plain}_v1_5"
    cure = f"Build {other!r}." if other in CATALOG else "Build the other version."
    raise ConfigError(
        f"{file.path}: these weights were trained with the stride on the "
        f"{places[there]} convolution of a block, {model.name!r} has it on the "
        f"{places[here]}. {cure}"
    )


def _require_whole(report: LoadReport, file: WeightFile) -> None:
    wrong = list(faults(report.layers))
    if not wrong:
        return
    first = wrong[0]
    more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    raise ConfigError(
        f"{file.path}: not the weights of {report.model!r}: {first.layer}: "
        f"{first.status}: {first.reason}{more}."
        f"{guess(file.arrays, but=report.model)} Build the network that the file "
        "was saved from, with the same options."
    )


def _on_pixels(
    file: WeightFile, matching: Matching, model: keras.Model
) -> tuple[str, ...]:
    """Returns a note on whose preprocessing the model has, with a warning if odd."""
    ours, theirs = traits_of(model).preprocessing, matching.origin.traits.preprocessing
    if ours is None:
        return ()
    if theirs is None:
        return (f"pixels: the file does not say what it expects; here {_words(ours)}",)
    if same_pixels(ours, theirs):
        return (f"pixels: {_words(ours)}, as the weights expect",)
    note = f"pixels: the weights expect {_words(theirs)}, the model has {_words(ours)}"
    log.warning("%s: %s, as it was told", file.path, note)
    return (note,)


def _words(pixels: Preprocessing) -> str:
    if pixels.name in PREPROCESSINGS:
        return repr(pixels.name)
    if pixels.image_size is not None:
        return f"a mean image, {pixels.channel_order.upper()}"
    means = ", ".join(f"{value:g}" for value in pixels.mean)
    stds = ", ".join(f"{value:g}" for value in pixels.std)
    return f"mean ({means}), deviation ({stds}), {pixels.channel_order.upper()}"


def _tell(report: LoadReport) -> None:
    """Logs the report; what is new must be trained, so that is a warning."""
    for layer in report.layers:
        if layer.status == "new":
            log.warning("%s: %s is new: %s", report.file, layer.layer, layer.reason)
    for line in report.lines():
        log.info("%s", line)
