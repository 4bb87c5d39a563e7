"""The notebooks of `notebooks/`, run over a small project in the place of the demo: what they compute and show."""

import importlib.util
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.house.rooms import ROOT
from tests.reports.notebooks import project

NOTEBOOKS = ROOT / "notebooks"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`notebooks/` beside a `demo` of its own."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(NOTEBOOKS, root / "notebooks", ignore=shutil.ignore_patterns("__pycache__", "__marimo__"))
    project(root / "demo")
    return root / "notebooks"


def titles(shown: str) -> list[str]:
    """The headings of the charts in an output."""
    return re.findall(r"<svg[^>]*>.*?<text[^>]*font-weight=\"bold\"[^>]*>([^<]*)</text>", shown, re.DOTALL)


CHARTS = [
    "Journey map of coupon_follow_up",
    "Funnel of coupon_follow_up",
    "Time to the goal of coupon_follow_up",
    "Lift in conversion",
]
MONTHS = [("2026-03", 18, 3)]
"""Entered and converted while it ran; nobody of the treated entered later."""


@pytest.mark.filterwarnings("default")  # of what marimo is made of
def test_marimo(folder: Path) -> None:
    found = importlib.util.spec_from_file_location("journeys", folder / "journeys.py")
    assert found is not None
    assert found.loader is not None
    notebook = importlib.util.module_from_spec(found)
    found.loader.exec_module(notebook)
    outputs, named = notebook.app.run()
    assert named["workflows"].select("workflow_id", "total_executions", "held_out").rows() == [
        ("again", 3, 0),
        ("coupon_follow_up", 18, 22),
        ("plain", 3, 0),
        ("quiet", 0, 0),
    ]
    assert named["steps"].frame["entered"].to_list() == [18, 18, 15]
    assert named["curve"].frame.filter(pl.col("days") == 30)["conversions"].to_list() == [0, 0]
    assert named["lifts"].frame["converted"].to_list() == [4]
    assert named["months"].rows() == MONTHS
    shown = "\n".join(one.text for one in outputs if hasattr(one, "text"))
    assert titles(shown) == CHARTS


@pytest.mark.slow  # starts a kernel, which imports everything anew
@pytest.mark.filterwarnings("default")  # of what Jupyter is made of
def test_jupyter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    )
    notebook = nbformat.read(folder / "journeys.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    outputs: list[Any] = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    assert {one["output_type"] for one in outputs} == {"execute_result"}
    pages = [str(one["data"]["text/html"]) for one in outputs]
    assert titles("\n".join(pages)) == CHARTS
    cells = re.findall(r"<td>([^<]*)</td>", pages[-1])
    assert cells[-3:] == ["&quot;2026-03&quot;", "18", "3"]


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = json.loads((NOTEBOOKS / "journeys.ipynb").read_text())
    code = [one for one in notebook["cells"] if one["cell_type"] == "code"]
    assert code
    assert not [one for one in code if one["outputs"] or one["execution_count"] is not None]
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}


def test_both_notebooks_ask_the_same() -> None:
    """In the same order, but for how each names the folder."""
    jupyter = json.loads((NOTEBOOKS / "journeys.ipynb").read_text())["cells"]
    code = "\n".join("".join(one["source"]) for one in jupyter if one["cell_type"] == "code")
    asked = re.compile(r"(?:journey_map|funnel|survival|lift_forest)\([^)]*\)|\"from \w+\"|select strftime.*")
    assert asked.findall(code) == asked.findall((NOTEBOOKS / "journeys.py").read_text())
