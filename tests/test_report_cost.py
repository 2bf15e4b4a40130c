"""The section of a report on cost: there with prices, each curve at what it costs, and the lead in words."""

import numpy as np
import pytest

import jaxscale as js
from jaxscale.cli import run
from jaxscale.reports import Group, report
from jaxscale.reports._cost import cost_chart, leaders, leaders_table, priced_curves

K = np.array([1, 2, 4, 8])


def group(name, value, queries=10):
    model = js.forecast(js.PassAtK(), js.Attempts([1, 1], [0, 1]), 1).model
    forecast = js.Forecast(K, *np.array([value] * 3, float), model, np.array(["estimate"] * 4))
    attempts = js.Attempts([8] * queries, [1] * queries)
    return Group(name, attempts, None, forecast, ())


@pytest.fixture(scope="module")
def curves():
    groups = [group("small", [0.1, 0.2, 0.3, 0.4]), group("large", [0.5, 0.6, 0.7, 0.8])]
    return priced_curves(groups, {"small": js.Cost(1.0), "large": js.Cost(4.0, per_query=1.0)})


def test_every_point_is_drawn_at_what_it_costs(curves):
    spec = cost_chart(curves, 10, description="Costs.")
    rows = {(row["name"], row["k"]): row["cost"] for row in spec["data"]["values"]}
    assert rows == {
        **{("small", k): 10.0 * k for k in K.tolist()},
        **{("large", k): 10.0 * (1 + 4 * k) for k in K.tolist()},
    }
    assert spec["encoding"]["x"]["field"] == "cost"


def test_the_lead_is_said_in_words_and_in_a_table(curves):
    assert leaders(curves, 10) == [
        "Below 50.00: small with 1 to 4 calls each, coverage 10.0% to 30.0%.",  # a fifth costs 50
        "From 50.00: large with 1 to 8 calls each, coverage 50.0% to 80.0%.",
    ]
    table = leaders_table(curves, 10, "model")
    assert table.rows[1] == ["large", "50.00 to 330.00", "1 to 8", "50.0% to 80.0%"]


def test_prices_add_the_section(tmp_path, capsys):
    file, prices, out = tmp_path / "runs.csv", tmp_path / "prices.toml", tmp_path / "out.html"
    rows = "".join(f"{m},q{i},20,{c}\n" for m in "ab" for i, c in enumerate((0, 0, 1, 2, 5, 19)))
    file.write_text(f"model,problem,attempts,successes\n{rows}")
    prices.write_text("[a]\nper_call = 1\n[b]\nper_call = 3\n")
    assert run(["report", str(file), "--group", "model", "--prices", str(prices), "-o", str(out)]) == 0
    assert "What it costs" in out.read_text()
    assert "At every cost: a with" in out.read_text()
    capsys.readouterr()
    prices.write_text("[a]\nper_call = 1\n")
    out.unlink()
    assert run(["report", str(file), "--group", "model", "--prices", str(prices), "-o", str(out)]) == 2
    assert "no prices for 'b': expected a table" in capsys.readouterr().err
    assert not out.exists()


def test_every_data_set_needs_a_cost():
    attempts = js.Attempts([8, 8], [0, 1])
    with pytest.raises(ValueError, match=r"costs: 'b' has none: expected a Cost for each data set"):
        report({"a": attempts, "b": attempts}, costs={"a": js.Cost(1.0)})
