"""Takes pictures of what people see: `python -m tests.report.views FOLDER` writes a PNG of each view and size.

Real commands in a pseudo-terminal, drawn by pyte; the notebook with the outputs that a kernel gave. To be looked at.
"""

import html
import os
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pyte
from nbclient import NotebookClient
from playwright.sync_api import Browser, FloatRect
from pyte.screens import Char

from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.report.browser import Look, chromium, opened
from tests.support.command_line import CommandLine
from tests.support.terminal import Terminal, terminal

SIZES = ((80, 24), (120, 40))
NOTEBOOK = Path(__file__).parents[1] / "recipes" / "notebook.ipynb"

PALETTE = {
    "black": "#1d1f21", "red": "#e06c75", "green": "#7fc86f", "brown": "#e5c07b", "blue": "#61afef",
    "magenta": "#c678dd", "cyan": "#56b6c2", "white": "#d7dae0", "brightblack": "#7f848e",
}  # fmt: skip
RUN_FROM, RUN_HIGH = 610, 490
"""Pixels of the notebook that are shown in the documents."""

TERMINAL_LOOK = (
    "body{margin:0;background:#1d1f21}pre{margin:0;padding:14px;color:#d7dae0;"
    "font:14px/1.25 'DejaVu Sans Mono',monospace}"
)
NOTEBOOK_LOOK = (
    "body{margin:20px 28px;font:14px/1.45 system-ui,sans-serif;max-width:56em}"
    "pre{background:#f5f5f5;padding:8px 10px;margin:6px 0;overflow:hidden;font:12.5px/1.4 'DejaVu Sans Mono',monospace}"
    "div.out{margin:2px 0 12px 14px}div.out pre{background:none;padding:0}"
    "table{border-collapse:collapse;font-size:12.5px}td,th{padding:2px 9px;text-align:right}"
)


@dataclass(frozen=True, kw_only=True)
class View:
    """What is typed, and when its picture is taken."""

    typed: tuple[str, ...]
    ready: Callable[[str], bool] | None = None
    """At the first moment of which this is true; None: when the command has ended."""


MONTH = ("conversations", "--from", "2023-09-01", "--to", "2023-10-01")
VIEWS = {
    "plan": View(typed=("plan", *MONTH)),
    "check": View(typed=("check",)),
    "backfill": View(
        typed=("backfill", *MONTH, "--job", "september"),
        ready=lambda text: re.search(r" (1[2-9]|2\d) %", text) is not None,
    ),
    "watch": View(typed=("status", "september", "--watch"), ready=lambda text: "windows" in text),
    "status": View(typed=("status", "trouble")),
    "jobs": View(typed=("jobs",)),
    "verify": View(typed=("verify", "torn")),
    "complete": View(typed=("backfill", "conversations", "--from", "2023-10", "--job", "october")),
    "mistake": View(typed=("export", "october", "--to", "x.csv", "--table", "segment")),
    "exported": View(typed=("export", "october", "--to", "october.csv")),
    "help": View(typed=("export", "--help")),
}


def drawn(screen: pyte.Screen) -> str:
    """Return the screen as a page."""
    lines = []
    for row in range(screen.lines):
        line = screen.buffer[row]
        lines.append("".join(_cell(line[column]) for column in range(screen.columns)))
    return f"<!doctype html><meta charset=utf-8><style>{TERMINAL_LOOK}</style><pre>{chr(10).join(lines)}</pre>"


def _cell(char: Char) -> str:
    color = PALETTE.get(char.fg, f"#{char.fg}" if len(char.fg) == 6 and char.fg != "default" else "")
    style = (f"color:{color};" if color else "") + ("font-weight:bold;" if char.bold else "")
    text = html.escape(char.data)
    return f'<span style="{style}">{text}</span>' if style else text


def prepared(cli: CommandLine) -> None:
    """Make the jobs that are looked at: a complete one, one with trouble, a damaged one."""
    for name, start in (("october", "2023-10"), ("torn", "2023-08")):
        assert cli("backfill", "conversations", "--from", start, "--job", name).code == 0
    parts = sorted((cli.state / "torn").rglob("*.parquet"))
    parts[3].write_bytes(parts[3].read_bytes()[:-9] + b"different")
    parts[8].unlink()
    cli.sim.inject(
        SimFault(kind=FaultKind.STATUS, status=404, times=None, on=Match(kinds=(Kind.CONVERSATIONS,), pages=(2,))),
        SimFault(kind=FaultKind.HTML, times=None, on=Match(kinds=(Kind.CONVERSATIONS,), window="2023-07-04")),
    )
    assert cli("backfill", "conversations", "--from", "2023-07-01", "--to", "2023-07-08", "--job", "trouble").code == 3
    cli.sim.clear_faults()


def taken(shown: Terminal, view: View) -> str:
    """Let a command go on until its picture is to be taken."""
    if view.ready is None:
        shown.ended()
    else:
        shown.wait(view.ready)
    return drawn(shown.screen)


def terminals(browser: Browser, folder: Path, to: Path) -> None:
    """Take the pictures of the terminal."""
    with Simulator(SimSettings(records=900, style=Style.SMALL, gzip=False, rate_public=None)) as sim:
        cli = CommandLine(sim=sim, state=folder / "state")
        cli.extra["RESUMABLE_STATE"] = "state"
        os.chdir(folder)
        prepared(cli)
        sim.switch(latency=0.15)
        for columns, lines in SIZES:
            for name, view in VIEWS.items():
                if name == "backfill" and (cli.state / "september").exists():
                    cli("delete", "september", "--yes")
                with terminal(cli, *view.typed, columns=columns, lines=lines) as shown:
                    page = folder / f"{name}.html"
                    page.write_text(taken(shown, view), encoding="utf-8")
                look = Look(width=round(columns * 8.43) + 28, height=round(lines * 17.5) + 28)
                with opened(browser, page, look) as found:
                    found.page.screenshot(path=to / f"{name}-{columns}x{lines}.png")


def notebook(browser: Browser, folder: Path, to: Path) -> None:
    """Take the picture of the notebook, with what its cells brought."""
    with Simulator(SimSettings(records=60, style=Style.LIFELIKE, rate_public=None)) as sim:
        os.environ |= CommandLine(sim=sim, state=folder / "of the notebook").environment
        book = nbformat.read(NOTEBOOK, as_version=4)
        NotebookClient(book, timeout=60, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    pieces = []
    for cell in book.cells:
        if cell.cell_type == "markdown":
            pieces.append("".join(f"<p>{html.escape(text.lstrip('# '))}</p>" for text in cell.source.split("\n\n")))
            continue
        pieces.append(f"<pre>{html.escape(cell.source)}</pre>")
        for output in cell.outputs:
            data = output.get("data", {})
            plain = output.get("text", data.get("text/plain", ""))
            pieces.append(f'<div class="out">{data.get("text/html") or f"<pre>{html.escape(plain)}</pre>"}</div>')
    page = folder / "notebook.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><style>{NOTEBOOK_LOOK}</style>{''.join(pieces)}")
    with opened(browser, page, Look(width=900, height=1500)) as found:
        clip = FloatRect(x=0, y=RUN_FROM, width=900, height=RUN_HIGH)  # the cell that runs the job, and the next one
        found.page.screenshot(path=to / "notebook.png", clip=clip)


def main(to: Path) -> None:
    """Take all pictures."""
    to = to.absolute()
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        terminals(browser, Path(folder), to)
        notebook(browser, Path(folder), to)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
