"""inspect_ai: 8 epochs of a task with three scorers, one of them graded, and a sample that ends in an error."""

import sys
from pathlib import Path

import _script as script
from inspect_ai import Epochs, Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ModelAPI, ModelOutput, ModelUsage, modelapi
from inspect_ai.scorer import Score, Target, accuracy, answer, mean, scorer
from inspect_ai.solver import TaskState, generate, solver

BROKEN = (3, 2)
"""The problem and the call that end in an error."""


@modelapi(name="scripted")
class Scripted(ModelAPI):
    async def generate(self, input, tools, tool_choice, config):
        asked = input[-1].text
        index, call = script.index_of(asked), int(asked.rsplit("call ", 1)[1])
        wrote = script.tokens(index, call)
        return ModelOutput(
            model=self.model_name,
            choices=[ChatCompletionChoice(message=ChatMessageAssistant(content=script.text(index, call)))],
            usage=ModelUsage(
                input_tokens=script.prompt_tokens(index),
                output_tokens=wrote,
                total_tokens=script.prompt_tokens(index) + wrote,
            ),
        )


@solver
def ask():
    async def solve(state: TaskState, generate):
        call = state.epoch - 1
        if (script.index_of(state.user_prompt.text), call) == BROKEN:
            raise RuntimeError("the sandbox is gone")
        state.user_prompt.text += f" call {call}"
        return state

    return solve


@scorer(metrics=[mean()])
def closeness():
    """A graded score: 1 for the right answer, 0.5 for another one, 0 for none."""

    async def score(state: TaskState, target: Target) -> Score:
        said = state.output.completion
        return Score(value=1.0 if said.endswith(f" {target.text}") else 0.5 if "ANSWER" in said else 0.0)

    return score


@scorer(metrics=[accuracy()])
def attempted():
    """Yes or no: whether there is any answer."""

    async def score(state: TaskState, target: Target) -> Score:
        return Score(value="yes" if "ANSWER" in state.output.completion else "no")

    return score


def metrics(log, name):
    """The accuracy of a scorer by each reducer: pass@1 is the mean."""
    found = {}
    for each in log.results.scores:
        if each.name == name:
            found[each.reducer or "mean"] = next(iter(each.metrics.values())).value
    names = {"mean": "pass@1", "pass_at_2": "pass@2", "pass_at_4": "pass@4"}
    return {names[reducer]: value for reducer, value in found.items() if reducer in names}


def main(folder):
    samples = [
        Sample(id=script.problem(i), input=script.question(i), target=script.gold(i)) for i in range(script.PROBLEMS)
    ]
    task = Task(
        dataset=MemoryDataset(samples),
        solver=[ask(), generate()],
        scorer=[answer("word"), closeness(), attempted()],
        epochs=Epochs(script.CALLS, ["mean", "pass_at_2", "pass_at_4"]),
        fail_on_error=False,
        name="sums",
    )
    cases = []
    for form in ("eval", "json"):
        (log,) = eval(task, model="scripted/known", log_dir=str(Path(folder, form)), log_format=form, display="none")
        path = Path(log.location.removeprefix("file://")).relative_to(folder)
        judged = script.expected(without={BROKEN})
        some = script.expected(
            without={BROKEN}, verdict=lambda index, call: script.answer(index, call) is not None, votes=False
        )
        cases += [
            script.case(f".{form}, scorer answer", path, judged, metrics(log, "answer"), scorer="answer"),
            script.case(
                f".{form}, scorer closeness, --right '>= 0.5'", path, some, {}, scorer="closeness", right=">= 0.5"
            ),
            script.case(f".{form}, scorer attempted", path, some, metrics(log, "attempted"), scorer="attempted"),
        ]
    script.done(folder, "`scores.<scorer>.value`", cases)


if __name__ == "__main__":
    main(sys.argv[1])
