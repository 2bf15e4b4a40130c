"""What a type checker makes of a user's script: every name has its type, and what cannot be meant is an error."""

import re
import subprocess
import sys
from pathlib import Path

import jaxscale as js

SCRIPT = """
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

import jaxscale as js


@dataclasses.dataclass(frozen=True)
class TwoInARow:
    def start(self, answers: int) -> jax.Array:
        return jnp.zeros(2, int)

    def step(self, state: jax.Array, call: js.Call) -> jax.Array:
        return jnp.where(call.right, state + 1, 0)

    def score(self, state: jax.Array) -> jax.Array:
        return state[0] >= 2


key = jax.random.key(0)
attempts = js.Attempts([10, 10], [0, 3])
estimate: js.Estimate = js.estimate(js.PassAtK(), attempts, [1, 2])
errors: np.ndarray = js.pass_at_k(attempts, 1).standard_error
fit: js.Fit = js.fit("beta", attempts)
code: js.FitCode = fit.result
ahead: js.Forecast = js.forecast(js.PassAtK(), attempts, 100)
several: dict[str, js.Forecast] = js.forecast(js.PassAtK(), {"m": attempts}, 100)
drawn: js.Simulation = js.simulate(key, TwoInARow(), js.Beta(0.3, 4.0), [1, 2])
known: js.Simulation = js.simulate(key, js.Vote(), attempts, [1, 2])
plan: js.Plan = js.plan(attempts, budget=99.0)
js.exact(js.PassAtK(), js.PowerLaw(0.3, 0.4), 10)
plain: dict[str, object] = plan.to_dict()
try:
    js.pass_at_k(attempts, 0)
except js.ArgumentError as refused:
    name: str = refused.argument

js.simulate(key, "vote", attempts, 1)  # wrong
js.simulate(key, js.Vote(), 0.5, 1)  # wrong
js.exact(js.Vote(), [0.5, 0.5], 1)  # wrong
estimate.k  # wrong
js.fit("beta", attempts, method="bayes")  # wrong
js.fitt  # wrong
"""


def test_a_script_under_strict_typing_finds_every_type_and_its_mistakes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    root = Path(js.__file__).parents[1]
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-error-summary"]
    command += ["--cache-dir", str(root / ".mypy_cache" / "strict"), "--config-file", "", str(script)]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True).stdout
    wrong = [number for number, line in enumerate(SCRIPT.splitlines(), 1) if "# wrong" in line]
    assert sorted({int(line) for line in re.findall(r"script\.py:(\d+): error", found)}) == wrong, found
