"""A variant in a process of its own: Keras on another backend.

The process answers each line of JSON with a line of JSON, so that its samples are
taken in turn with those of all others.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from typing import Any

from cases import CASES


class Apart:
    """A variant that runs elsewhere; calling it takes one sample there.

    Args:
        model: A key of `CASES`.
        work: `"training"` or `"inference"`.
        backend: Keras' name of it.
        precision: `"float32"` or `"bfloat16"`.
        threads: How many processors it may use.
    """

    def __init__(
        self, model: str, work: str, backend: str, precision: str, threads: int
    ) -> None:
        self.name = f"{model}, {work} on {backend}, {precision}"
        self._process = subprocess.Popen(
            [sys.executable, __file__, model, work, precision, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment_for(backend),
        )
        self.ask("run")  # builds, compiles and warms up

    def __call__(self) -> None:
        self.ask("run")

    def process_time(self) -> float:
        """Returns the processor seconds that it has used."""
        return self.ask("process_time")

    def ask(self, what: str) -> Any:
        """Sends a request and returns the answer."""
        channels: Any = self._process
        channels.stdin.write(json.dumps(what) + "\n")
        channels.stdin.flush()
        answer = channels.stdout.readline()
        if not answer:
            raise SystemExit(
                f"{self.name}: its process ended with status {channels.wait()}; "
                "its messages stand above."
            )
        return json.loads(answer)

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


def environment_for(backend: str) -> dict[str, str]:
    """Returns the environment variables of a process with this Keras backend."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    return {**os.environ, **quiet, "KERAS_BACKEND": backend}


def keep_to(threads: int) -> None:
    """Leaves this process so many processors; each library would count its own way."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def main() -> None:
    """Serves one variant until its input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=CASES)
    parser.add_argument("work", choices=("training", "inference"))
    parser.add_argument("precision")
    parser.add_argument("threads", type=int)
    arguments = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print must not be taken for an answer
    keep_to(arguments.threads)
    import keras_variants  # late: Keras looks at the processors when it is loaded

    make = getattr(
        keras_variants, {"training": "fit", "inference": "predict"}[arguments.work]
    )
    run = make(CASES[arguments.model], arguments.precision)
    for line in sys.stdin:
        answer = None
        if json.loads(line) == "process_time":
            answer = time.process_time()
        else:
            run()
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
