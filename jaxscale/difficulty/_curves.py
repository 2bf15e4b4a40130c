"""Laws of the coverage curve alone: they say when a query is first solved, not how often."""

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, float64, promote
from jaxscale.difficulty._base import AbstractLaw
from jaxscale.difficulty._parameters import check_parameters, nonnegative, parameter, positive
from jaxscale.special import log1mexp, log_beta_ratio

_SINGLE = 64
_GROWTH = 1.04


class FirstSuccessStatistics(NamedTuple):
    """How a query's first success is spread over the calls, averaged over the orders its attempts may have come in.

    Attributes:
        attempts: attempts of each query.
        in_bin: P(first success in bin j), for the bins (edge j, edge j + 1] that end within the attempts.
        last_edge: where the last such bin ends.
        in_rest: P(first success after `last_edge`, within the attempts).
        never: P(no success in all attempts): 1 for an unsolved query, else 0.
    """

    attempts: Float[Array, " queries"]
    in_bin: Float[Array, "queries bins"]
    last_edge: Float[Array, " queries"]
    in_rest: Float[Array, " queries"]
    never: Float[Array, " queries"]


class AbstractCurve(AbstractLaw):
    """A law of the curve: a distribution of the time T of first success, P(T > k) = exp(log_failure(k)).

    Its likelihood of (n, c) is that of T, averaged over the C(n, c) orders in which the c successes may have come
    (Rao-Blackwellised): sum_j P(t_{j-1} < T <= t_j | n, c) log[S(t_{j-1}) - S(t_j)] + [c = 0] log S(n), with
    P(T > t | n, c) = C(n-c, t)/C(n, t). A query thus counts once, not once per point of its curve. Bins are single
    calls up to 64, then 4% wide.

    Source:
        docs/mathematics.md, "Laws of the curve".
    """

    composite: ClassVar[bool] = True

    @staticmethod
    def statistics(attempts: np.ndarray, successes: np.ndarray) -> FirstSuccessStatistics:
        """Where the first success of each query lies; see `AbstractLaw.statistics`."""
        n, c = np.asarray(attempts, np.float64), np.asarray(successes, np.float64)
        edges = _edges_up_to(float(n.max()))
        inner = edges <= n[:, None]
        last_edge = np.max(np.where(inner, edges, 0.0), axis=1)
        survival = _survival(n, c, np.where(inner, edges, last_edge[:, None]))
        never = (c == 0).astype(np.float64)
        in_bin, in_rest = survival[:, :-1] - survival[:, 1:], survival[:, -1] - never
        return FirstSuccessStatistics(*(promote(part)[0] for part in (n, in_bin, last_edge, in_rest, never)))

    def log_likelihood_terms(self, statistics: FirstSuccessStatistics) -> Float[Array, " queries"]:
        """Composite log-likelihood of each query's first-success time; see the class."""
        n, in_bin, last_edge, in_rest, never = statistics
        edges = self.log_survival(jnp.asarray(_edges(in_bin.shape[-1]), in_bin.dtype))
        terms = jnp.sum(in_bin * _log_mass(edges[:-1], edges[1:]), axis=-1)
        log_end = self.log_survival(n)
        terms = terms + in_rest * _log_mass(self.log_survival(last_edge), log_end)
        return terms + jnp.where(never > 0, never * jnp.minimum(jnp.where(never > 0, log_end, 0.0), 0.0), 0.0)

    def log_survival(self, k: ArrayLike | Array) -> Floats:
        """log_failure before it is held at 0 or below, where a law's formula can rise above 0."""
        return self.log_failure(k)


def _edges(bins: int) -> np.ndarray:
    """Ends of the first `bins` bins: 0, 1, ..., 64, then growing by 4%, whole numbers."""
    geometric = _SINGLE * _GROWTH ** np.arange(1, max(bins - _SINGLE, 0) + 1)
    return np.concatenate([np.arange(_SINGLE + 1.0), np.floor(geometric)])[: bins + 1]


def _edges_up_to(n: float) -> np.ndarray:
    bins = _SINGLE + max(0, int(np.ceil(np.log(n / _SINGLE) / np.log(_GROWTH))))
    edges = _edges(bins)
    return edges[edges <= n]


