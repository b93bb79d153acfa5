"""The README is true: its blocks run, and what it pastes is what we have and generate now.

A pasted part stands between `<!-- name: begin -->` and `<!-- name: end -->`; `--golden-update` rewrites it.
"""

import importlib.util
import inspect
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import accepted

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PROGRAMS = [f for programs in accepted.PROGRAMS.values() for f in programs]


def pursuit() -> ModuleType:
    """examples/pursuit.py, run from the root as its reader runs it."""
    spec = importlib.util.spec_from_file_location("pursuit", "examples/pursuit.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fenced(text: str) -> str:
    return f"\n```python\n{text.strip()}\n```\n\n"


PASTED: dict[str, Callable[[], str]] = {
    "function": lambda: fenced(inspect.getsource(pursuit().pursuit.primal)),
    "generated": lambda: fenced(pursuit().pursuit.source),
    "accepted": lambda: "\n" + accepted.table() + "\n",
}


@pytest.mark.parametrize("name", PASTED)
def test_pasted_part_is_what_we_have_now(
    name: str, golden_update: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    before, rest = README.read_text().split(begin)
    pasted, after = rest.split(end)
    now = PASTED[name]()
    if golden_update and now != pasted:
        README.write_text(before + begin + now + end + after)
        pasted = now

    assert now == pasted


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__doc__)
def test_program_of_the_table_is_differentiated_rightly_or_refused_by_us(f: Callable[..., Any]) -> None:
    accepted.accepted(f)


def blocks() -> list[str]:
    """The Python blocks that are not pasted."""
    text = re.sub(r"<!-- (\w+): begin -->.*?<!-- \1: end -->", "", README.read_text(), flags=re.DOTALL)
    return re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("number", range(len(blocks())))
def test_python_block_runs(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    script = tmp_path / f"readme_block_{number}.py"
    script.write_text(blocks()[number])

    runpy.run_path(str(script))


def test_every_file_of_the_pipeline_that_is_named_exists() -> None:
    paths = re.findall(r"`((?:diffcompile|tests|examples)/[\w./]*)`", README.read_text())

    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []
