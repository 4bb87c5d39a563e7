"""Where executions in flight go when they move to another version of their workflow."""

from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from transforms.definitions.base import advice
from transforms.definitions.workflow import Workflow
from transforms.program.compile import compile_program
from transforms.program.model import END
from transforms.program.steps import listed_steps

PLACE = ["branch", "step"]
SENDS = ("send_email", "trigger_webhook")
NO_COUNTERPART = "no step of this name, branch and type"


def steps_of(workflow: Workflow, branches: Iterable[str] = ()) -> pl.DataFrame:
    """The steps of one version, and as a step `end` the end of each of its branches and of `branches`.

    Returns:
        Columns version, branch, step, position, action_type, label.
    """
    program = compile_program([workflow])
    version = program.flows[0].version
    ends = [
        {"version": version, "branch": name, "step": END, "position": len(program.steps)}
        for name in dict.fromkeys([*(one.name for one in program.flows[0].branches), *branches])
    ]
    schema = {
        "version": pl.String,
        "branch": pl.String,
        "step": pl.String,
        "position": pl.Int64,
        "action_type": pl.String,
        "label": pl.String,
    }
    listed = pl.DataFrame([*listed_steps(program), *ends], schema=schema)
    return listed.with_columns(pl.col("action_type").fill_null(END), pl.col("label").fill_null(""))


def read_maps(maps: Sequence[str], source: pl.DataFrame, target: pl.DataFrame) -> pl.DataFrame:
    """Maps as people write them (`2=3`, `default/2=vip/3`, `2=end`); a step without a branch is one of any branch.

    Args:
        maps: one `old=new` each.
        source: the steps of the versions that executions leave (`steps_of`).
        target: the steps of the version they go to.

    Returns:
        Columns branch, step, to_branch, to_step: one row per place that is mapped.

    Raises:
        ValueError: a map isn't one, or names a step that isn't there; the message says what is.
    """
    rows = [row for text in maps for row in _read_map(text, _places(source), _places(target))]
    schema = dict.fromkeys([*PLACE, "to_branch", "to_step"], pl.String)
    found = pl.DataFrame(rows, schema=schema, orient="row").unique(maintain_order=True)
    if twice := found.filter(pl.struct(PLACE).is_duplicated()).rows():
        branch, step, *_ = twice[0]
        raise ValueError(f"--map gives {branch}/{step} two targets; allowed: one")
    return found


def check_maps(maps: Iterable[str]) -> None:
    """Whether maps have the form `old=new`, whatever the steps are called.

    Raises:
        ValueError: one hasn't; the message says what is wanted.
    """
    for text in maps:
        _cuts(text)


def plan_moves(
    standing: pl.DataFrame,
    source: pl.DataFrame,
    target: pl.DataFrame,
    maps: pl.DataFrame,
    sent: pl.DataFrame,
) -> pl.DataFrame:
    """Where the executions at each place go: the mapped step, else that of the same name, branch and action type.

    Args:
        standing: one row per version, branch and step where executions stand: version, branch, step, ….
        source: the steps of their versions (`steps_of`).
        target: the steps of the version they go to.
        maps: see `read_maps`.
        sent: version, branch, step and `sent`, a step under whose name executions there have sent something. A
            message's id is a hash of execution and step, so a second one under that name would not go out.

    Returns:
        `standing` with action_type, label, to_branch, to_step, to_type, to_label (null without a counterpart), `resets`
        (the new step is of another type, so it begins anew when it is due) and `reason` (why they can't move).
    """
    key = ["version", *PLACE]
    there = target.select(*PLACE, to_type="action_type", to_label="label", to_branch="branch", to_step="step")
    own = source.select(*key, "action_type", "label")
    placed = standing.join(own, on=key, how="left", maintain_order="left").with_columns(
        pl.col("action_type").fill_null(END)
    )
    by_map = placed.join(maps, on=PLACE, how="semi", maintain_order="left").join(
        maps, on=PLACE, how="left", maintain_order="left"
    )
    by_name = placed.join(maps, on=PLACE, how="anti", maintain_order="left").join(
        there.select(*PLACE, "to_branch", "to_step", action_type="to_type"),
        on=[*PLACE, "action_type"],
        how="left",
        maintain_order="left",
    )
    both = pl.concat([by_map, by_name]).join(
        there.drop(PLACE), on=["to_branch", "to_step"], how="left", maintain_order="left"
    )
    reasons = _reasons(both, target, sent)
    final = both.join(reasons, on=key, how="left", maintain_order="left")
    unmapped = pl.when(pl.col("to_step").is_null()).then(pl.lit(NO_COUNTERPART))
    return final.with_columns(
        resets=(pl.col("action_type") != pl.col("to_type")).fill_null(value=True),
        reason=pl.coalesce(unmapped, "reason"),
    ).sort("number", *PLACE)


