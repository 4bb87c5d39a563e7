"""Figures of experiments as people read them: `+1.2 % (−0.3 … +2.7)`, with as many decimals as are sure."""

from math import ceil, inf, log10

from transforms.answers.experiment import Estimate

UNKNOWN = "-"
_MOST_DECIMALS = 6
_LONGEST = 1e15


def percent(found: Estimate, *, signed: bool = False) -> str:
    """A share of 1 in percent, with its interval in parentheses; `≥` where it has a lower limit only."""
    return _told(found, 100, " %", _decimals(found, 100, 1), signed=signed)


def amount(found: Estimate, *, signed: bool = False) -> str:
    """A value, with its interval in parentheses."""
    return _told(found, 1, "", _decimals(found, 1, 2), signed=signed)


def interval(found: Estimate, *, of_rates: bool) -> str:
    """The limits alone: `−0.3 … +2.7 points`."""
    times, least = (100, 1) if of_rates else (1, 2)
    decimals = _decimals(found, times, least)
    return f"{_limits(found, times, decimals, signed=True)}{' points' if of_rates else ''}"


def size(difference: float, *, of_rates: bool) -> str:
    """How large a difference is, without its sign: `1.2 points`."""
    least = Estimate(abs(difference), None, None)
    number = _number(least.value, 100 if of_rates else 1, _decimals(least, 100 if of_rates else 1, 1))
    return f"{number} points" if of_rates else number


def probability(share: float | None) -> str:
    """A probability in percent: `<0.1 %` and `>99.9 %` at the ends."""
    if share is None:
        return UNKNOWN
    if share < 0.0005:
        return "<0.1 %"
    return ">99.9 %" if share > 0.9995 else f"{100 * share:.1f} %"


def p_value(number: float | None) -> str:
    """A p-value, to two digits that tell."""
    if number is None:
        return UNKNOWN
    return "<0.0001" if number < 0.0001 else f"{number:.2g}" if number < 0.1 else f"{number:.2f}"


def _told(found: Estimate, times: int, unit: str, decimals: int, *, signed: bool) -> str:
    if found.value is None:
        return (
            UNKNOWN if found.low is None else f"≥ {_number(found.low, times, decimals, signed=signed)}{unit}"
        )
    told = f"{_number(found.value, times, decimals, signed=signed)}{unit}"
    if found.low is None and found.high is None:
        return told
    return f"{told} ({_limits(found, times, decimals, signed=signed)})"


def _limits(found: Estimate, times: int, decimals: int, *, signed: bool) -> str:
    low, high = (
        "" if one is None else _number(one, times, decimals, signed=signed) for one in (found.low, found.high)
    )
    return f"{low} … {high}".strip()


def _number(number: float | None, times: int, decimals: int, *, signed: bool = False) -> str:
    if number is None:
        return UNKNOWN
    if abs(number * times) >= _LONGEST:
        return f"{number * times:.3g}".replace("-", "−")
    told = f"{number * times:+,.{decimals}f}" if signed else f"{number * times:,.{decimals}f}"
    return told.replace("-", "−") if float(told.replace(",", "")) else told.lstrip("+-")


def _decimals(found: Estimate, times: int, least: int) -> int:
    """So many that the interval's half shows two digits; without one, the figure itself."""
    if found.low is not None and found.high is not None:
        breadth = (found.high - found.low) / 2
    else:
        breadth = abs(found.value or 0)
    if not 0 < breadth * times < inf:
        return least
    return min(max(1 - ceil(log10(breadth * times)) + 1, least), _MOST_DECIMALS)
