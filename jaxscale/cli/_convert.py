"""`jaxscale convert`: logs and tables as one tidy table, or as every_eval_ever."""

from pathlib import Path
from typing import Annotated

import typer

from jaxscale.cli._options import Files
from jaxscale.cli._reading import AS_RECORDED, Reading, said_plainly, say_read


def convert(
    files: Files,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT", show_default=False, help="The file to write.")
    ],
    format: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="Of OUT: parquet, csv or every-eval-ever; by default its ending tells (.parquet, .csv, .jsonl).",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default=False, help="Format of FILE; by default its content tells."),
    ] = None,
    reading: Reading = AS_RECORDED,
) -> None:
    """Write logs or tables as one tidy table (Parquet, CSV), or as samples of every_eval_ever.

    FILE is any table or log that forecast or vote reads. Tidy tables keep its other columns. Text is written as it is
    recorded: a spreadsheet may take a cell of a CSV that begins with =, +, - or @ for a formula; Parquet has none.
    """
    with said_plainly("output", "source"):
        from jaxscale import io

        summary = io.convert(files, output, format=format, source=source, **reading.options)
    say_read(summary)
    print(output)