def _survival(n: np.ndarray, c: np.ndarray, t: np.ndarray) -> np.ndarray:
    """P(no success in the first t of n attempts in random order) = C(n-c, t)/C(n, t); t has shape (queries, times)."""
    n, c = n[:, None], c[:, None]
    room = n - c - t
    with float64():
        # At c = 0 the ratio is 1 exactly; log_beta_ratio needs a positive first argument.
        log_ratio = np.asarray(jax.jit(log_beta_ratio)(np.maximum(c, 1.0), np.maximum(room, 0.0) + 1, t))
    return np.where(c == 0, 1.0, np.where(room >= 0, np.exp(log_ratio), 0.0))


def _log_mass(log_start: Floats, log_end: Floats) -> Floats:
    """log(S(start) - S(end)), held at a large negative number where there is no mass, falling on as `log_end` rises.

    A law held at S = 1 gives its first calls no mass. Minus infinity would leave an optimiser without direction; the
    excess of the formula over 1 gives it one.
    """
    tiny = jnp.finfo(log_end.dtype).tiny
    log_start = jnp.minimum(log_start, 0.0)
    drop = log_start - log_end
    mass = drop > tiny
    inside = log_start + log1mexp(-jnp.where(mass, drop, 1.0))
    return jnp.where(mass, inside, jnp.log(tiny) + jnp.minimum(drop, 0.0))


class PowerLaw(AbstractCurve):
    """A power law of the failure: 1 - pass@k = coefficient * k^(-exponent), held at 1 where it exceeds 1.

    With coefficient > 1 it says that no query is solved in the first calls; data that show otherwise have a likelihood
    of zero under it, which is replaced by a very small one that grows as the coefficient falls (see `_log_mass`).

    Args:
        coefficient: failure at one call, positive. Scalar.
        exponent: positive. Scalar.

    Raises:
        ValueError: if a parameter is outside its range.

    Source:
        docs/mathematics.md, "Laws of the curve"; the tail of [Levi24] Eq. 7.

    Example:
        >>> print(round(float(PowerLaw(0.8, 0.5).pass_at_k(4)), 5))
        0.6
    """

    coefficient: Float[Array, ""] = parameter(positive)
    exponent: Float[Array, ""] = parameter(positive)

    if TYPE_CHECKING:  # what is taken is converted

        def __init__(self, coefficient: ArrayLike | Array, exponent: ArrayLike | Array) -> None: ...

    def __check_init__(self) -> None:
        check_parameters(self)

    def log_failure(self, k: ArrayLike | Array) -> Floats:
        """Log of the failure, held at 0; see `AbstractLaw.log_failure`."""
        return jnp.minimum(self.log_survival(k), 0.0)

    def log_survival(self, k: ArrayLike | Array) -> Floats:
        """log(coefficient) - exponent * log(k), above 0 where the law is held at 1; 0 at k = 0."""
        (k,) = promote(k)
        formula = jnp.log(self.coefficient) - self.exponent * jnp.log(jnp.where(k > 0, k, 1.0))
        return jnp.where(k > 0, formula, 0.0)


class ExponentiatedPowerLaw(AbstractCurve):
    """A power law of the log coverage: -log pass@k = coefficient * k^(-exponent) + offset.

    Args:
        coefficient: positive. Scalar.
        exponent: positive. Scalar.
        offset: minus the log of pass@k in the limit of many calls, zero or more; held fixed by `fit` unless freed by
            name.

    Raises:
        ValueError: if a parameter is outside its range.

    Source:
        [Brown24] with offset = 0; [Schaeffer25] for why aggregates take this form.

    Example:
        >>> print(float(ExponentiatedPowerLaw(1.0, 0.5).pass_at_k(100)))  # exp(-0.1)
        0.90483...
    """

    coefficient: Float[Array, ""] = parameter(positive)
    exponent: Float[Array, ""] = parameter(positive)
    offset: Float[Array, ""] = parameter(nonnegative, fitted=False, default=0.0)

    if TYPE_CHECKING:  # what is taken is converted

        def __init__(
            self, coefficient: ArrayLike | Array, exponent: ArrayLike | Array, offset: ArrayLike | Array = 0.0
        ) -> None: ...

    def __check_init__(self) -> None:
        check_parameters(self)

    def log_failure(self, k: ArrayLike | Array) -> Floats:
        """log(1 - pass@k); see `AbstractLaw.log_failure`."""
        (k,) = promote(k)
        log_power = -self.exponent * jnp.log(jnp.where(k > 0, k, 1.0))
        log_failure = log1mexp(-(self.coefficient * jnp.exp(log_power) + self.offset))
        return jnp.where(k > 0, log_failure, 0.0)
