"""Every source that a docstring names exists in docs/, where a user can read it."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
CODE = sorted([*(ROOT / "jaxscale").rglob("*.py"), *(ROOT / "notebooks" / "experiments").rglob("*.py")])
MATHEMATICS = (ROOT / "docs" / "mathematics.md").read_text()
HEADINGS = set(re.findall(r"^#+ (.+)$", MATHEMATICS, re.MULTILINE))
REFERENCES = set(re.findall(r"^- \[(\w+)\]", (ROOT / "docs" / "references.md").read_text(), re.MULTILINE))
# "docs/mathematics.md, "One heading" and "another"", wherever the lines break.
CITED_HEADINGS = re.compile(r'docs/mathematics\.md, ("[^"]+"(?: and "[^"]+")*)')
CITED_REFERENCE = re.compile(r"\[((?:[A-Za-z]+\d\d)|DLMF)\](?!\()")


def text_of(file: Path) -> str:
    return " ".join(file.read_text().split())


def test_cited_headings_exist():
    cited = {
        heading
        for file in CODE
        for group in CITED_HEADINGS.findall(text_of(file))
        for heading in re.findall(r'"([^"]+)"', group)
    }
    assert len(cited) > 20
    assert cited <= HEADINGS


def test_references_are_those_that_are_cited():
    files = [*CODE, ROOT / "docs" / "mathematics.md"]
    assert {name for file in files for name in CITED_REFERENCE.findall(text_of(file))} == REFERENCES


def test_links_within_the_mathematics_resolve():
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in HEADINGS}
    assert set(re.findall(r"\]\(#([^)]+)\)", MATHEMATICS)) <= anchors


def test_no_page_is_cited_that_users_lack():
    private = re.compile(r"\b(MATH|DESIGN|STYLE|FORMATS)(\.md)?[ ,]+(section|\d)")
    assert [file.name for file in CODE if private.search(text_of(file))] == []
