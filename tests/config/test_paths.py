"""Settings by path: made together, typed by the field, refused with advice."""

from dataclasses import dataclass

import pytest

from residency.config import require, set_paths
from residency.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    total: int
    bounds: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        require(self, "bounds", all(b < self.total for b in self.bounds), "below total")


@dataclass(frozen=True, kw_only=True, slots=True)
class Constant:
    value: float = 1.0
    on: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Root:
    schedule: Steps | Constant
    rate: float = 0.1
    limit: float | None = None
    name: str = "x"
    words: tuple[str, ...] = ()
    items: tuple[Steps | Constant, ...] = (Constant(), Steps(total=3))


ROOT = Root(schedule=Steps(total=10, bounds=(5,)))


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("rate", "1e-3", 1e-3),
        ("rate", "2", 2.0),
        ("limit", "none", None),
        ("limit", "5", 5.0),
        ("name", "2", "2"),
        ("schedule.bounds", "(1, 2)", (1, 2)),
        ("schedule.bounds", "7", (7,)),
        ("schedule.bounds", "()", ()),
        ("schedule", "Constant", Constant()),
        ("items.0.on", "false", False),
        ("items", "Constant", (Constant(),)),
        ("items", "(Constant, Constant)", (Constant(), Constant())),
        ("items", '{"kind": "Steps", "total": 3}', (Steps(total=3),)),
        ("items", "none", ()),
        ("items", "()", ()),
        ("words", "a, b", ("a", "b")),
        ("words", '["a,b", "c]"]', ("a,b", "c]")),
    ],
)
def test_text_is_typed_by_the_field(path, text, expected):
    value = set_paths(ROOT, {path: text})
    for name in path.split("."):
        value = value[int(name)] if name.isdecimal() else getattr(value, name)
    assert value == expected
    assert type(value) is type(expected)


def test_two_settings_that_need_each_other_are_made_together():
    changes = {"schedule.bounds": "20,30", "schedule.total": "40"}
    assert set_paths(ROOT, changes).schedule == Steps(total=40, bounds=(20, 30))


def test_another_kind_takes_its_first_settings_with_it():
    start = Root(schedule=Constant())
    changed = set_paths(start, {"schedule": "Steps", "schedule.total": "7"})
    assert changed.schedule == Steps(total=7)


def test_the_original_is_untouched():
    set_paths(ROOT, {"items.1.total": "9"})
    assert ROOT.items[1] == Steps(total=3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rat": "1"}, ["'rat'", "Did you mean 'rate'?"]),
        ({"schedule.totl": "1"}, ["Did you mean 'schedule.total'?"]),
        (
            {"schedule.value": "1"},
            ["schedule.value belongs to Constant", "is Steps", "schedule=Constant"],
        ),
        ({"rate.x": "1"}, ["'rate.x'", "ends before 'x'"]),
        ({"items.2": "Constant"}, ["below 2", "'2'"]),
        ({"rate": "fast"}, ["rate", "float", "'fast'"]),
        ({"schedule.total": "1.5"}, ["int", "1.5"]),
        ({"schedule.total": "4"}, ["bounds", "below total", "(5,)"]),
        ({"schedule": "Cosine"}, ["Steps or Constant", "'Cosine'"]),
        ({"items.0": "Steps"}, ["expected Constant"]),
        ({"items": "{"}, ["items: expected a JSON list, got '{'"]),
        ({"items": "Constant, Cosine"}, ["items.1", "Steps or Constant", "'Cosine'"]),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    with pytest.raises(ConfigError) as caught:
        set_paths(ROOT, changes, where="recipe 'r'")
    message = str(caught.value)
    assert message.startswith("recipe 'r'")
    for word in words:
        assert word in message


def test_a_kind_without_its_required_setting_is_refused():
    with pytest.raises(ConfigError, match="Steps needs 'total'"):
        set_paths(Root(schedule=Constant()), {"schedule": "Steps"})
