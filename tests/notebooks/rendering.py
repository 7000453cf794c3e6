"""Renders the notebooks for the docs: `python -m tests.notebooks.rendering [NAME ...]`.

Each is run from start to end in a kernel of its own and written as one page without script, which
says which sources it was made from. `tests/notebooks` holds the pages to the notebooks.
"""

from __future__ import annotations

import hashlib
import html
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from markdown_it import MarkdownIt
from nbclient import NotebookClient
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
PAGES = ROOT / "docs" / "notebooks"
MARK = "threadline-notebook"

_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_LINKS = re.compile(r"https?://\S+")
_LOOK = """
:root { color-scheme: light dark; --line: light-dark(#ddd, #3a3c40);
  --soft: light-dark(#666, #a0a4aa); --code: light-dark(#f6f6f4, #1e1f21); }
body { max-width: 58rem; margin: 0 auto; padding: 2rem 1.25rem 5rem; line-height: 1.55;
  font-family: system-ui, sans-serif; color: light-dark(#1b1c1e, #e6e7e9);
  background: light-dark(#fff, #151617); }
h1, h2 { line-height: 1.2; text-wrap: balance; } h2 { margin-top: 2.5rem; }
pre { overflow-x: auto; padding: .75rem 1rem; border-radius: 8px; font-size: .84rem;
  line-height: 1.5; background: var(--code); }
.out { margin: .75rem 0 1.5rem; padding-inline-start: 1rem; overflow-x: auto;
  border-inline-start: 3px solid var(--line); }
.out > pre { background: none; padding: .25rem 0; margin: 0; white-space: pre-wrap; }
.out > img { max-width: 100%; background: #fff; border-radius: 8px; }
table.dataframe { border: 0; border-collapse: collapse; font-size: .84rem; }
table.dataframe :is(th, td) { border: 0; border-bottom: 1px solid var(--line); padding: .3rem .7rem;
  text-align: start; vertical-align: top; }
.made { color: var(--soft); font-size: .85rem; }
"""


def digest_of(path: Path) -> str:
    """Return what a notebook's cells say, as a digest."""
    notebook = nbformat.read(path, as_version=4)
    told = "\0".join(f"{cell.cell_type}\1{cell.source}" for cell in notebook.cells)
    return hashlib.sha256(told.encode()).hexdigest()


def run(path: Path, folder: Path) -> NotebookNode:
    """Run a notebook in a kernel of its own and return it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(folder)}})
    return client.execute()


def page_of(path: Path, done: NotebookNode) -> str:
    """Return the page of a notebook that was run."""
    pieces = [piece for cell in done.cells for piece in _cell(cell)]
    seen: set[str] = set()

    def once(style: re.Match[str]) -> str:
        return "" if style[0] in seen else seen.add(style[0]) or style[0]

    body = _STYLE.sub(once, "\n".join(pieces))
    title = html.escape(done.cells[0].source.splitlines()[0].lstrip("# "))
    made = f"Made by running <code>notebooks/{path.name}</code>, offline, from start to end."
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="{MARK}" content="{digest_of(path)}">\n<title>{title}</title>\n'
        f"<style>{_LOOK}{_colours()}</style>\n<body>\n{body}\n"
        f'<p class="made">{made}</p>\n</body>\n</html>\n'
    )


def _colours() -> str:
    """Return the colours of code, for light and dark."""
    light = HtmlFormatter(style="friendly").get_style_defs(".code")
    dark = HtmlFormatter(style="nord").get_style_defs(".code")
    return (
        f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n.code {{ background: none; }}"
    )


def _cell(cell: Any) -> list[str]:
    if cell.cell_type == "markdown":
        return [MarkdownIt("commonmark").enable("table").render(cell.source)]
    code = highlight(cell.source, PythonLexer(), HtmlFormatter(cssclass="code"))
    shown = [f'<div class="out">{_output(out)}</div>' for out in cell.get("outputs", [])]
    return [code, *shown]


def _output(out: Any) -> str:
    if out.output_type == "stream":
        return f"<pre>{html.escape(out.text)}</pre>"
    if out.output_type == "error":
        message = f"a cell failed: {out.ename}: {out.evalue}"
        raise ValueError(message)
    if "text/html" in out.data:
        return str(out.data["text/html"])
    if "image/png" in out.data:
        text = html.escape(out.data.get("text/plain", ""))
        return f'<img alt="{text}" src="data:image/png;base64,{out.data["image/png"].strip()}">'
    return f"<pre>{html.escape(out.data.get('text/plain', ''))}</pre>"


def main(names: list[str]) -> None:
    """Render those notebooks, or all of them."""
    os.environ.pop("OPENAI_BASE_URL", None)  # the copies are scripted, wherever they are made
    PAGES.mkdir(exist_ok=True)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if not names or path.stem in names:
            with tempfile.TemporaryDirectory() as folder:
                page = page_of(path, run(path, Path(folder)))
            (PAGES / f"{path.stem}.html").write_text(page)
            print(f"docs/notebooks/{path.stem}.html: {len(page) // 1024} kB")  # noqa: T201 (a command)


if __name__ == "__main__":
    main(sys.argv[1:])
