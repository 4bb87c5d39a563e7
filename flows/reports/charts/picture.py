"""An answer as a notebook shows it: rows, and the chart of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from flows.errors import InputError, machine_errors
from flows.files import write_bytes


@dataclass(frozen=True, repr=False)
class Picture:
    """Rows, and their chart. A notebook shows the chart, without a request to anywhere.

    Attributes:
        title: what is asked.
        frame: the numbers.
        draw: makes the chart; needs Altair, as do `chart`, `svg` and `save`.
    """

    title: str
    frame: pl.DataFrame
    draw: Callable[[], Any]

    @cached_property
    def chart(self) -> Any:
        """The chart of Altair's, to go on with.

        Raises:
            InputError: Altair isn't installed.
        """
        return self.draw()

    @cached_property
    def svg(self) -> str:
        """The chart as SVG that needs nothing else.

        Raises:
            InputError: Altair isn't installed.
        """
        chart = self.chart
        from flows.reports.charts.style import svg_of

        return svg_of(chart)

    def save(self, file: str | Path, scale: float = 2.0) -> None:
        """Write the chart as `.svg`, `.png` or `.html`, replaced whole.

        Args:
            file: its name says as what.
            scale: pixels of a PNG for each of the chart's; two are sharp on today's screens.

        Raises:
            InputError: the name ends otherwise, or Altair isn't installed.
            OnwardError: the file can't be written.
        """
        path = Path(file)
        content = self._as(path, scale)
        with machine_errors():
            write_bytes(path, content)

    def _as(self, path: Path, scale: float) -> bytes:
        """The chart as a file of this name holds it."""
        match path.suffix.lower():
            case ".svg":
                return self.svg.encode()
            case ".html":
                head = f'<!doctype html>\n<meta charset="utf-8">\n<title>{escape(self.title)}</title>\n'
                return f"{head}{self.svg}\n".encode()
            case ".png":
                chart = self.chart
                from flows.reports.charts.style import png_of

                return png_of(chart, scale)
        raise InputError(f"{path}: a chart is written as .svg, .png or .html; give a name that ends so")

    def _repr_html_(self) -> str:
        """What notebooks show: the chart; without Altair the rows, and what the chart needs."""
        try:
            return f'<div style="overflow-x: auto">{self.svg}</div>'
        except InputError as missing:
            return f"<p>{escape(str(missing))}</p>{self.frame._repr_html_()}"

    def __repr__(self) -> str:
        return f"{self.title}\n{self.frame}"
