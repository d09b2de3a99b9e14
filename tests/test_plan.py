"""What is said before the first step."""

import logging

import numpy as np

import residency as rs


def test_a_word_that_exempts_nothing_is_told(tmp_path, caplog):
    data = (np.zeros((12, 8, 8), np.uint8), np.arange(12) % 2)
    settings = {"optimizer.decay_exempt": ("gama", "bias"), "schedule.total_epochs": 1}
    with caplog.at_level(logging.WARNING):
        rs.train(None, data, "quick/digits", tmp_path, changes=settings, progress=False)
    told = [r.message for r in caplog.records if "decay_exempt" in r.message]
    assert told == ["optimizer.decay_exempt: no variable is called 'gama'"]
