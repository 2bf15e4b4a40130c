"""What the README shows of files and numbers is what the package does."""

import re
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

import jaxscale as js
from jaxscale.cli import run
from jaxscale.simulator import read_sweep
from jaxscale.simulator._schema import POPULATIONS, SYSTEMS

README = (Path(__file__).parents[1] / "README.md").read_text()


def block(language, containing):
    """The one block of code in a language that contains a text."""
    (found,) = (code for code in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if containing in code)
    return found


def test_the_sweep_runs_and_names_all_that_there_is(tmp_path, capsys):
    text = block("toml", "[population]")
    for key, known in (("model", POPULATIONS), ("name", SYSTEMS)):
        line = re.search(rf'^{key} = "(.*)" # or (.*)$', text, re.MULTILINE)
        assert {line[1], *line[2].split(", ")} == set(known)
    sweep, out = tmp_path / "sweep.toml", tmp_path / "out.parquet"
    sweep.write_text(text)
    whole = read_sweep(sweep)
    assert len(whole.points) == 3 * 4 * (1 + 2)
    sweep.write_text(text.replace("100_000", "1_000"))
    assert run(["simulate", str(sweep), "-o", str(out)]) == 0
    assert "36 points" in capsys.readouterr().out
    table = pyarrow.parquet.read_table(out)
    assert table.num_rows == 36 * len(whole.calls)
    assert set(table["system"].to_pylist()) == {"vote", "best-of-n"}


@pytest.mark.parametrize(("population", "kind"), [(np.array([[0.6, 0.4]]), "ndarray"), ([[0.6, 0.4]], "list")])
def test_plain_numbers_are_refused_with_what_holds_them(population, kind):
    with pytest.raises(TypeError, match=rf"no exact for Vote on {kind}: expected one of AnswerDistribution, "):
        js.exact(js.Vote(), population, [1, 3])
    with pytest.raises(TypeError, match=r"AnswerDistribution\(probabilities\) holds known probabilities of answers"):
        js.exact(js.PassAtK(), population, [1, 3])
