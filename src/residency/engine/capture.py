"""A step on a GPU as one CUDA graph: recorded once, then launched whole.

A small network's kernels are done sooner than Python can launch the next ones; a graph
launches all of them at once.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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
    """

    def __init__(
        self,
        function: Callable[..., torch.Tensor],
        record: Callable[[], tuple[Graph, AbstractContextManager]] | None = None,
        side_stream: AbstractContextManager | None = None,
    ) -> None:
        self.function = function
        self.record = record or _cuda_graph
        self.side_stream = side_stream or _CudaSideStream()
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
                self.calls += 1
                with self.side_stream:
                    return self.function(*tensors)
            if shapes == self.shapes:
                self._record(tensors)
        if self.graph is None or shapes != self.shapes:
            return self.function(*tensors)
        for held, given in zip(self.inputs, tensors, strict=True):
            held.copy_(given, non_blocking=True)
        self.graph.replay()
        return self.output.clone()

    def _record(self, tensors: tuple[torch.Tensor, ...]) -> None:
        self.inputs = tuple(x.clone() for x in tensors)
        graph, recording = self.record()
        try:
            with recording:
                self.output = self.function(*self.inputs)
        except Exception as error:  # run as it is, the function says what is wrong
            self.failed, self.inputs, self.output = True, (), None
            while error.__context__ is not None:  # what came first
                error = error.__context__
            reason = str(error).splitlines()[0]
            logger.warning("the step runs without a CUDA graph: %s", reason)
            return
        self.graph = graph


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
