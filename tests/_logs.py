"""What the tests of logs share: where the real ones are, what is read of one, and a log of inspect_ai."""

import json
from pathlib import Path

import jaxscale as js
from jaxscale.io import FORMATS
from jaxscale.io._source import open_source

LOGS = Path(__file__).resolve().parents[2] / "shared" / "data" / "logs"


def lines(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def recognised(path):
    source = open_source(path)
    return next(known.name for known in FORMATS if known.recognises(source))


def counts(path, group=()):
    (attempts,) = js.read_attempts(path, group).values()
    successes, totals = attempts.successes.tolist(), attempts.attempts.tolist()
    return {query: (c, n) for query, c, n in zip(attempts.query, successes, totals, strict=True)}


def sample(identity, epoch, value, answer, tokens=3):
    usage = {"m": {"output_tokens": tokens, "input_tokens": 1}}
    scores = {"match": {"value": value, "answer": answer}}
    return {"id": identity, "epoch": epoch, "target": "4", "scores": scores, "model_usage": usage}


SAMPLES = [
    sample("q1", 1, "C", "4"),
    sample("q2", 1, "I", "5"),
    sample("q1", 2, "N", "5"),
    sample("q2", 2, 1.0, "4"),
    sample("q1", 3, None, "4"),
    sample("q1", 4, float("nan"), "4"),
    sample("q1", 4, True, "4"),
]
LOG = {"version": 2, "status": "success", "eval": {"eval_id": "x", "model": "m"}, "samples": SAMPLES}
