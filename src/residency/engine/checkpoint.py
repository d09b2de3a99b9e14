"""Checkpoints: one safetensors file each, whole or absent, no pickles.

Tensors: the model's variables, the optimizer's state, the random state.
Metadata: the counters of `TrainState`, the loss scale and the Keras callbacks.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from residency.engine.optimizers import give_state
from residency.engine.state import INTERRUPTED, TrainState
from residency.engine.step import Step
from residency.errors import EngineError
from residency.files import replacing
from residency.records import epoch_from_json, epoch_to_json

KEEP = 2
FORMAT = "2"  # raised when what is stored changes


def save_checkpoint(
    folder: Path, step: Step, state: TrainState, callbacks: list[dict[str, Any]]
) -> Path:
    """Writes a checkpoint, then removes all but the newest two."""
    plain = [{k: c[k] for k in ("class", "values")} for c in callbacks]
    metadata = {
        "format": FORMAT,
        "state": json.dumps(_counters(state)),
        "scaler": json.dumps(step.scaler.state_dict()),
        "micro_batch": json.dumps(step.micro_batch),
        "callbacks": json.dumps(plain),
    }
    tensors = _tensors(step) | _callback_tensors(callbacks)
    path = folder / f"step-{state.step:09d}.safetensors"
    with replacing(path) as temporary:
        try:
            save_file(tensors, str(temporary), metadata)
        except SafetensorError as error:  # a full disk, as safetensors calls it
            raise OSError(str(error)) from error
    for old in checkpoints(folder)[:-KEEP]:
        old.unlink(missing_ok=True)
    return path


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint as it was read."""

    path: Path
    metadata: dict[str, str]
    tensors: dict[str, torch.Tensor]

    def state(self) -> TrainState:
        """Returns the counters."""
        counters = json.loads(self.metadata["state"])
        history = [epoch_from_json(record) for record in counters.pop("history")]
        return TrainState(**counters, history=history)

    def callbacks(self) -> list[dict[str, Any]]:
        """Returns the state of the Keras callbacks."""
        callbacks = json.loads(self.metadata["callbacks"])
        for number, callback in enumerate(callbacks):
            callback["arrays"] = _callback_arrays(self.tensors, number)
        return callbacks

    def restore(self, step: Step) -> None:
        """Gives `step` its variables, optimizer, loss scale and the random state.

        Raises:
            EngineError: The checkpoint is of another model.
        """
        _restore(step, self.tensors, self.path)
        step.scaler.load_state_dict(json.loads(self.metadata["scaler"]))
        if step.average is None:  # several processes cannot cut their shares alike
            step.micro_batch = json.loads(self.metadata["micro_batch"])


def load_checkpoint(
    folder: Path, step: Step
) -> tuple[TrainState, list[dict[str, Any]]] | None:
    """Restores the newest readable checkpoint into `step`.

    Returns:
        The counters and the callbacks' state; `None` if there is no checkpoint.

    Raises:
        EngineError: The checkpoint is of another model or version, or none is
            readable.
    """
    saved = read_checkpoint(folder)
    if saved is None:
        return None
    saved.restore(step)
    return saved.state(), saved.callbacks()


def read_checkpoint(folder: Path) -> Saved | None:
    """Returns the newest readable checkpoint; `None` if there is none at all.

    Raises:
        EngineError: It is of another version, or none is readable.
    """
    found = checkpoints(folder)
    for path in reversed(found):
        try:
            with safe_open(str(path), "pt") as file:
                metadata = file.metadata()
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError):
            continue  # damaged after it was written: the one before serves
        if metadata.get("format") != FORMAT:
            raise EngineError(
                f"{path}: was written by another version of Residency. Finish the run "
                "with that version; environment.json in the run folder names it."
            )
        return Saved(path, metadata, tensors)
    if found:
        raise EngineError(f"{folder}: none of {len(found)} checkpoints can be read.")
    return None


def checkpoints(folder: Path) -> list[Path]:
    """Returns the checkpoints in `folder`, oldest first."""
    return sorted(folder.glob("step-*.safetensors"))


def _counters(state: TrainState) -> dict[str, Any]:
    counters = dataclasses.asdict(
        dataclasses.replace(
            state, loss_sum=float(state.loss_sum), history=[], broken={}
        )
    )
    del counters["broken"]
    counters["history"] = [epoch_to_json(record) for record in state.history]
    if state.stop == INTERRUPTED:
        counters["stop"] = None  # the next session goes on
    return counters


def _callback_tensors(callbacks: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Returns the callbacks' lists of arrays, such as the best weights."""
    return {
        f"callbacks/{number}/{name}/{place:04d}": torch.tensor(array).contiguous()
        for number, callback in enumerate(callbacks)
        for name, arrays in callback["arrays"].items()
        for place, array in enumerate(arrays)
    }


def _callback_arrays(
    tensors: dict[str, torch.Tensor], number: int
) -> dict[str, list[Any]]:
    """Returns what `_callback_tensors` stored for one callback."""
    found: dict[str, list[Any]] = {}
    prefix = f"callbacks/{number}/"
    for key in sorted(key for key in tensors if key.startswith(prefix)):
        name = key.removeprefix(prefix).split("/")[0]
        found.setdefault(name, []).append(tensors[key].numpy())
    return found


def _tensors(step: Step) -> dict[str, torch.Tensor]:
    """Returns contiguous copies of all tensors by name."""
    tensors = {f"model/{k}": v for k, v in step.network.variables().items()}
    for number, buffers in step.optimizer.state_dict()["state"].items():
        for name, value in buffers.items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimizer/{number}/{name}"] = value
    tensors["random/cpu"] = torch.get_rng_state()
    if step.network.device.type == "cuda":
        tensors["random/cuda"] = torch.cuda.get_rng_state()
    return {k: v.detach().to("cpu", copy=True).contiguous() for k, v in tensors.items()}


def _restore(step: Step, tensors: dict[str, torch.Tensor], path: Path) -> None:
    variables = step.network.variables()
    here = {f"model/{k}": v.shape for k, v in variables.items()}
    saved = {k: v.shape for k, v in tensors.items() if k.startswith("model/")}
    if saved != here:
        odd = sorted(set(saved.items()) ^ set(here.items()))[0]
        raise EngineError(
            f"{path}: is a checkpoint of another model; {odd[0]!r} of shape "
            f"{tuple(odd[1])} is in one and not in the other."
        )
    with torch.no_grad():
        for key, value in variables.items():
            value.copy_(tensors[f"model/{key}"])
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer/"):
            _, number, name = key.split("/")
            state.setdefault(int(number), {})[name] = value
    give_state(step.optimizer, state)
    torch.set_rng_state(tensors["random/cpu"])
    if "random/cuda" in tensors and step.network.device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random/cuda"])
