"""How long until the goal: the share that hasn't reached it by the time since entry, with those still on their way."""

import warnings

import numpy as np
import polars as pl
from scipy.stats import CensoredData, ecdf

from transforms.answers.statistics import LEVEL


def kaplan_meier(durations: pl.Series, converted: pl.Series) -> pl.DataFrame:
    """The product-limit estimate (Kaplan and Meier, 1958), with the log-log interval of Greenwood's formula.

    Args:
        durations: how long each was watched, in any unit, at least 0.
        converted: whether it had converted then; who hadn't is censored: watched no longer, not lost.

    Returns:
        One row per distinct duration, in order, after one at 0 with all of them: `at` (the duration), `share` (not
        converted by then), `low` and `high` (of 95 percent of such intervals; null where the formula has none),
        `at_risk` (how many were still watched when it came). Without any durations no row.
    """
    times, events = durations.cast(pl.Float64).to_numpy(), converted.cast(pl.Boolean).to_numpy()
    if not len(times):
        return pl.DataFrame(
            schema=dict.fromkeys(("at", "share", "low", "high"), pl.Float64) | {"at_risk": pl.Int64}
        )
    found = ecdf(CensoredData.right_censored(times, ~events)).sf
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", RuntimeWarning
        )  # says that some limits aren't defined: those are null here
        limits = found.confidence_interval(LEVEL, method="log-log")
    at = found.quantiles
    begun = pl.DataFrame({"at": [0.0], "share": [1.0], "low": [1.0], "high": [1.0], "at_risk": [len(times)]})
    rows = pl.DataFrame(
        {
            "at": at,
            "share": found.probabilities,
            "low": limits.low.probabilities,
            "high": limits.high.probabilities,
            "at_risk": len(times) - np.searchsorted(np.sort(times), at),
        },
        schema=begun.schema,
    ).with_columns(pl.col("low", "high").fill_nan(None))
    return pl.concat([begun, rows])
