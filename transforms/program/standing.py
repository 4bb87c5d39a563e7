"""Which step holds an execution between two steps: the wait it is in, or the step at which it failed."""

import polars as pl

_LOGGED = ["execution_id", "step", "action_type", "outcome"]


def with_held_by(executions: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """Executions after a tick, with the step that holds them; `held_by` is their own still where nothing was logged.

    A step holds if its outcome is the last one logged, and it is a wait that was done (its customer is in it until the
    next step is due) or it failed. A deferred send comes back to the same step and is logged then, so it doesn't count.

    Args:
        executions: rows of execution_id, held_by (null: nothing holds it, or it is new), ….
        steps: a tick's logged outcomes (`Decided.steps`): execution_id, step, action_type, outcome, …. Each execution's
            are in the order in which they were logged.

    Returns:
        The rows of `executions`, in their order.
    """
    outcome, step = (pl.col(name).cast(pl.String) for name in ("outcome", "step"))
    logged = steps.select(_LOGGED).filter(~outcome.str.starts_with("deferred:"))
    last = logged.unique("execution_id", keep="last")
    waits = (pl.col("action_type").cast(pl.String) == "wait") & (outcome == "done")
    holds = waits | outcome.str.starts_with("failed:")
    told = last.select("execution_id", _logged=pl.lit(value=True), _holds=pl.when(holds).then(step))
    both = executions.join(told, on="execution_id", how="left", maintain_order="left")
    held = pl.when(pl.col("_logged")).then("_holds").otherwise("held_by")
    return both.with_columns(held_by=held).drop("_logged", "_holds")


def with_held_by_moved(executions: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Executions after a migration: a step holds them only if they are still on its branch and that still has it.

    Else they stand at the step that is due next, like anybody whose last step is behind.

    Args:
        executions: rows of held_by, from_branch, branch (the new one), ….
        places: the steps of the version they are on now: branch, step, ….

    Returns:
        The rows of `executions`, in their order.
    """
    there = places.select("branch", held_by="step", _there=pl.lit(value=True)).unique()
    both = executions.join(there, on=["branch", "held_by"], how="left", maintain_order="left")
    stays = pl.col("_there") & (pl.col("from_branch") == pl.col("branch"))
    return both.with_columns(held_by=pl.when(stays).then("held_by")).drop("_there")
