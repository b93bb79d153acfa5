"""One standalone module: imports, the helpers that it calls, the functions; and loading it.

What a generated function refers to is found a name here: library functions by their public path, user
functions by being written into the module, anything else by an import from where it lives.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import itertools
import linecache
import math
import operator
import sys
import textwrap
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from ..frontend.source import read_source
from ..ir.graph import Call, Function, Graph, backward_begins
from ..ir.walk import instructions
from .names import names
from .nest import nested
from .python import Blank, Comment, Printer, print_python

_PLACES = ("numpy", "numpy.linalg", "numpy.fft", "numpy.random", "numpy.lib.scimath", "numpy.polynomial")
_SCIPY = (
    "special", "linalg", "fft", "signal", "stats", "integrate", "optimize", "interpolate", "ndimage",
    "sparse",
)  # fmt: skip


class Module:
    """Collects what one module needs, and prints it."""

    def __init__(self) -> None:
        self.imports: dict[str, str] = {}  # what is written -> the import line that makes it mean something
        self.helpers: dict[str, str] = {}  # the names of helper functions -> their text
        self.functions: list[ast.stmt] = []
        self.done: dict[Function, str] = {}
        self.objects: dict[str, Any] = {}
        self.unwritable: list[str] = []

    # -- references -----------------------------------------------------------------------------------------

    def dotted(self, path: str) -> ast.expr:
        root, *rest = path.split(".")
        if root == "np":
            self.imports["np"] = "import numpy as np"
        elif rest:
            module = ".".join([root, *rest[:-1]])
            self.imports[module] = f"import {module}"
        node: ast.expr = ast.Name(root, ast.Load())
        for name in rest:
            node = ast.Attribute(node, name, ast.Load())
        return node

    def __call__(self, thing: Any) -> ast.expr:
        """The expression that means `thing` in this module."""
        if isinstance(thing, Function):
            return ast.Name(self.function(thing), ast.Load())
        path = public_path(thing)
        if path is not None:
            return self.dotted(path)
        if isinstance(thing, FunctionType):
            return ast.Name(self.helper(thing), ast.Load())
        name = getattr(thing, "__name__", None)
        module = getattr(thing, "__module__", None)
        if isinstance(name, str) and module and getattr(sys.modules.get(module), name, None) is thing:
            self.imports[name] = f"from {module} import {name}"
            self.objects[name] = thing
            if module == "__main__":
                self.unwritable.append(name)
            return ast.Name(name, ast.Load())
        label = name if isinstance(name, str) and name.isidentifier() else type(thing).__name__.lower()
        label = self._free(label, thing)
        self.objects[label] = thing
        self.unwritable.append(label)
        return ast.Name(label, ast.Load())

    def _free(self, name: str, thing: Any) -> str:
        candidate, number = name, 0
        while candidate in self.objects and self.objects[candidate] is not thing:
            number += 1
            candidate = f"{name}_{number}"
        return candidate

    def helper(self, fn: FunctionType) -> str:
        """Write a user function (or one of ours) into the module; its name there."""
        name = fn.__name__
        if name in self.helpers:
            return name
        self.helpers[name] = ""
        source = read_source(fn)
        node = source.node
        if not isinstance(node, ast.FunctionDef):
            self.objects[name] = fn
            self.unwritable.append(name)
            return name
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        text = textwrap.dedent("".join(source.lines[first:last]))
        tree = ast.parse(text)
        definition = tree.body[0]
        assert isinstance(definition, ast.FunctionDef)
        definition.decorator_list = []
        for arg in (*definition.args.args, *definition.args.kwonlyargs, *definition.args.posonlyargs):
            arg.annotation = None
        definition.returns = None
        if ast.get_docstring(definition):
            doc = ast.get_docstring(definition) or ""
            definition.body[0] = ast.Expr(ast.Constant(doc.split("\n")[0]))
        self._globals_of(fn, definition)
        self.helpers[name] = print_python(definition)
        return name

    def _globals_of(self, fn: FunctionType, definition: ast.FunctionDef) -> None:
        cells = dict(zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True))
        for part in ast.walk(definition):
            if not isinstance(part, ast.Name) or not isinstance(part.ctx, ast.Load):
                continue
            name = part.id
            if name in cells:
                value = cells[name].cell_contents
            elif name in fn.__globals__:
                value = fn.__globals__[name]
            else:
                continue
            if isinstance(value, ModuleType):
                module = value.__name__
                self.imports[name] = f"import {module}" if module == name else f"import {module} as {name}"
            elif isinstance(value, FunctionType) and public_path(value) is None:
                self.helper(value)
            elif callable(value):
                path = public_path(value)
                if path is None or path.split(".")[-1] != name:
                    self.objects[name] = value
                    self.unwritable.append(name)
                elif "." in path:
                    module = path.rsplit(".", 1)[0]
                    module = "numpy" + module[2:] if module.split(".")[0] == "np" else module
                    self.imports[name] = f"from {module} import {name}"
            else:
                self.objects[name] = value
                self.helpers.setdefault(f"${name}", f"{name} = {value!r}\n")

    # -- functions ------------------------------------------------------------------------------------------

    def function(self, function: Function) -> str:
        """Write the function of a called graph into the module; its name there."""
        if function not in self.done:
            name = function.name
            number = 1
            while name in self.done.values() or name in self.helpers:
                number += 1
                name = f"{function.name}_{number}"
            self.done[function] = name
            assert function.graph is not None
            self.add(function.graph, name, function.graph.doc, plain_signature(function.graph), plain_return)
        return self.done[function]

    def add(
        self,
        graph: Graph,
        name: str,
        doc: str,
        signature: ast.arguments,
        returned: Callable[[Printer, Graph], ast.expr],
    ) -> None:
        """Print one function; those that it calls go above it."""
        region = graph.region
        inside = nested(region)
        taken = {"np", "math", name, "scipy", "itertools", "operator", *_builtins(region)}
        for instr in instructions(region):
            if isinstance(instr, Call) and isinstance(instr.fn, Function):
                taken.add(self.function(instr.fn))
            elif isinstance(instr, Call) and _written(instr.fn):
                taken.add(self.helper(instr.fn))
        printer = Printer(self, names(region, inside, taken - {p.name for p in region.params}), inside, True)
        body: list[ast.stmt] = []
        if doc:
            body.append(ast.Expr(ast.Constant(doc)))
        statements = printer.block(region)
        result = returned(printer, graph)
        body.extend(_tidy([*statements, Blank(), ast.Return(result)], graph))
        self.functions.append(ast.FunctionDef(name, signature, body, [], None))

    def text(self) -> str:
        """The module's source."""
        parts = ["\n".join(sorted(set(self.imports.values()), key=_import_order))] if self.imports else []
        constants = "".join(t for n, t in self.helpers.items() if n.startswith("$"))
        if constants:
            parts.append(constants.strip())
        parts += [t.strip() for n, t in self.helpers.items() if t and not n.startswith("$")]
        parts += [print_python(_docstring_ready(f)).strip() for f in self.functions]
        return "\n\n\n".join(parts) + "\n"


