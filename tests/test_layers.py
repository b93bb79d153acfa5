"""Imports point one way: each layer imports what is named beside it, `errors`, and nothing else of ours."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "diffcompile").rglob("*.py"))

LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "rules": set(),
    "ir": set(),
    "analysis": {"ir", "rules"},
    "frontend": {"ir", "analysis", "rules"},
    "passes": {"ir", "analysis", "frontend", "rules.containers", "rules.checks"},
    "differentiate": {"rules", "frontend", "ir", "analysis", "passes"},
    "emit": {"ir", "analysis", "frontend.source", "rules.containers"},
    "backends": {"emit", "ir", "analysis", "passes"},
    "show": {"ir", "emit"},
    "pipeline": {
        "rules",
        "ir",
        "analysis",
        "frontend",
        "passes",
        "differentiate",
        "emit",
        "backends",
        "show",
    },
    "compiled": {"pipeline", "rules", "frontend", "ir", "show"},
    "directions": {"frontend.arguments"},
    "api": {"compiled", "directions", "pipeline", "rules", "show", "frontend.arguments"},
    "sparse": {
        "api", "compiled", "frontend.arguments", "frontend.trees", "ir", "analysis.effects", "passes.inplace",
        "rules",
    },
    "structure": {"frontend.arguments", "frontend.trees"},
    "vectorize": {"compiled", "frontend.arguments", "frontend.trees"},
    "operators": {"api", "compiled", "frontend.arguments", "ir", "sparse"},
    "testing": {"api", "rules", "structure", "frontend.arguments", "frontend.trees", "ir"},
    "__init__": {
        "api", "operators", "vectorize", "rules", "sparse", "structure", "testing", "frontend.arguments",
        "frontend.trees",
    },
}


def layer(path: Path) -> str:
    return path.relative_to(ROOT / "diffcompile").with_suffix("").parts[0]


def places(name: str) -> set[str]:
    """The layer, and the file of it, that a full dotted name is in."""
    parts = name.split(".")[1:]
    return {parts[0], ".".join(parts[:2])}


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """The line and full dotted name of everything that the file imports."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_the_layers_below_it(path: Path) -> None:
    allowed = LAYERS[layer(path)] | {layer(path), "errors"}
    ours = [(line, name) for line, name in imported(path) if name.startswith("diffcompile.")]

    assert [(line, name) for line, name in ours if not allowed & places(name)] == []


def test_every_layer_stands_above_those_that_it_imports() -> None:
    order = list(LAYERS)

    assert [
        (name, other)
        for name, below in LAYERS.items()
        for other in below
        if order.index(other.split(".")[0]) >= order.index(name)
    ] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_stand_at_the_top_and_name_what_they_import(path: Path) -> None:
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    within = [node for function in functions for node in ast.walk(function)]
    inside = [node.lineno for node in within if isinstance(node, ast.Import | ast.ImportFrom)]
    if path.name == "compiled.py":
        inside = []  # it imports the compiler at the first compilation: importing diffcompile is cheap

    assert inside == []
    assert [line for line, name in imported(path) if name.endswith(".*")] == []


def test_only_the_printer_knows_astor() -> None:
    users = {path for path in FILES if any(name.split(".")[0] == "astor" for _, name in imported(path))}

    assert users <= {ROOT / "diffcompile" / "emit" / "python.py"}
