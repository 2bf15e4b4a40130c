"""What calls cost: money, FLOPs and seconds, linear in the number of calls."""

import dataclasses
import math
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array
from numpy.typing import ArrayLike

from jaxscale._checks import ArgumentError
from jaxscale._numpy import ReadOnlyCopies, held

_MILLION = 1e6


def _number(value: Any) -> Any:
    """Numbers become Python floats, which are exact and take on the dtype of what they meet; arrays stay arrays."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return held(np.asarray(value, float) if isinstance(value, (list, tuple)) else value)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _check(value: Any, name: str) -> Any:
    """The amount, if it is one; traced ones pass unseen."""
    if isinstance(value, jax.core.Tracer):
        return value
    if not isinstance(value, (float, np.ndarray, np.generic, jax.Array)):
        raise ArgumentError(name, value, "a finite number of 0 or more")
    array = np.asarray(value)
    bad = ~(np.isfinite(array) & (array >= 0))
    if bad.any():
        raise ArgumentError(name, array[bad].reshape(-1)[0].item(), "a finite number of 0 or more")
    return value


def _amount() -> Any:
    return eqx.field(converter=_number, default=0.0)


class Cost(ReadOnlyCopies, eqx.Module):
    """What it costs to answer one query with a number of calls: money, FLOPs and seconds.

    Each is `per_query + per_call * calls + per_check * checks`. A check is one call of a verifier or a filter on one
    answer. Seconds are those of one query, its calls made `parallel` at a time: they count by rounds of calls.

    Args:
        per_call: money for one call, in whatever currency you think in; a number of 0 or more, or an array of them.
        per_query: money paid once for a query, however many its calls.
        per_check: money for one check.
        flops_per_call: FLOPs of one call.
        flops_per_query: FLOPs spent once for a query.
        flops_per_check: FLOPs of one check.
        seconds_per_call: seconds that one call takes.
        seconds_per_query: seconds spent once for a query.
        seconds_per_check: seconds that one check takes.
        parallel: calls (and checks) under way at once: a whole number from 1, or math.inf for all of them.

    Raises:
        ValueError: naming the argument, its value and what was expected.

    A pytree whose leaves are the nine amounts: usable under `jit`, `vmap` and `grad`. Numbers take on the dtype of the
    calls that they meet, NumPy in NumPy out; arrays broadcast with the calls (one row a model, say).

    Source:
        docs/mathematics.md, "Cost".

    Example:
        >>> Cost(per_call=0.002, per_query=0.01).money([1, 10])
        array([0.012, 0.03 ])
    """

    per_call: Any = _amount()
    per_query: Any = _amount()
    per_check: Any = _amount()
    flops_per_call: Any = _amount()
    flops_per_query: Any = _amount()
    flops_per_check: Any = _amount()
    seconds_per_call: Any = _amount()
    seconds_per_query: Any = _amount()
    seconds_per_check: Any = _amount()
    parallel: float = eqx.field(static=True, default=1)

    def __check_init__(self) -> None:
        for field in dataclasses.fields(self):
            if field.name != "parallel":
                _check(getattr(self, field.name), field.name)
        calls = self.parallel
        good = isinstance(calls, (int, float)) and not isinstance(calls, bool) and calls >= 1
        if not (good and (calls == math.inf or calls == int(calls))):
            raise ArgumentError("parallel", calls, "a whole number from 1, or math.inf")

    @classmethod
    def from_tokens(
        cls,
        prompt_tokens: ArrayLike | Array,
        decode_tokens: ArrayLike | Array,
        *,
        price_in: ArrayLike | Array = 0.0,
        price_out: ArrayLike | Array = 0.0,
        flops_per_token: ArrayLike | Array = 0.0,
        seconds_per_prompt_token: ArrayLike | Array = 0.0,
        seconds_per_token: ArrayLike | Array = 0.0,
        prompt_shared: bool = True,
        parallel: float = 1,
    ) -> "Cost":
        """The cost of calls that read a prompt and write an answer.

        FLOPs(k) = F (N_prompt + k N_decode) where the prompt is shared, F k (N_prompt + N_decode) where it is not.

        Args:
            prompt_tokens: mean tokens of a prompt.
            decode_tokens: mean tokens that a call writes.
            price_in: money for a million prompt tokens.
            price_out: money for a million written tokens.
            flops_per_token: FLOPs for one token, read or written; about twice the number of parameters.
            seconds_per_prompt_token: seconds to read one token.
            seconds_per_token: seconds to write one.
            prompt_shared: whether the prompt is read and paid once for all calls at a query (its cache is shared, or
                one request asks for several answers), else once for every call.
            parallel: as in the class.

        Returns:
            A `Cost`; what is paid for the prompt is per query or per call, as `prompt_shared` says.

        Raises:
            ValueError: naming the argument, its value and what was expected.

        Source:
            docs/mathematics.md, "Cost"; [Brown24]; [Levi24].

        Example:
            >>> Cost.from_tokens(500, 1000, flops_per_token=2 * 8e9).flops([1, 10])
            array([2.40e+13, 1.68e+14])
        """
        given = {
            "prompt_tokens": prompt_tokens,
            "decode_tokens": decode_tokens,
            "price_in": price_in,
            "price_out": price_out,
            "flops_per_token": flops_per_token,
            "seconds_per_prompt_token": seconds_per_prompt_token,
            "seconds_per_token": seconds_per_token,
        }
        number = {name: _check(_number(value), name) for name, value in given.items()}
        amounts = {}
        for prefix, of_prompt, of_answer in (
            ("", number["price_in"] / _MILLION, number["price_out"] / _MILLION),
            ("flops_", number["flops_per_token"], number["flops_per_token"]),
            ("seconds_", number["seconds_per_prompt_token"], number["seconds_per_token"]),
        ):
            read, written = number["prompt_tokens"] * of_prompt, number["decode_tokens"] * of_answer
            amounts[f"{prefix}per_query"] = read if prompt_shared else 0.0
            amounts[f"{prefix}per_call"] = written if prompt_shared else read + written
        return cls(**amounts, parallel=parallel)

    def checked_by(self, verifier: "Cost") -> "Cost":
        """This cost with a verifier's or filter's: one check costs what one call at a query of `verifier` does.

        Args:
            verifier: what the verifier's calls cost.

        Returns:
            A `Cost` with new `per_check`, `flops_per_check` and `seconds_per_check`.

        Example:
            >>> Cost(per_call=3.0).checked_by(Cost(per_call=0.5)).money(10, checks=10)
            35.0
        """
        return dataclasses.replace(
            self,
            per_check=verifier.money(1),
            flops_per_check=verifier.flops(1),
            seconds_per_check=verifier.seconds(1),
        )

    def money(self, calls: ArrayLike | Array, checks: ArrayLike | Array = 0) -> Any:
        """Money for one query.

        Args:
            calls: numbers of calls; any shape, fractions allowed (expected numbers).
            checks: numbers of checks; broadcast with `calls`.

        Returns:
            Amounts of the broadcast shape of `calls`, `checks` and the amounts of this cost.

        Example:
            >>> Cost(per_call=2.0, per_query=1.0).money(3)
            7.0
        """
        return self.per_query + self.per_call * _plain(calls) + self.per_check * _plain(checks)

    def flops(self, calls: ArrayLike | Array, checks: ArrayLike | Array = 0) -> Any:
        """FLOPs for one query; arguments and returns as in `money`.

        Example:
            >>> Cost(flops_per_call=2e12).flops(3)
            6000000000000.0
        """
        return self.flops_per_query + self.flops_per_call * _plain(calls) + self.flops_per_check * _plain(checks)

    def seconds(self, calls: ArrayLike | Array, checks: ArrayLike | Array = 0) -> Any:
        """Seconds from the first call at one query to the last answer; arguments and returns as in `money`.

        Serial calls add up; of those that are made at once each takes the time of one.

        Example:
            >>> Cost(seconds_per_call=2.0, parallel=4).seconds([1, 4, 5])
            array([2., 2., 4.])
        """
        calls, checks = self._rounds(_plain(calls)), self._rounds(_plain(checks))
        return self.seconds_per_query + self.seconds_per_call * calls + self.seconds_per_check * checks

    def _rounds(self, number: Any) -> Any:
        if self.parallel == 1:
            return number
        if math.isinf(self.parallel):
            return (number > 0) * 1.0
        return -(-number // self.parallel)


def _plain(values: Any) -> Any:
    return np.asarray(values) if isinstance(values, (list, tuple)) else values
