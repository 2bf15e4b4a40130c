"""What every law of coverage can do: difficulty models, and laws of the curve alone."""

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, promote
from jaxscale._checks import check_calls
from jaxscale._numpy import ReadOnlyCopies
from jaxscale.data import Attempts
from jaxscale.difficulty._parameters import FollowsDtype
from jaxscale.special import log_binomial


class AbstractLaw(FollowsDtype, ReadOnlyCopies, eqx.Module):
    """A law of coverage: how the share of queries solved grows with the number of calls."""

    composite: ClassVar[bool] = False
    """Whether the likelihood treats dependent observations of a query as if they were independent."""

    @abstractmethod
    def log_failure(self, k: ArrayLike | Array) -> Floats:
        """Log of the probability that k calls at a random query all fail (the log inference loss).

        Args:
            k: number of calls, zero or more; any shape.

        Returns:
            Zero or negative values, shape of `k`.
        """

    @staticmethod
    @abstractmethod
    def statistics(attempts: np.ndarray, successes: np.ndarray) -> Any:
        """What the likelihood needs of the data, computed once in NumPy.

        Args:
            attempts: (queries,) attempts per query.
            successes: (queries,) successes per query.

        Returns:
            A pytree of arrays whose first axis runs over queries.
        """

    @abstractmethod
    def log_likelihood_terms(self, statistics: Any) -> Float[Array, " queries"]:
        """Log-likelihood of each query from what `statistics` returned."""

    def pass_at_k(self, k: ArrayLike | Array) -> Floats:
        """Coverage: the probability that at least one of k calls at a random query succeeds.

        Args:
            k: number of calls, zero or more; any shape.

        Returns:
            Probabilities, shape of `k`.

        Raises:
            ValueError: for a negative number of calls (unless jax traces it).
        """
        check_calls(k)
        return -jnp.expm1(self.log_failure(k))

    def log_likelihood(self, attempts: Attempts) -> Float[Array, ""]:
        """Log-likelihood of recorded attempts, summed over queries (a composite one for laws of the curve alone).

        Args:
            attempts: what was recorded.

        Returns:
            A scalar in natural-log units.
        """
        return jnp.sum(self.log_likelihood_terms(self.statistics(attempts.attempts, attempts.successes)))


class CountStatistics(NamedTuple):
    """What the likelihood of counts needs of each query.

    Attributes:
        successes: how many calls succeeded.
        failures: how many failed.
        log_choices: log of the binomial coefficient.
    """

    successes: Float[Array, " queries"]
    failures: Float[Array, " queries"]
    log_choices: Float[Array, " queries"]


@jax.jit
def _count_statistics(successes: Array, failures: Array) -> CountStatistics:
    return CountStatistics(*promote(successes, failures, log_binomial(successes + failures, successes)))


class AbstractDifficulty(AbstractLaw):
    """A distribution of the success probability p over queries."""

    @abstractmethod
    def log_moment(self, successes: ArrayLike | Array, failures: ArrayLike | Array) -> Floats:
        """log E[p^successes (1-p)^failures], from which failure, likelihood and posterior prediction all follow.

        Args:
            successes: zero or more; any shape.
            failures: zero or more; broadcast with `successes`.

        Returns:
            Zero or negative values of the broadcast shape.
        """

    @abstractmethod
    def sample(self, key: PRNGKeyArray, shape: tuple[int, ...] = ()) -> tuple[Floats, Floats]:
        """Draw success probabilities, in log space so that neither end is rounded away.

        Args:
            key: a typed JAX key.
            shape: shape of the draw.

        Returns:
            log p and log(1 - p), each of shape `shape`.
        """

    def log_failure(self, k: ArrayLike | Array) -> Floats:
        """Log of E[(1-p)^k], the log inference loss; see `AbstractLaw.log_failure`."""
        return self.log_moment(jnp.zeros_like(promote(k)[0]), k)

    def count_probability(self, right: ArrayLike | Array, calls: ArrayLike | Array) -> Floats:
        """The probability that so many of several calls at a random query are right.

        Args:
            right: zero or more; any shape.
            calls: at least `right`; broadcast with it.

        Returns:
            C(calls, right) E[p^right (1-p)^(calls - right)], of the broadcast shape.

        Source:
            docs/mathematics.md, "All calls right".
        """
        right, calls = promote(right, calls)
        return jnp.exp(self.log_moment(right, calls - right) + log_binomial(calls, right))

    @staticmethod
    def statistics(attempts: np.ndarray, successes: np.ndarray) -> CountStatistics:
        """Successes, failures and log binomial coefficients; see `AbstractLaw.statistics`."""
        return _count_statistics(np.asarray(successes), np.asarray(attempts) - np.asarray(successes))

    def log_likelihood_terms(self, statistics: CountStatistics) -> Float[Array, " queries"]:
        """log E[p^c (1-p)^(n-c)] + log C(n, c) of each query."""
        return self.log_moment(statistics.successes, statistics.failures) + statistics.log_choices

    def log_predictive_failure(
        self,
        k: ArrayLike | Array,
        attempts: ArrayLike | Array,
        successes: ArrayLike | Array,
    ) -> Floats:
        """Log of the probability that k further calls at a query all fail, given what was recorded of it.

        Args:
            k: further calls; broadcast with the other two.
            attempts: recorded attempts.
            successes: recorded successes.

        Returns:
            Zero or negative values of the broadcast shape.

        Source:
            docs/mathematics.md, "Posterior prediction".
        """
        k, attempts, successes = promote(k, attempts, successes)
        failures = attempts - successes
        return self.log_moment(successes, failures + k) - self.log_moment(successes, failures)
