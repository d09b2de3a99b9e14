"""Inference: ours, plain torch, Keras, ONNX Runtime and OpenVINO."""

import tempfile
from collections.abc import Callable
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras_variants
import numpy as np
import torch
from cases import Case
from keras_variants import Run
from measuring import DEVICE
from training import compile_network, precisions
from twins import plain_network

from residency.engine.network import Network

OPENVINO_PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


class Inference:
    """The variants that infer in this process, by name; each is built when asked for.

    All read the same float32 images from memory. The exported networks are the plain
    torch network itself.
    """

    def __init__(self, case: Case, *, compiled: bool) -> None:
        self.case = case
        self._ours = cache(case.keras_model)
        self._plain = cache(self._build_plain)
        self._exported = cache(self._export)
        self.makers: dict[str, Callable[[], Run]] = {}
        for precision in precisions():
            self.makers[f"residency, {precision}"] = partial(self.ours, precision)
        for precision in precisions():
            self.makers[f"plain torch, channels last, {precision}"] = partial(
                self.plain, precision
            )
        if compiled:
            best = precisions()[-1]
            self.makers[f"plain torch, compiled, {best}"] = partial(
                self.plain, best, compiled=True
            )
        for precision in precisions():
            self.makers[f"keras predict on torch, {precision}"] = partial(
                keras_variants.predict, case, precision
            )
        for precision in precisions():
            self.makers[f"accelerated keras predict, {precision}"] = partial(
                keras_variants.predict, case, precision, accelerated=True
            )
        if DEVICE.type != "cpu" or not find_spec("onnxscript"):
            return  # the other two are measured on processors
        if find_spec("onnxruntime"):
            self.makers["onnxruntime, float32"] = self.onnxruntime
        if find_spec("openvino"):
            for precision in precisions():
                self.makers[f"openvino, {precision}"] = partial(
                    self.openvino, precision
                )

    def ours(self, precision: str) -> Run:
        """Returns a sample of what `residency predict` does with each batch."""
        network = Network(self._ours(), precision)
        images = self.case.images()

        def run() -> None:
            with torch.inference_mode():
                for _ in range(self.case.steps):
                    network.logits(images, training=False)

        return run

    def plain(self, precision: str, *, compiled: bool = False) -> Run:
        """Returns a sample of the plain torch network."""
        network: Any = self._plain().to(DEVICE)
        network = compile_network(network) if compiled else network
        images = self._channels_last()
        narrow = precision == "bfloat16"

        def run() -> None:
            autocast = torch.autocast(DEVICE.type, torch.bfloat16, enabled=narrow)
            with torch.inference_mode(), autocast:
                for _ in range(self.case.steps):
                    network(images.to(DEVICE, non_blocking=True))

        return run

    def onnxruntime(self) -> Run:
        """Returns a sample of ONNX Runtime on the exported network."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session: Any = onnxruntime.InferenceSession(
            self._exported(), options, providers=["CPUExecutionProvider"]
        )
        given = {session.get_inputs()[0].name: self._channels_first()}
        return lambda: [session.run(None, given) for _ in range(self.case.steps)]

    def openvino(self, precision: str) -> Run:
        """Returns a sample of OpenVINO on the exported network."""
        import openvino

        settings = {
            "INFERENCE_PRECISION_HINT": OPENVINO_PRECISIONS[precision],
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        network = openvino.Core().compile_model(self._exported(), "CPU", settings)
        images = self._channels_first()
        return lambda: [network(images) for _ in range(self.case.steps)]

    def _build_plain(self) -> torch.nn.Module:
        network = plain_network(self.case).eval()
        return network.to(memory_format=torch.channels_last)

    def _channels_last(self) -> torch.Tensor:
        return torch.from_numpy(self.case.images()).float().permute(0, 3, 1, 2)

    def _channels_first(self) -> np.ndarray:
        return self._channels_last().contiguous().numpy()

    def _export(self) -> Path:
        """Writes the plain network as ONNX and returns the file."""
        folder = tempfile.TemporaryDirectory(prefix="residency-benchmark-")
        self._folder = folder  # removed with this object
        path = Path(folder.name) / "network.onnx"
        example = (self._channels_last(),)
        torch.onnx.export(self._plain(), example, path, verbose=False)
        return path
