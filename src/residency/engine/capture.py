"""A step on a GPU as one CUDA graph: recorded once, then launched whole.

A small network's kernels are done sooner than Python can launch the next ones; a graph
launches all of them at once.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import torch

logger = logging.getLogger(__name__)

WARM_UP = 3  # runs before the recording: kernels are chosen, optimizer state is made


class Graph(Protocol):
    """What was recorded."""

    def replay(self) -> None:
        """Runs it again on what its tensors hold now."""


class Captured:
    """A function of tensors, recorded at its fourth call and replayed from then on.

    It may use nothing of a call but its tensors: all else stays as it was at the
    recording. Tensors of other shapes than those recorded go to the function itself.
    Where the function cannot be recorded, because it waits for the GPU, it runs as it
    is, and a line in the log says why.

    Args:
        function: From tensors to one tensor.
        record: Makes an empty graph and the context that records into it; CUDA's.
        side_stream: The context for the runs before the recording; CUDA's.
        waits: Makes a context with a list that is then filled with the places in the
            source that waited for the GPU; CUDA's.
    """

    def __init__(
        self,
        function: Callable[..., torch.Tensor],
        record: Callable[[], tuple[Graph, AbstractContextManager]] | None = None,
        side_stream: AbstractContextManager | None = None,
        waits: Callable[[], AbstractContextManager[list[str]]] | None = None,
    ) -> None:
        self.function = function
        self.record = record or _cuda_graph
        self.side_stream = side_stream or _CudaSideStream()
        self.waits = waits or _cuda_waits
        self.shapes: list[torch.Size] = []  # those of the largest call so far
        self.calls = 0  # with these shapes
        self.graph: Graph | None = None
        self.failed = False
        self.inputs: tuple[torch.Tensor, ...] = ()
        self.output: Any = None

    def __call__(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Returns what the function returns."""
        shapes = [x.shape for x in tensors]
        if self.graph is None and not self.failed:
            if not self.shapes or shapes[0].numel() > self.shapes[0].numel():
                self.shapes, self.calls = shapes, 0
            if shapes == self.shapes and self.calls < WARM_UP:
                return self._warm_up(tensors)
            if shapes == self.shapes:
                self._record(tensors)
        if self.graph is None or shapes != self.shapes:
            return self.function(*tensors)
        for held, given in zip(self.inputs, tensors, strict=True):
            held.copy_(given, non_blocking=True)
        self.graph.replay()
        return self.output.clone()

    def _warm_up(self, tensors: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """Runs the function; the last time it must not wait, or is not recorded.

        A recording that fails leaves memory behind, so it is not tried in vain.
        """
        self.calls += 1
        last = self.calls == WARM_UP
        with self.side_stream, self.waits() if last else nullcontext([]) as found:
            output = self.function(*tensors)
        if found:
            self.let_go()
            self._say_why(f"{found[0]} waits for the GPU")
        return output

    def _record(self, tensors: tuple[torch.Tensor, ...]) -> None:
        self.inputs = tuple(x.clone() for x in tensors)
        graph, recording = self.record()
        try:
            with recording:
                self.output = self.function(*self.inputs)
        except Exception as error:  # run as it is, the function says what is wrong
            self.let_go()
            while error.__context__ is not None:  # what came first
                error = error.__context__
            reason = str(error) or type(error).__name__
            self._say_why(reason.splitlines()[0])
            return
        self.graph = graph

    def let_go(self) -> None:
        """Frees the recording; from now on the function runs as it is."""
        self.failed = True
        self.graph, self.inputs, self.output = None, (), None

    def _say_why(self, reason: str) -> None:
        logger.warning("the step runs without a CUDA graph: %s", reason)


def _cuda_graph() -> tuple[Graph, AbstractContextManager]:
    graph = torch.cuda.CUDAGraph()
    return graph, _recording(graph)


@contextmanager
def _recording(graph: torch.cuda.CUDAGraph) -> Iterator[None]:
    stream = torch.cuda.current_stream()
    try:
        with torch.cuda.graph(graph):
            yield
    except BaseException:
        torch.cuda.set_stream(stream)  # an aborted recording leaves its own behind
        raise


@contextmanager
def _cuda_waits() -> Iterator[list[str]]:
    found: list[str] = []
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with collected(found):
            yield found
    finally:
        torch.cuda.set_sync_debug_mode(before)


@contextmanager
def collected(places: list[str]) -> Iterator[None]:
    """Adds where torch warned of an operation that waits; others warn as they do."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for each in caught:
        if "synchronizing CUDA operation" in str(each.message):
            places.append(f"{each.filename}:{each.lineno}")
        else:
            warnings.warn_explicit(
                each.message, each.category, each.filename, each.lineno
            )


class _CudaSideStream(AbstractContextManager):
    """Runs what is inside on a stream of its own, in order with the rest."""

    stream: Any = None

    def __enter__(self) -> None:
        self.stream = self.stream or torch.cuda.Stream()
        self.stream.wait_stream(torch.cuda.current_stream())
        self.context = torch.cuda.stream(self.stream)
        self.context.__enter__()

    def __exit__(self, *error: Any) -> None:
        self.context.__exit__(*error)
        torch.cuda.current_stream().wait_stream(self.stream)
