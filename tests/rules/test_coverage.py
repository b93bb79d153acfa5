"""`diffcompile/rules/README.md` says which functions have a derivative, and with which options it is tested.

The table is made from the registry and from the samples and idioms that the tests run; `pytest
--golden-update` writes it again. A function that this Python or this NumPy lacks keeps its row.
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diffcompile.emit.module import public_path
from diffcompile.ir.text import function_name
from diffcompile.rules.definitions import DEFINITIONS, WITH
from diffcompile.rules.library import Called, Evaluation
from diffcompile.rules.register import REGISTRY
from rules.idioms import GROUPS, REFUSED
from rules.test_rules_as_numpy import SAMPLES

FILE = Path(__file__).parents[2] / "diffcompile" / "rules" / "README.md"
HEAD = """# What is differentiated

Made from the rules and from the inputs that the tests run; `pytest --golden-update` writes it again.

Every function below is checked in reverse mode, and where its samples allow it twice, against central
differences, through the compiler. *Rule* says how its derivative is stated: `partials` and `linear` hold in
both modes, `cotangents` are of reverse mode (`and tangents`: forward mode has a rule of its own), `equal` is
the derivative of another function with the same values, `read` is the function's definition, read in place of
its call. *Samples* counts the calls that are tested and lists the options that they give by name.

"""


def spelled(fn: Any) -> str:
    """How a user writes the function."""
    if isinstance(fn, Evaluation):
        return f"{public_path(fn.maker)}(...){'(...)' if fn.method == '__call__' else f'.{fn.method}'}"
    if isinstance(fn, Called):
        return f"{public_path(fn.cls)} that was made outside"
    owner = getattr(fn, "__objclass__", None)
    if owner is np.ndarray:
        return f"ndarray.{fn.__name__}"
    self = getattr(fn, "__self__", None)
    if isinstance(self, (type(np.r_), type(np.c_))):
        return "np.r_[...]" if self is np.r_ else "np.c_[...]"
    for name in ("Generator", "RandomState"):
        if getattr(getattr(np.random, name), getattr(fn, "__name__", ""), None) is fn:
            return f"{name}.{fn.__name__}"
    if isinstance(self, np.random.RandomState):
        return f"np.random.{fn.__name__}"
    return public_path(fn) or function_name(fn).removeprefix("_")


def kind(fn: Any) -> str:
    form = REGISTRY.reverse[fn].form
    if form == "vjp":
        return "cotangents and tangents" if fn in REGISTRY.tangent else "cotangents"
    return {"elementwise": "partials", "linear": "linear", "equal": "equal"}[form]


def options(fn: Any) -> str:
    samples = SAMPLES.get(fn, [])
    names = sorted({name for _, kwargs in samples for name in kwargs})
    return f"{len(samples)}{': ' if names else ''}{', '.join(f'`{n}`' for n in names)}"


def sections() -> dict[str, list[str]]:
    """The rows of each table, by the file that has the rules."""
    found: dict[str, list[str]] = {}
    for fn, declared in REGISTRY.reverse.items():
        module = declared.rule.__module__
        if module.startswith("diffcompile.rules.") and not is_helper(fn):
            row = f"| `{spelled(fn)}` | {kind(fn)} | {options(fn)} |"
            found.setdefault(module.rpartition(".")[2], []).append(row)
    read = [f"| `{spelled(fn)}` | {told(fn)} | |" for fn in DEFINITIONS]
    return {**{name: sorted(rows) for name, rows in sorted(found.items())}, "definitions": sorted(read)}


def told(fn: Any) -> str:
    return f"read, with {' or '.join(f'`{o}`' for o in sorted(WITH[fn]))}" if fn in WITH else "read"


def is_helper(fn: Any) -> bool:
    """Is this a function of the rules' own?"""
    if isinstance(fn, (Called, Evaluation)):
        return False
    return str(getattr(fn, "__module__", "")).startswith("diffcompile.")


def purpose(name: str) -> str:
    """The first sentence of a file of rules."""
    doc = inspect.getdoc(importlib.import_module(f"diffcompile.rules.{name}")) or ""
    return doc.partition("\n")[0]


def table() -> str:
    """The whole file."""
    parts = [HEAD]
    for name, rows in sections().items():
        parts.append(f"## `{name}.py`\n\n{purpose(name)}\n\n| function | rule | samples |\n|---|---|---|\n")
        parts.append("\n".join(rows) + "\n\n")
    constant = sorted({f"`{spelled(fn)}`" for fn in REGISTRY.zero if not is_helper(fn)})
    parts.append(f"## Nothing flows back\n\nLocally constant, or not numbers: {', '.join(constant)}.\n\n")
    parts.append("## Idioms\n\nWhat users write, each differentiated twice (`tests/rules/idioms.py`):\n\n")
    for group, text in GROUPS.items():
        lines = text.strip().split("\n")
        refused = [f"`{line}`" for line in lines if line in REFUSED]
        listed = f"; refused: {', '.join(refused)}" if refused else ""
        parts.append(f"- {group}: {len(lines) - len(refused)} of {len(lines)}{listed}\n")
    return "".join(parts)


def test_table_of_functions_is_true(golden_update: bool) -> None:
    now = table()
    if golden_update:
        FILE.write_text(now)
    then = FILE.read_text().splitlines()

    missing = [row for row in now.splitlines() if row.startswith("| `") and row not in then]

    assert not missing, "run `pytest --golden-update`"


NAMES = ["np.nanmedian", "np.pad", "Generator.normal", "functools.reduce", "math.gamma", "np.r_[...]"]


@pytest.mark.parametrize("name", NAMES)
def test_table_names_functions_as_users_do(name: str) -> None:
    assert f"| `{name}` |" in FILE.read_text()
