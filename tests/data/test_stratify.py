"""Sharing out: exact counts, whole groups, no dependence on the order of files."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from residency.data.stratify import assign, class_targets

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}

shares = st.tuples(
    st.sampled_from([0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 1 / 3]),
    st.sampled_from([0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 1 / 3]),
).map(lambda vt: {"train": 1 - sum(vt), "validation": vt[0], "test": vt[1]})


@given(st.integers(0, 5000), shares)
def test_targets_are_the_exact_shares_within_one_image(count, shares):
    targets = class_targets(count, shares)
    assert sum(targets.values()) == count
    wanted = [part for part, share in shares.items() if share > 0]
    if count >= len(wanted):
        assert all(targets[part] > 0 for part in wanted)
    assert all(targets[part] == 0 for part in shares if part not in wanted)
    if all(count * shares[part] >= 1 for part in wanted):
        for part, share in shares.items():
            assert abs(targets[part] - count * share) < 1 + 1e-6


@given(st.lists(st.integers(0, 4), min_size=1, max_size=300), shares, st.integers(0, 9))
@settings(deadline=None, max_examples=60)
def test_without_groups_every_class_meets_its_targets(index_of, labels, shares, seed):
    index = index_of(labels)
    parts = assign(index, shares, {}, seed)
    assert sorted(parts) == sorted(index.names)
    for label in set(labels):
        names = [n for n, y in zip(index.names, labels, strict=True) if y == label]
        got = {part: sum(parts[n] == part for n in names) for part in shares}
        assert got == class_targets(len(names), shares)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=120
    ),
    st.integers(0, 9),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=60)
def test_neither_groups_split_nor_order_matters(index_of, samples, seed, random):
    labels = [label for label, _ in samples]
    groups = tuple(f"g{group}" for _, group in samples)
    index = index_of(labels, groups)
    parts = assign(index, SHARES, {}, seed)
    for group in set(groups):
        members = [n for n, g in zip(index.names, groups, strict=True) if g == group]
        assert len({parts[name] for name in members}) == 1
    order = list(range(len(samples)))
    random.shuffle(order)
    assert assign(index.select(order), SHARES, {}, seed) == parts


def test_many_groups_come_near_the_shares(index_of):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 3000)
    groups = tuple(f"g{g}" for g in rng.integers(0, 400, 3000))
    parts = assign(index_of(labels, groups), SHARES, {}, 0)
    for label in range(3):
        names = [f"{i:04d}.png" for i in np.flatnonzero(labels == label)]
        for part, share in SHARES.items():
            got = sum(parts[name] == part for name in names)
            assert got / len(names) == pytest.approx(share, abs=0.02)


def test_a_large_group_goes_to_train(index_of):
    groups = ("big",) * 50 + ("large",) * 30 + tuple(f"g{i}" for i in range(20))
    parts = assign(index_of([0] * 100, groups), SHARES, {}, 0)
    assert parts["0000.png"] == parts["0050.png"] == "train"
    assert {"validation", "test"} <= set(parts.values())


def test_the_seed_decides_which_images(index_of):
    index = index_of([0, 1] * 50)
    one, two = (assign(index, SHARES, {}, seed) for seed in (1, 2))
    assert one != two
    assert assign(index, SHARES, {}, 1) == one


def test_the_choice_is_the_same_on_every_machine(index_of):
    parts = assign(index_of([0] * 10), SHARES, {}, 0)
    held_out = {name: part for name, part in parts.items() if part != "train"}
    assert held_out == {
        "0001.png": "validation",
        "0004.png": "validation",
        "0005.png": "test",
    }