def _written(fn: Any) -> bool:
    """Is this a function whose text goes into the module?"""
    return (
        isinstance(fn, FunctionType)
        and fn.__module__ != backward_begins.__module__
        and public_path(fn) is None
    )


def _builtins(region: Any) -> set[str]:
    used = {"reversed", "zip", "enumerate", "range", "len"}
    for instr in instructions(region):
        fn: Any = getattr(instr, "fn", None)
        if getattr(fn, "__module__", "") == "builtins" and hasattr(fn, "__name__"):
            used.add(fn.__name__)
    return used


def _import_order(line: str) -> tuple[bool, bool, str]:
    root = line.split()[1].split(".")[0]
    return (line.startswith("from"), root not in sys.stdlib_module_names, line)


def _tidy(statements: list[ast.stmt], graph: Graph) -> list[ast.stmt]:
    """No blank line at either end of a block, none doubled; a forward pass of its own gets its heading."""
    kept: list[ast.stmt] = []
    for statement in statements:
        for field in ("body", "orelse"):
            inner = getattr(statement, field, None)
            if isinstance(inner, list) and inner:
                setattr(statement, field, _tidy(inner, graph))
        if isinstance(statement, Blank) and (not kept or isinstance(kept[-1], Blank)):
            continue
        if (
            isinstance(statement, Blank)
            and kept
            and isinstance(kept[-1], Comment)
            and kept[-1].text == "backward"
        ):
            continue
        if (
            isinstance(statement, Comment)
            and kept
            and isinstance(kept[-1], Comment)
            and kept[-1].text != "backward"
        ):
            kept.pop()
        kept.append(statement)
    while kept and isinstance(kept[-1], (Blank, Comment)):
        kept.pop()
    has_backward = any(isinstance(s, Comment) and s.text == "backward" for s in kept)
    if has_backward and not (isinstance(kept[0], Comment) and kept[0].text == "backward"):
        kept.insert(0, Comment(text="forward"))
    return kept


def _docstring_ready(tree: ast.stmt) -> ast.stmt:
    return ast.fix_missing_locations(tree)


def plain_signature(graph: Graph) -> ast.arguments:
    return ast.arguments([], [ast.arg(p.name, None) for p in graph.params], None, [], [], None, [])


def plain_return(printer: Printer, graph: Graph) -> ast.expr:
    results = [printer.atom(a) for a in graph.region.results]
    return results[0] if len(results) == 1 else ast.Tuple(results, ast.Load())


def public_path(thing: Any) -> str | None:
    """The dotted path by which a library makes `thing` public: `np.sin`, `scipy.special.expit`."""
    name = getattr(thing, "__name__", None)
    if thing is operator.setitem or not isinstance(name, str):
        return None
    if getattr(builtins, name, None) is thing:
        return name
    for module in _PLACES:
        if getattr(sys.modules.get(module), name, None) is thing:
            return module.replace("numpy", "np", 1) + f".{name}"
    for lib in (math, operator, itertools):
        if getattr(lib, name, None) is thing:
            return f"{lib.__name__}.{name}"
    for part in _SCIPY:
        module = f"scipy.{part}"
        if getattr(sys.modules.get(module), name, None) is thing:
            return f"{module}.{name}"
    return None


def load(text: str, module: Module, name: str) -> dict[str, Any]:
    """Execute a generated module; tracebacks, `inspect` and pdb find its text."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    filename = f"<diffcompile {name} {digest}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": f"diffcompile.generated.{name}", **module.objects}
    code_text = text
    for line in {t for n, t in module.imports.items() if n in module.objects}:
        code_text = code_text.replace(line + "\n", "\n", 1)
    exec(compile(code_text, filename, "exec"), namespace)
    return namespace

