"""What is recorded, replayed and left alone; on a GPU, that it is the same step."""

import warnings
import weakref
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import torch

from residency.engine.capture import WARM_UP, Captured, collected
from residency.engine.network import Network
from residency.training import SGD, AdamW

from .conftest import small_model
from .test_step import make_step


class Tape:
    """Stands in for a CUDA graph: replays the calls on the tensors of the recording."""

    def __init__(self, function):
        self.function, self.recording, self.replays = function, False, 0

    def __call__(self, *tensors):
        if not self.recording:
            return self.function(*tensors)
        self.tensors = tensors
        self.output = torch.empty(())
        return self.output

    @contextmanager
    def recorder(self):
        self.recording = True
        try:
            yield
        finally:
            self.recording = False

    def replay(self):
        self.replays += 1
        self.output.copy_(self.function(*self.tensors))


def captured(function):
    tape = Tape(function)
    run = Captured(tape, lambda: (tape, tape.recorder()), nullcontext(), no_waits)
    return run, tape


def no_waits():
    return nullcontext([])


def test_every_call_counts_once_whether_recorded_or_not():
    total = torch.zeros(())

    def add(x):
        total.add_(x.sum())
        return total.clone()

    run, tape = captured(add)
    sums = [float(run(torch.full((2,), float(n)))) for n in range(8)]
    assert sums == [0.0, 2.0, 6.0, 12.0, 20.0, 30.0, 42.0, 56.0]
    assert tape.replays == 8 - WARM_UP


def test_results_are_not_overwritten_by_the_next_call():
    run, _ = captured(torch.sum)
    results = [run(torch.tensor([float(n)])) for n in range(6)]
    assert [float(x) for x in results] == [0, 1, 2, 3, 4, 5]


def test_another_shape_runs_as_it_is():
    run, tape = captured(torch.sum)
    for _ in range(5):
        run(torch.ones(4))
    before = tape.replays
    assert float(run(torch.ones(3))) == 3
    assert tape.replays == before
    assert float(run(torch.full((4,), 2.0))) == 8
    assert tape.replays == before + 1


def test_the_largest_shape_is_recorded_not_that_of_a_last_batch():
    run, tape = captured(torch.sum)
    for size in (3, 8, 8, 8, 3, 8, 3):
        assert float(run(torch.ones(size))) == size
    assert tape.tensors[0].shape == (8,)
    assert tape.replays == 1


def test_what_cannot_be_recorded_runs_as_it_is_and_says_why_once(caplog):
    @contextmanager
    def refuses():
        yield
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    calls = []
    run = Captured(
        lambda x: calls.append(1) or x,
        lambda: (None, refuses()),
        nullcontext(),
        no_waits,
    )
    for n in range(7):
        assert float(run(torch.tensor(float(n)))) == n
    assert caplog.text.count("without a CUDA graph: operation not permitted") == 1


def test_an_error_without_words_is_named_by_its_kind(caplog):
    @contextmanager
    def refuses():
        yield
        raise NotImplementedError

    run = Captured(torch.sum, lambda: (None, refuses()), nullcontext(), no_waits)
    for _ in range(5):
        assert float(run(torch.ones(2))) == 2
    assert "without a CUDA graph: NotImplementedError" in caplog.text


def test_what_waits_is_not_recorded_and_the_place_is_named(caplog):
    """Only the last of the runs before counts: the first make the optimizer's state."""
    tape = Tape(torch.sum)
    seen = []

    @contextmanager
    def waits():
        seen.append(run.calls)
        found = []
        with collected(found):
            yield found

    def wait(x):
        warnings.warn("called a synchronizing CUDA operation", stacklevel=1)
        return x.sum()

    run = Captured(wait, lambda: (tape, tape.recorder()), nullcontext(), waits)
    for _ in range(3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run(torch.ones(2))
    with pytest.warns(match="synchronizing"):
        assert float(run(torch.ones(2))) == 2
    assert seen == [WARM_UP]
    assert tape.replays == 0
    assert f"{__file__}:" in caplog.text


def test_other_warnings_are_still_given():
    places = []
    with pytest.warns(match="something else"), collected(places):
        warnings.warn("something else", stacklevel=1)
    assert places == []


def test_letting_go_frees_what_was_recorded():
    run, tape = captured(torch.sum)
    for _ in range(WARM_UP + 1):
        run(torch.ones(4))
    kept = weakref.ref(run.inputs[0].untyped_storage())
    del tape.tensors
    run.let_go()
    assert kept() is None
    assert run.graph is None
    assert float(run(torch.ones(4))) == 4
    assert tape.replays == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("config", [SGD(learning_rate=0.1), AdamW()])
def test_a_recorded_step_is_the_step(config, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    random = np.random.default_rng(0)
    found = []
    for recorded in (True, False):
        model = small_model()
        model.get_layer("dropout").rate = 0.0
        step = make_step(Network(model), config)
        if not recorded:
            step._run = step._move
        for n in range(8):
            images = random.integers(0, 256, (6, 8, 8, 3)).astype("uint8")
            step(images, np.arange(6) % 3, 0.1 / (n + 1))
        if recorded:
            assert step._run.graph is not None
        found.append([v.numpy() for v in model.variables])
        random = np.random.default_rng(0)
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
