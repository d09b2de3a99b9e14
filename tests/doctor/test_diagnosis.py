"""What a terminal shows of a diagnosis."""

from residency.doctor.diagnosis import Diagnosis


def lines(**changes):
    fields = {"findings": (), "healthy": (), "not_checked": (), "subject": "net"}
    return Diagnosis(**fields | changes, seconds=1.0).lines()


def test_what_could_not_be_checked_is_said():
    assert lines(healthy=("a", "b")) == ["No fault found.", "2 checks are fine."]
    assert lines(not_checked=("rates are usual",)) == [
        "No fault found in what could be checked.",
        "1 checks could not be made: rates are usual.",
    ]
    some = tuple("abcdefghij")
    assert lines(not_checked=some)[1] == (
        "10 checks could not be made: a, b, c and 7 more."
    )


def test_notes_come_last():
    assert lines(notes=("Read, not run.",), healthy=("a",)) == [
        "No fault found in what could be checked.",
        "1 checks are fine.",
        "Read, not run.",
    ]
