"""Onward in a notebook: what comes of workflows, as frames and charts."""

from flows.errors import InputError, OnwardError
from flows.reports.charts.picture import Picture
from flows.reports.frames import open_reports
from flows.reports.notebook import funnel, journey_map, lift_forest, survival

__all__ = [
    "InputError",
    "OnwardError",
    "Picture",
    "funnel",
    "journey_map",
    "lift_forest",
    "open_reports",
    "survival",
]
