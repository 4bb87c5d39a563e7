"""What an experiment shows, in sentences, each of which says whether it holds for one look only, or for many."""

from collections.abc import Iterator

from transforms.answers.experiment import Comparison, Experiment, Figures, Group
from transforms.answers.peeking import LEAST
from transforms.answers.wording import interval, p_value, probability, size

ONE_LOOK = "fixed horizon: don't peek"
MANY_LOOKS = "allows peeking"
RATE, VALUE = "conversion", "value per customer"
SMALL = 5


def verdicts(found: Experiment, value: str = VALUE) -> list[str]:
    """The sentences, the most important first.

    Args:
        found: the experiment.
        value: what a customer's value is called.
    """
    return [
        *_of_the_whole(found),
        *(said for one in found.comparisons for said in _of_one(found, one, value)),
    ]


def _of_the_whole(found: Experiment) -> Iterator[str]:
    if found.ratio_alarms:
        sizes = ", ".join(f"{one.name} {one.customers:,}" for one in found.groups)
        said = "" if found.shares else ". If they were meant to be so, say it (--shares control=1,treated=9)"
        yield (
            f"Don't trust what follows: the groups aren't as large as meant ({sizes}; p {_p(found.ratio_p_value)}), so "
            f"something chose who is in which{said}"
        )
    if not found.comparisons:
        yield f"Only one group, {found.control}: there is nothing to compare it with"
    if len(found.comparisons) > 1:
        yield (
            f"{len(found.comparisons)} groups are compared with {found.control}: a difference is told of where p is "
            f"below {found.threshold:.2g} (Bonferroni), so that chance alone shows one in at most 5 experiments of 100"
        )


def _of_one(found: Experiment, one: Comparison, value: str) -> Iterator[str]:
    control = found.groups[0]
    group = next(other for other in found.groups if other.name == one.group)
    if not min(control.customers, group.customers):
        nobody = control if not control.customers else group
        yield f"{one.group}: nothing can be said, because {nobody.name} has no customers"
        return
    if one.rate.difference.value is None:
        yield f"{one.group}: nothing can be said of conversions, because it isn't known who converted"
    else:
        yield f"{_fixed(one.rate, one.group, found.control, RATE)} ({ONE_LOOK})"
        yield _any_time(one.rate, one.group, found.control)
        if _is_small(group, control):
            yield f"{one.group}: fewer than {SMALL} customers converted in a group, or didn't: the p-value is rough"
    if one.value:
        yield f"{_fixed(one.value, one.group, found.control, value)} ({ONE_LOOK})"
    if one.adjusted and found.explained is not None:
        what = f"{value}, less what that of before explains ({probability(found.explained)} of its variance),"
        yield f"{_fixed(one.adjusted, one.group, found.control, what)} ({ONE_LOOK})"


def _fixed(figures: Figures, group: str, control: str, what: str) -> str:
    """What one look shows of something."""
    of_rates = what == RATE
    limits = interval(figures.difference, of_rates=of_rates)
    if figures.shows:
        least = "higher" if figures.shows == "more" else "lower"
        return f"{group}: {what} is {least} than of {control}, by {limits}; p {_p(figures.p_value)}"
    if figures.p_value is None:
        return f"{group}: of {what} nothing can be said: too few customers, or all have the same"
    told = f"{group}: {what} shows no difference from {control}, {limits}; p {_p(figures.p_value)}"
    if figures.detectable is None:
        return told
    return f"{told}; one of {size(figures.detectable, of_rates=of_rates)} would show 4 times in 5"


def _any_time(figures: Figures, group: str, control: str) -> str:
    """What can be said however often one has looked."""
    if figures.any_time is None or figures.any_time.low is None:
        return (
            f"{group}: too early to say anything that {MANY_LOOKS}: {LEAST} customers must have converted, and as many "
            "not"
        )
    limits = interval(figures.any_time, of_rates=True)
    if figures.shows_any_time is None:
        return f"{group}: no winner yet if you look again and again, {limits} ({MANY_LOOKS})"
    least = "higher" if figures.shows_any_time == "more" else "lower"
    return f"{group}: {least} than {control} however often you have looked, by {limits} ({MANY_LOOKS})"


def _is_small(*groups: Group) -> bool:
    return any(min(one.converted or 0, one.customers - (one.converted or 0)) < SMALL for one in groups)


def _p(number: float | None) -> str:
    told = p_value(number)
    return told if told.startswith("<") else f"= {told}"
