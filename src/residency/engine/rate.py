"""The learning rate and its one owner."""

from dataclasses import dataclass

from residency.engine.state import TrainState
from residency.training import Schedule


@dataclass(frozen=True, slots=True)
class LearningRate:
    """The rate of the coming step: the schedule's, unless a callback took over."""

    schedule: Schedule

    def __call__(self, state: TrainState) -> float:
        """Returns the rate for the step numbered `state.step`, counted from 0."""
        if state.rate_override is not None:
            return state.rate_override
        factor = self.schedule.multiplier(state.step, state.steps_per_epoch)
        return state.peak_rate * factor
