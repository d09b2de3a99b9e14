"""Two processes, started by torchrun, against one on the same batches."""

import os
from itertools import pairwise

import numpy as np
import pytest
import torch

from residency.engine.distributed import Processes, joined

SCRIPT = """
import numpy as np, torch
from residency.engine.distributed import joined
from residency.engine.lowering.shared_statistics import SharedBatchNorm

CUTS = [(0, 5, 8), (0, 0, 4)]
with joined() as processes:
    found = {"threads": torch.get_num_threads()}
    for case, cuts in enumerate(CUTS):
        given = np.load("given.npz")
        start, end = cuts[processes.rank : processes.rank + 2]
        processes.share = (end - start) / cuts[-1]
        rows = slice(start, max(end, start + 1))  # one that does not count, for none
        x, gamma, beta, weights = (torch.from_numpy(given[k]) for k in "xgbw")
        x, weights = x[rows].clone().requires_grad_(), weights[rows]
        gamma.requires_grad_(), beta.requires_grad_()
        y, mean, variance = SharedBatchNorm.apply(x, gamma, beta, 1e-3, processes)
        (y * weights).sum().div(len(x)).backward()
        share = processes.share
        of = {"y": y, "dx": x.grad * share, "dg": gamma.grad, "db": beta.grad}
        weighted = [processes.sum(of[k] * share) for k in ("dg", "db")]
        of = of | dict(zip(("dg", "db"), weighted)) | {"mean": mean, "var": variance}
        for name, value in of.items():
            found[f"{case}/{name}"] = value.detach().numpy()
    assert processes.gather(processes.rank) == [0, 1]
    assert processes.from_first(lambda: processes.rank) == 0
    np.savez(f"rank{processes.rank}.npz", **found)
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory, two_processes):
    """What two processes computed, and what they were given."""
    folder = tmp_path_factory.mktemp("shared")
    random = np.random.default_rng(0)
    given = {
        "x": random.normal(100, 2, (8, 3, 4, 4)),  # far from 0, as sums like least
        "g": random.normal(size=3),
        "b": random.normal(size=3),
        "w": random.normal(size=(8, 3, 4, 4)),
    }
    np.savez(folder / "given.npz", **given)
    (folder / "script.py").write_text(SCRIPT)
    run = two_processes(folder, "script.py")
    errors = run.communicate(timeout=300)[1]
    assert run.returncode == 0, errors
    return given, [np.load(folder / f"rank{rank}.npz") for rank in (0, 1)]


@pytest.mark.parametrize(("case", "cuts"), [(0, (0, 5, 8)), (1, (0, 0, 4))])
def test_shared_statistics_are_those_of_the_whole_batch(shared, case, cuts):
    """Against torch's own in one process, float64; in one case a share is empty."""
    given, ranks = shared
    count = cuts[-1]
    x, gamma, beta, weights = (torch.from_numpy(given[k]) for k in "xgbw")
    x, weights = x[:count].clone().requires_grad_(), weights[:count]
    gamma.requires_grad_(), beta.requires_grad_()
    y = torch.nn.functional.batch_norm(x, None, None, gamma, beta, True, 0.0, 1e-3)
    (y * weights).sum().div(count).backward()
    variance, mean = torch.var_mean(x.detach(), (0, 2, 3), correction=0)
    for rank, (start, end) in zip(ranks, pairwise(cuts), strict=True):
        names = ("y", "dx", "dg", "db", "mean", "var")
        found = {name: rank[f"{case}/{name}"] for name in names}
        assert np.allclose(found["mean"], mean, rtol=1e-12)
        assert np.allclose(found["var"], variance, rtol=1e-10)
        assert np.allclose(found["dg"], gamma.grad, atol=1e-11)
        assert np.allclose(found["db"], beta.grad, atol=1e-11)
        if end > start:
            assert np.allclose(found["y"], y.detach()[start:end], atol=1e-10)
            assert np.allclose(found["dx"], x.grad[start:end], atol=1e-11)
        else:
            assert (found["dx"] == 0).all()


def test_threads_are_this_machines_share(shared):
    threads = [int(rank["threads"]) for rank in shared[1]]
    assert threads == [max(1, os.cpu_count() // 2)] * 2


def test_alone_is_one_process_and_changes_nothing():
    with joined() as processes:
        assert processes == Processes(0, 1)
        assert processes.first
        assert processes.from_first(lambda: 3) == 3
        assert processes.gather(4) == [4]
        assert processes.sum(torch.ones(2)).tolist() == [1, 1]
