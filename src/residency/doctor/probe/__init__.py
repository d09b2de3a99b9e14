"""What the doctor measures, once, before any check looks: no opinion lives here."""

from residency.doctor.probe.forward import Forward, Signal
from residency.doctor.probe.gradients import Gradient, Gradients
from residency.doctor.probe.graph import Graph, Node
from residency.doctor.probe.probe import Probe, take_probe
from residency.doctor.probe.redraw import Redraw
from residency.doctor.probe.sample import Sample, class_numbers
from residency.doctor.probe.settings import Loss, Settings
from residency.doctor.probe.trials import Trials
from residency.doctor.probe.witness import Fit, Witness

__all__ = [
    "Fit",
    "Forward",
    "Gradient",
    "Gradients",
    "Graph",
    "Loss",
    "Node",
    "Probe",
    "Redraw",
    "Sample",
    "Settings",
    "Signal",
    "Trials",
    "Witness",
    "class_numbers",
    "take_probe",
]
