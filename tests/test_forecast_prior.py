"""Where nothing was solved, or everything, a forecast is its prior: that is said, and the prior named."""

import json

import pytest

import jaxscale as js
from jaxscale.cli import run
from jaxscale.data import DataWarning
from jaxscale.reports import Group, cautions
from jaxscale.reports._analysis import Budgets

NAMES = tuple("abcdef")
NONE, ALL = js.Attempts([20] * 6, [0] * 6, query=NAMES, name="weak"), js.Attempts([20] * 6, [20] * 6, query=NAMES)
SOME = js.Attempts([20] * 6, [0, 0, 1, 3, 9, 20], query=NAMES)


@pytest.mark.parametrize(
    ("data", "model", "said"),
    [
        (NONE, "auto", r"^weak: nothing was solved in 120 calls at 6 queries: .*the prior alone \(auto: laws .* bent"),
        (ALL, "auto", r"^no call was wrong in 120 calls at 6 queries: .* from the prior alone \(auto: laws"),
        (NONE, "beta", r"the prior alone \(beta under wide priors of its parameters\)"),
    ],
)
def test_a_forecast_from_the_prior_alone_names_it(data, model, said):
    with pytest.warns(DataWarning, match=said):
        js.forecast(js.PassAtK(), data, 1_000, model=model)


def test_groups_and_plans_name_the_group():
    with pytest.warns(DataWarning, match="^none: nothing was solved in 120 calls"):
        js.forecast(js.PassAtK(), {"some": SOME, "none": NONE}, 10)
    with pytest.warns(DataWarning, match="^none: nothing was solved in 120 calls"):
        js.plan({"some": SOME, "none": NONE}, budget=60)


def test_votes_say_so_too():
    ballots = js.Ballots([[3, 2], [4, 1]], [[False, False]] * 2)
    with pytest.warns(DataWarning, match=r"nothing was solved in 10 calls at 2 queries: .*\(dirichlet: a law"):
        js.forecast(js.Vote(), ballots, 9)


@pytest.mark.parametrize("command", [["forecast", "--k", "10,10000"], ["plan", "--target", "0.5", "--most", "100"]])
def test_commands_warn_on_stderr_and_in_json(tmp_path, capsys, command):
    file = tmp_path / "runs.csv"
    file.write_text("problem,attempts,successes\n" + "".join(f"{name},20,0\n" for name in NAMES))
    name, *options = command
    assert run([name, str(file), *options, "--json"]) == 0
    out, err = capsys.readouterr()
    (said,) = json.loads(out)["warnings"]
    assert "nothing was solved in 120 calls at 6 queries" in said
    assert f"jaxscale: warning: {said}\n" in err


@pytest.mark.parametrize(("data", "cautioned"), [(NONE, True), (ALL, True), (SOME, False)])
def test_a_report_cautions(data, cautioned):
    group = Group("all", data, None, None, ())
    assert (
        "Nothing was solved, or everything" in [c.title for c in cautions([group], Budgets(20, (1, 20)))]
    ) == cautioned
