"""Shares samples out to parts: stratified by class, whole groups, by a seed.

A pure function of names, labels, groups, shares and seed. Largest remainder says
how many images of a class each part gets; a hash says which.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from residency.data.index import PARTS, Index
from residency.errors import DataError


def class_targets(count: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Returns how many of `count` images of one class each part gets.

    Largest remainder, ties in the order of `shares`; then no part with a share
    stays empty if there are images enough for all of them.

    >>> class_targets(10, {"train": 0.7, "validation": 0.15, "test": 0.15})
    {'train': 7, 'validation': 2, 'test': 1}
    """
    exact = {part: round(count * share, 9) for part, share in shares.items()}
    targets = {part: int(value) for part, value in exact.items()}
    by_remainder = sorted(shares, key=lambda part: targets[part] - exact[part])
    for part in by_remainder[: count - sum(targets.values())]:
        targets[part] += 1
    wanted = [part for part in shares if shares[part] > 0]
    if count >= len(wanted):
        for part in wanted:
            if targets[part] == 0:
                targets[max(targets, key=lambda p: targets[p])] -= 1
                targets[part] = 1
    return targets


def assign(
    index: Index, shares: Mapping[str, float], fixed: Mapping[str, str], seed: int
) -> dict[str, str]:
    """Returns the part of every sample, by name.

    Groups, the largest first, go where their classes lack most images; of equal
    groups, and of single images, a hash of seed and name decides the order.

    Args:
        index: The samples. Where it has parts, those of the train part are shared
            out and the others must be in `fixed`.
        shares: Share of each part, summing to 1.
        fixed: Part of samples that have one already, by name.
        seed: Another seed, another choice.

    Raises:
        DataError: A group lies on two sides already.
    """
    members = _members(index)
    home = _homes(index, members, fixed)
    labels = index.labels.tolist()
    targets = _targets(index, shares)
    open_parts = [part for part, share in shares.items() if share > 0]
    have: Counter[tuple[str, int]] = Counter()
    for group, part in home.items():
        have.update((part, labels[i]) for i in members[group])
    parts: dict[str, str] = {}
    for group in sorted(members, key=lambda g: (-len(members[g]), _draw(seed, g))):
        if group not in home:
            counts = Counter(labels[i] for i in members[group])
            home[group] = _neediest(counts, open_parts, targets, have)
            have.update({(home[group], c): count for c, count in counts.items()})
        parts |= {index.names[i]: home[group] for i in members[group]}
    return parts


def _members(index: Index) -> dict[str, list[int]]:
    """Returns the positions of each group; without groups, each sample is one."""
    members: dict[str, list[int]] = {}
    for i, group in enumerate(index.groups or index.names):
        members.setdefault(group, []).append(i)
    return members


def _homes(
    index: Index, members: Mapping[str, list[int]], fixed: Mapping[str, str]
) -> dict[str, str]:
    """Returns the part of each group that has a sample with a fixed part."""
    homes: dict[str, str] = {}
    for group, positions in members.items():
        ready = {index.parts[i] for i in positions} if index.parts else set()
        found = {fixed[n] for n in (index.names[i] for i in positions) if n in fixed}
        if len(found) > 1 or ("train" in ready and len(ready) > 1):
            sides = " and ".join(part for part in PARTS if part in found | ready)
            raise DataError(
                f"{index.source}: group {group!r} lies in {sides}. Images of one "
                f"group belong on one side: move them, or drop the group column."
            )
        if found:
            homes[group] = found.pop()
    return homes


def _targets(index: Index, shares: Mapping[str, float]) -> dict[tuple[str, int], int]:
    """Returns the number of images wanted by part and class, of those to cut."""
    train = np.array([part == "train" for part in index.parts or ()], dtype=bool)
    pool = index.labels[train] if index.parts else index.labels
    counts = np.bincount(pool, minlength=len(index.class_names)).tolist()
    return {
        (part, label): target
        for label, count in enumerate(counts)
        for part, target in class_targets(count, shares).items()
    }


def _neediest(
    counts: Mapping[int, int],
    parts: Sequence[str],
    targets: Mapping[tuple[str, int], int],
    have: Mapping[tuple[str, int], int],
) -> str:
    """Returns the part that a group with these class counts serves best.

    First a part that has none of a class, if the group is not too large for it;
    then the one that brings the squared distance to the targets down most.
    """

    def gain(part: str) -> tuple[bool, int]:
        empty = any(
            have[part, label] == 0 and 0 < count <= targets[part, label]
            for label, count in counts.items()
        )
        lack = sum(
            count * (targets[part, label] - have[part, label])
            for label, count in counts.items()
        )
        return empty, lack

    return max(parts, key=gain)


def _draw(seed: int, group: str) -> bytes:
    """Returns the random rank of a group, the same on every machine."""
    text = f"{seed}\0{group}".encode()
    return hashlib.blake2b(text, digest_size=8).digest()