def _reasons(moves: pl.DataFrame, target: pl.DataFrame, sent: pl.DataFrame) -> pl.DataFrame:
    """Who has sent something under the name of a step that is still ahead, and would send again."""
    key = ["version", *PLACE]
    position = target.select("position", to_branch="branch", to_step="step")
    ahead = target.filter(pl.col("action_type").is_in(SENDS)).select(
        to_branch="branch", sent="step", later="position"
    )
    clashes = (
        moves.select(*key, "to_branch", "to_step")
        .join(position, on=["to_branch", "to_step"])
        .join(sent, on=key)
        .join(ahead, on=["to_branch", "sent"])
        .filter(pl.col("later") >= pl.col("position"))
    )
    text = pl.format("has sent as step {} already, which is still ahead", pl.col("sent").sort().first())
    return clashes.group_by(key).agg(reason=text)


def _places(steps: pl.DataFrame) -> dict[str, list[str]]:
    """Step → the branches that have it."""
    grouped = steps.group_by("step", maintain_order=True).agg(pl.col("branch").unique(maintain_order=True))
    return dict(zip(grouped["step"].to_list(), grouped["branch"].to_list(), strict=True))


def _read_map(
    text: str, source: dict[str, list[str]], target: dict[str, list[str]]
) -> Iterator[tuple[str, str, str, str]]:
    cuts = _cuts(text)
    whole = [
        cut for cut in cuts if text[:cut] in _spellings(source) and text[cut + 1 :] in _spellings(target)
    ]
    cut = (whole or cuts)[0]
    olds = _found(text, text[:cut], source, "in the versions in flight")
    news = _found(text, text[cut + 1 :], target, "in the new version")
    bare = text[cut + 1 :] in target
    for branch, step in olds:
        kept = [new for new in news if new[0] == branch or not bare]
        if not kept:
            where = " or ".join("/".join(new) for new in news)
            raise ValueError(f"--map {text!r}: the new version has no {branch}/{news[0][1]}; give {where}")
        yield (branch, step, *kept[0])


def _cuts(text: str) -> list[int]:
    """Where a map may be cut in two: at any `=` with something on either side, as names may have one too."""
    cuts = [
        index for index, letter in enumerate(text) if letter == "=" and text[:index] and text[index + 1 :]
    ]
    if not cuts:
        raise ValueError(f"--map {text!r} is not a map; give OLD=NEW, like 2=3 or default/2=vip/3 or 2=end")
    return cuts


def _found(text: str, given: str, steps: dict[str, list[str]], which: str) -> list[tuple[str, str]]:
    spellings = _spellings(steps)
    if given not in spellings:
        raise ValueError(f"--map {text!r}: no step {given!r} {which}; {advice(given, [*spellings])}")
    return spellings[given]


def _spellings(steps: dict[str, list[str]]) -> dict[str, list[tuple[str, str]]]:
    """How a place may be written: `default/2`, and `2` for those of all branches."""
    plain = {step: [(branch, step) for branch in branches] for step, branches in steps.items()}
    full = {f"{branch}/{step}": [(branch, step)] for step, branches in steps.items() for branch in branches}
    return {**full, **plain}
