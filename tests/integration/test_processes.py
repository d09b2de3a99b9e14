"""Training by two processes from the command line, stopped and killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from residency import resume
from residency.models import load_model

pytestmark = pytest.mark.slow

SCRIPT = """
import faulthandler, os, sys, time
from pathlib import Path
import keras
import residency as rs
from residency.cli.app import main

class Slow(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.3)

Path(f"pid-{os.environ['RANK']}").write_text(str(os.getpid()))
if sys.argv[1] == "slowly":
    faulthandler.dump_traceback_later(100)  # if it hangs, where
    from residency import run
    train = run.train
    run.train = lambda *args, **named: train(*args, callbacks=[Slow()], **named)
    del sys.argv[1]
main()
"""
SETTINGS = (
    "model=cifar_resnet20 data.image_size=16 data.batch_size=8 data.cache=stream "
    "data.workers=1 schedule.total_epochs=2 optimizer.learning_rate=1e-4"
)
TRAIN = ["train", "quick/photos", "--data", "photos", "--out", "runs"]
for setting in SETTINGS.split():
    TRAIN += ["--set", setting.replace("model=", "model.name=")]


@pytest.fixture(scope="module")
def work(tmp_path_factory, two_processes):
    """A folder with 44 photos, two of them broken, and two runs never stopped."""
    root = tmp_path_factory.mktemp("work")
    random = np.random.default_rng(0)
    for number in range(44):
        pixels = random.integers(0, 200, (24, 20, 3))
        pixels[..., number % 2] += 50
        path = root / "photos" / ("red", "green")[number % 2] / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype("uint8")).save(path)
    for name in ("red/00.png", "green/01.png"):
        path = root / "photos" / name
        path.write_bytes(path.read_bytes()[:200])  # the header says nothing of it
    (root / "script.py").write_text(SCRIPT)
    alone = [sys.executable, "-m", "residency", *TRAIN, "--name", "one"]
    subprocess.run(alone, cwd=root, check=True, timeout=300, capture_output=True)
    run = two_processes(root, "script.py", *TRAIN, "--name", "two")
    output, errors = run.communicate(timeout=300)
    assert run.returncode == 0, errors
    (root / "output").write_text(output)
    return root


def weights(path: Path) -> dict[str, np.ndarray]:
    model, _ = load_model(path)
    return {variable.path: variable.numpy() for variable in model.variables}


def steps(run: Path) -> list[int]:
    found = sorted((run / "checkpoints").glob("step-*.safetensors"))
    return [int(path.stem.removeprefix("step-")) for path in found]


def stopped(two_processes, root, name, stop):
    """Starts a slow run, calls `stop` after some steps; returns it and its output."""
    command = ("script.py", "slowly", *TRAIN, "--set", "checkpoint_minutes=0")
    run = two_processes(root, *command, "--name", name)
    end = time.monotonic() + 120
    while not any(step >= 3 for step in steps(root / "runs" / name)):
        if time.monotonic() > end or run.poll() is not None:
            run.terminate()  # torchrun ends the others
            pytest.fail(run.communicate()[1])
        time.sleep(0.05)
    stop(run)
    return run, *run.communicate(timeout=120)


def test_two_processes_do_what_one_does_and_one_of_them_speaks(work):
    one, two = (work / "runs" / name for name in ("one", "two"))
    start, a, b = (
        weights(path)
        for path in (
            one / "checkpoints/model.keras",
            one / "last.keras",
            two / "last.keras",
        )
    )
    moved = np.sqrt(sum(((a[k] - start[k]) ** 2).sum() for k in a))
    apart = np.sqrt(sum(((a[k] - b[k]) ** 2).sum() for k in a))
    assert apart < 1e-3 * moved
    assert json.loads((one / "quarantine.json").read_text()) == json.loads(
        (two / "quarantine.json").read_text()
    )
    lines = (work / "output").read_text().splitlines()
    for text in ("data  ", "steps ", "epoch 1/2", "test accuracy", "Report:"):
        assert len([line for line in lines if line.startswith(text)]) == 1, text
    assert "shared by 2 processes" in (work / "output").read_text()
    names = sorted(path.name for path in (work / "runs").iterdir() if path.is_dir())
    assert {"latest", "one", "two"} <= set(names)


def test_a_stopped_run_goes_on_to_the_same_weights(work, two_processes):
    def stop(run):
        run.send_signal(signal.SIGTERM)  # torchrun passes it on, to data workers too

    _run, output, _ = stopped(two_processes, work, "stopped", stop)
    assert "Interrupted. Go on with: residency resume runs/stopped" in output
    assert 3 <= steps(work / "runs/stopped")[-1] < 8
    again = two_processes(work, "script.py", "resume", "runs/stopped")
    errors = again.communicate(timeout=300)[1]
    assert again.returncode == 0, errors
    mine, straight = (
        weights(work / "runs" / name / "last.keras") for name in ("stopped", "two")
    )
    for path, value in straight.items():
        assert np.array_equal(mine[path], value), path


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_is_one_line_and_a_checkpoint(
    work, two_processes, monkeypatch, rank
):
    name = f"killed-{rank}"

    def kill(run):
        os.kill(int((work / f"pid-{rank}").read_text()), signal.SIGKILL)

    run, _, errors = stopped(two_processes, work, name, kill)
    assert run.returncode != 0
    told = [line for line in errors.splitlines() if line.startswith("error:")]
    step = steps(work / "runs" / name)[-1]
    assert told == [
        f"error: the process of rank {rank} died: it was killed, or memory ran out. "
        f"The checkpoint of step {step} is whole; go on with: torchrun "
        f"--nproc-per-node=2 -m residency resume runs/{name}"
    ]
    if rank == 0:
        monkeypatch.chdir(work)  # one process can go on, too
        assert resume(f"runs/{name}", progress=False).stopped is None


def test_a_mistake_is_told_once(work, two_processes):
    run = two_processes(work, "script.py", "train", "quick/fotos")
    errors = run.communicate(timeout=120)[1]
    told = [line for line in errors.splitlines() if line.startswith("error:")]
    assert len(told) == 1
    assert "Did you mean 'quick/photos'" in told[0]
