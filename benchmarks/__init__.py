"""Measurements against honest rivals: `python -m benchmarks [NAME...] [--quick] [--json FILE]`.

Each module beside this one has `run(quick) -> list of rows`. A row has a name, seconds (warm) and, where there is a
rival, rival_seconds, ratio (rival over ours), max_abs_difference of the answers; compile_seconds apart; a note. A
module whose rows are of another kind (`forecast`: errors and intervals) has `tables(rows)`, what to print of them.

`python -m benchmarks accelerator [--minutes 6] [--json FILE]` is a run of its own: see `benchmarks.accelerator`.
"""
