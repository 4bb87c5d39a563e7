"""What a run leaves for people on Prefect's page: tables, verdicts, a picture. One that can't be made fails no run."""

from base64 import b64encode
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from duckdb import DuckDBPyConnection
from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.settings import PREFECT_UI_URL

from flows.errors import is_interrupt
from flows.fitting import Column, cell_text
from flows.reports.terminal import DROP_OFF, SUMMARY
from flows.summary import TickSummary
from flows.warehouse import connect, frame

if TYPE_CHECKING:
    from flows.reports.verdicts import Verdict

TICK, WORKFLOWS, STEPS = "onward-tick", "workflow-summary", "drop-off"
EXPERIMENTS, MESSAGES = "experiments", "messages"
"""The artifacts' keys."""
_BRANCH = (Column("workflow_id", "workflow"), Column("branch", "branch"))
_NO_EXPERIMENTS = (
    "No workflow has held anybody out yet; `holdout: 0.1` in a workflow's file makes an experiment of it."
)
_NOT_DRAWN = (
    f"artifact {MESSAGES}: left out, nothing is installed that draws it: pip install 'onward[notebook]'"
)


def leave_tick(summary: TickSummary, published: Path) -> None:
    """Leave a tick's numbers and what it warned of, and the tables, which are kept and cost next to nothing.

    Args:
        summary: the tick's.
        published: the file of what is published.
    """
    lines = [*summary.sentence.splitlines(), *(f"warning: {one}" for one in summary.warnings)]
    lines += [f"refused: {one}" for one in summary.refused]
    with _anyway(TICK):
        create_markdown_artifact("\n".join(f"- {line}" for line in lines), key=TICK)
    with _anyway(WORKFLOWS), closing(connect(published, read_only=True)) as con:
        leave_tables(con)


def leave_tables(con: DuckDBPyConnection) -> None:
    """Leave the workflow summary and the drop-off; `con` is a connection to what is published."""
    with _anyway(WORKFLOWS):
        summary = frame(con, "from report_workflow_summary")
        verdicts = [_link(EXPERIMENTS) if one else "" for one in summary["held_out"]]
        rows = zip(_cells(summary, SUMMARY), verdicts, strict=True)
        told = [
            {"workflow": row["workflow"], "steps": _link(STEPS), "verdict": verdict, **row}
            for row, verdict in rows
        ]
        create_table_artifact(told, key=WORKFLOWS, description="How passes through each workflow ended")
    with _anyway(STEPS):
        kind = pl.concat_str("action_type", "label", separator=" ", ignore_nulls=True).str.strip_chars()
        steps = frame(con, "from report_drop_off").with_columns(action=kind)
        about = "Where customers are, and where they left"
        create_table_artifact(_cells(steps, (*_BRANCH, *DROP_OFF)), key=STEPS, description=about)


def leave_counted(con: DuckDBPyConnection, winners: pl.DataFrame) -> None:
    """Leave what has to be counted and drawn: the experiments' verdicts, the messages per day.

    Args:
        con: a connection to what is published.
        winners: those among variants (`flows.store.winners.read_winners`).
    """
    # No tick shall pay for importing what these take.
    from flows.reports.message_chart import DAYS, can_draw, message_chart
    from flows.reports.verdicts import read_verdicts

    with _anyway(EXPERIMENTS):
        workflows = frame(con, "select workflow_id from report_workflow_summary")["workflow_id"]
        found = read_verdicts(con, workflows, winners)
        told = "\n\n".join(map(_experiment, found)) or _NO_EXPERIMENTS
        create_markdown_artifact(told, key=EXPERIMENTS, description="What came of each group")
    with _anyway(MESSAGES):
        if not can_draw():
            get_run_logger().info(_NOT_DRAWN)
        elif (until := frame(con, "select max(now) as at from ticks").item()) is not None:
            picture = b64encode(message_chart(frame(con, "from report_messages_daily"), until.date()))
            about = f"Messages accepted on each of the last {DAYS} days (UTC)"
            told = f"![{about}](data:image/png;base64,{picture.decode()})"
            create_markdown_artifact(told, key=MESSAGES, description=about)


@contextmanager
def _anyway(key: str) -> Generator[None]:
    """What keeps an artifact from being made is a warning in the run's log, and keeps nothing else."""
    try:
        yield
    except Exception as error:
        if is_interrupt(error):
            raise
        get_run_logger().warning(f"artifact {key}: left out ({type(error).__name__}: {error})")


def _cells(rows: pl.DataFrame, columns: Sequence[Column]) -> list[dict[str, str]]:
    """Rows as people read them, by the columns' headings; Prefect takes each cell for Markdown."""
    texts = [
        ["" if cell is None else _plain(cell_text(one, cell)) for cell in rows[one.name]] for one in columns
    ]
    return [
        dict(zip([one.title for one in columns], cells, strict=True)) for cells in zip(*texts, strict=True)
    ]


def _experiment(one: "Verdict") -> str:
    """A heading, the groups as a table, a sentence a line, what to know of the figures, where to look further."""
    from flows.reports.verdicts import GROUP_HEADINGS, group_rows

    table = [GROUP_HEADINGS, tuple("---:" if at else "---" for at in range(len(GROUP_HEADINGS)))]
    lines = [f"| {' | '.join(map(_plain, row))} |" for row in [*table, *group_rows(one.found)]]
    said = [f"- {_plain(sentence)}" for sentence in one.sentences]
    notes = [f"- *{_plain(note)}*" for note in one.notes]
    parts = ["\n".join(some) for some in (lines, said, notes) if some]
    seen = " · ".join(filter(None, (_link(WORKFLOWS), _link(STEPS))))
    return "\n\n".join([f"## {_plain(one.title)}", *parts, seen]).rstrip()


def _link(key: str) -> str:
    """A link to an artifact; blank where the address of Prefect's page isn't known."""
    page = PREFECT_UI_URL.value()
    return f"[{key}]({page.rstrip('/')}/artifacts/key/{key})" if page else ""


def _plain(text: str) -> str:
    """Text that Markdown takes for nothing but text, in one line."""
    return " ".join(text.translate(_MARKS).split())


_MARKS = {ord(sign): f"\\{sign}" for sign in "\\`*[]<>#|~"}
