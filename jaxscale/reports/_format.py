"""Numbers as a person reads them."""


def percent(share: float) -> str:
    """A share with one decimal, or with two significant digits where that would hide it.

    >>> percent(0.0413), percent(0.00042), percent(1.0), percent(0.99964), percent(0.9999999)
    ('4.1%', '0.042%', '100%', '99.96%', 'over 99.99%')
    """
    share = round(share, 12)
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    if share < 1e-6:
        return "under 0.0001%"
    if share < 0.001:
        return f"{100 * share:.2g}%"
    if share >= 0.99995:
        return "over 99.99%"
    return f"{100 * share:.{2 if share >= 0.9995 else 1}f}%"


def between(lower: float, upper: float) -> str:
    """Two shares as the ends of an interval, or the one that both are.

    >>> between(0.41, 0.52), between(1.0, 1.0), between(0.99999, 1.0)
    ('41.0% to 52.0%', '100%', 'over 99.99%')
    """
    low, high = percent(lower), percent(upper)
    return low if low == high or lower >= 0.99995 else f"{low} to {high}"


def points(difference: float) -> str:
    """A difference of shares in percentage points.

    >>> points(0.0903), points(-0.0004)
    ('+9.0 points', '0.0 points')
    """
    return f"{signed(difference)} points"


def signed(difference: float, decimals: int = 1) -> str:
    """A difference of shares in percentage points, without their name; without a sign where none is to be seen.

    >>> signed(0.0903), signed(-0.0004), signed(-0.3, 0)
    ('+9.0', '0.0', '-30')
    """
    rounded = round(100 * difference, decimals)
    return f"{rounded or 0.0:{'+' if rounded else ''}.{decimals}f}"


def number(value: int) -> str:
    """A whole number with commas.

    >>> number(10_000)
    '10,000'
    """
    return f"{value:,}"


def calls(k: int) -> str:
    """A number of calls.

    >>> calls(1), calls(10_000)
    ('1 call', '10,000 calls')
    """
    return "1 call" if k == 1 else f"{k:,} calls"


def span(least: int, most: int) -> str:
    """A range of whole numbers, or the one number that it is.

    >>> span(128, 10_000), span(16, 16)
    ('128 to 10,000', '16')
    """
    return number(least) if least == most else f"{number(least)} to {number(most)}"


def listed(names: list[str], most: int = 4) -> str:
    """Names in a sentence.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], 2)
    ('a, b and c', 'a, b and 1 more')
    """
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
