"""The pulse of a running training: whether it is alive, in its first hundred steps.

Only what no healthy training does counts as dead: weights that do not move, a loss
that is the same whatever the batch, a loss that has exploded. A loss that falls slowly
is left to the curves.
"""

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from residency.engine.hooks import Hook
from residency.engine.network import Network
from residency.engine.state import TrainState
from residency.records import Finding

logger = logging.getLogger(__name__)

EVERY = 10
"""Steps between two looks: each waits for the device."""
LAST = 100
"""The last step at which it looks."""
SAME = 1e-5
"""A loss counts as the same if it differs by less than this share."""
EXPLODED = 3.0
"""A loss above so many times the larger of its start and ln(classes) has exploded."""


class Pulse:
    """Looks at losses and weights of the first steps.

    Args:
        weights: Returns the trainable variables as arrays.
        num_classes: Of the data; `None`: not known.
    """

    def __init__(
        self, weights: Callable[[], Sequence[np.ndarray]], num_classes: int | None
    ) -> None:
        self._weights = weights
        self._before = [float(np.abs(w).sum()) for w in weights()]
        self.chance = math.log(num_classes) if num_classes else 0.0
        self.start: float | None = None
        """Loss of the first batch, before any step; `None`: not known."""
        self.losses: list[float] = []
        """Means over `EVERY` steps each."""
        self.findings: list[Finding] = []

    def look(self, step: int, loss: float) -> Finding | None:
        """Notes the mean loss of the steps since the last look; says what is dead.

        Each fault is said once.
        """
        self.losses.append(loss)
        found = self._stands_still(step) or self._constant(step) or self._exploded(step)
        known = {finding.code for finding in self.findings}
        if found is None or found.code in known:
            return None
        self.findings.append(found)
        return found

    def _stands_still(self, step: int) -> Finding | None:
        if len(self.losses) != 2:
            return None
        now = [float(np.abs(w).sum()) for w in self._weights()]
        pairs = list(zip(self._before, now, strict=True))
        # from 0, a bias moves by any step, however small
        pairs = [(before, after) for before, after in pairs if before] or pairs
        if not pairs or any(before != after for before, after in pairs):
            return None
        return Finding(
            code="RD521",
            label="lr_too_low",
            severity="error",
            title=f"No weight has moved in the first {step} steps.",
            evidence={"steps": step, "weights": len(now), "loss": self.losses[-1]},
            why="The rate is zero or far too small, or no gradient reaches a weight "
            "that may train.",
            cure="Look at the rate and at what is frozen.",
            snippet="residency diagnose RUN",
            effect="The loss begins to fall.",
        )

    def _constant(self, step: int) -> Finding | None:
        if len(self.losses) < 3:
            return None
        spread = max(self.losses) - min(self.losses)
        if spread > SAME * max(abs(self.losses[-1]), 1e-12):
            return None
        return Finding(
            code="RD522",
            label="dead_training",
            severity="error",
            title=f"The loss is {self.losses[-1]:.4f} whatever the batch, for {step} "
            "steps.",
            evidence={"steps": step, "loss": self.losses[-1], "spread": spread},
            why="Batches differ, so a living network's loss differs too: the output no "
            "longer depends on the image.",
            cure="Look for dead units, a constant output or a wrong last activation.",
            snippet="residency diagnose RUN",
            effect="The loss differs from batch to batch and begins to fall.",
        )

    def _exploded(self, step: int) -> Finding | None:
        start = self.losses[0] if self.start is None else self.start
        limit = EXPLODED * max(start, self.chance)
        higher = len(self.losses) > 1 and self.losses[-1] > limit > 0
        if math.isfinite(self.losses[-1]) and not higher:
            return None
        return Finding(
            code="RD523",
            label="lr_too_high",
            severity="error",
            title=f"The loss rose from {start:.3g} to {self.losses[-1]:.3g} "
            f"in {step} steps.",
            evidence={
                "steps": step,
                "first": start,
                "last": self.losses[-1],
                "chance": self.chance,
            },
            why="The steps are too long for this network: it is worse than guessing.",
            cure="A rate ten times lower, or a warm-up.",
            snippet="--set optimizer.learning_rate=...",
            effect="The loss falls from the first steps on.",
        )


class Watch(Hook):
    """Takes the pulse of a training by `residency.train`; says once that it is dead."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.pulse: Pulse | None = None
        self._seen = (0.0, 0)  # loss sum and images at the last look

    def on_start(self, state: TrainState) -> None:
        """Notes the weights of a training that begins."""
        if state.step == 0:
            self.pulse = Pulse(self._arrays, self.network.num_classes)

    def after_step(self, state: TrainState) -> None:
        """Looks at every tenth of the first hundred steps."""
        if self.pulse is None or state.step > LAST:
            return
        if state.step == 1:
            self.pulse.start = float(state.loss_sum) / max(1, state.images)
        if state.step % EVERY:
            return
        if state.images < self._seen[1]:  # a new epoch began since
            self._seen = (0.0, 0)
        total, images = float(state.loss_sum), state.images
        new = images - self._seen[1]
        if new > 0:
            finding = self.pulse.look(state.step, (total - self._seen[0]) / new)
            self._seen = (total, images)
            if finding is not None:
                say(finding)

    def _arrays(self) -> list[np.ndarray]:
        return [t.value.detach().cpu().numpy() for t in self.network.trainable()]


class WatchCallback(keras.callbacks.Callback):
    """Takes the pulse of `model.fit`; a dead training is said once, and goes on.

    Args:
        num_classes: Of the data; `None`: not known.

    Example:

    >>> watch = WatchCallback(num_classes=10)
    >>> watch.findings
    []
    """

    def __init__(self, num_classes: int | None = None) -> None:
        super().__init__()
        self.num_classes = num_classes
        self._pulse: Pulse | None = None
        self._step = 0

    @property
    def findings(self) -> list[Finding]:
        """What was found so far."""
        return [] if self._pulse is None else self._pulse.findings

    def on_train_begin(self, logs: Any = None) -> None:
        """Notes the weights."""
        self._pulse, self._step = Pulse(self._arrays, self.num_classes), 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Looks at every tenth of the first hundred steps."""
        self._step += 1
        if self._pulse is None or self._step > LAST:
            return
        loss = (logs or {}).get("loss")
        if self._step == 1 and loss is not None:
            self._pulse.start = float(loss)
        if self._step % EVERY:
            return
        finding = None if loss is None else self._pulse.look(self._step, float(loss))
        if finding is not None:
            say(finding)

    def _arrays(self) -> list[np.ndarray]:
        model: Any = self.model
        values = model.trainable_variables
        return [np.asarray(keras.ops.convert_to_numpy(v)) for v in values]


def say(finding: Finding) -> None:
    """Logs a finding in one line."""
    logger.warning(
        "%s %s %s (%s)", finding.code, finding.title, finding.why, finding.cure
    )
