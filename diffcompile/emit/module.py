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
import re
import symtable
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..analysis.residuals import filled
from ..frontend.source import read_source
from ..ir.graph import Call, Const, Function, Graph, Region, Value, backward_begins
from ..ir.text import SCIPY, place_in_scipy
from ..ir.walk import instructions, operands, regions, values
from .keep import appended
from .names import names
from .nest import nested
from .python import LIMIT, Blank, Comment, Printer, print_python
from .twins import merged

_PLACES = ("numpy", "numpy.linalg", "numpy.fft", "numpy.random", "numpy.lib.scimath", "numpy.polynomial")
LARGEST = 200  # a constant of more items is not written into a module


class Module:
    """Collects what one module needs, and prints it.

    `last`: the pass that a called function goes through as it is printed, and never as it is differentiated.
    """

    def __init__(self, last: Callable[[Graph], Graph]) -> None:
        self.last = last
        self.imports: dict[str, str] = {}  # what is written -> the import line that makes it mean something
        self.helpers: dict[str, str] = {}  # the names of helper functions -> their text
        self.constants: dict[str, str] = {}  # the global constants of helpers -> the lines that make them
        self.written: dict[str, FunctionType] = {}  # the names of helper functions -> the functions
        self.functions: list[ast.FunctionDef] = []
        self.done: dict[Function, str] = {}
        self.objects: dict[str, Any] = {}
        self.unwritable: list[str] = []
        self.reserved: set[str] = set()  # the names of the functions that the module is made for
        self.params: set[str] = set()  # the names of parameters, which keep theirs

    # -- references -----------------------------------------------------------------------------------------

    def dotted(self, path: str) -> ast.expr:
        root, *rest = path.split(".")
        if root == "np":
            self.imports["np"] = "import numpy as np"
        elif rest:
            module = ".".join([root, *rest[:-1]])
            while module not in sys.modules:  # `scipy.stats.norm` of `scipy.stats.norm.pdf`
                module = module.rpartition(".")[0]
            self.imports.setdefault(module, f"import {module}")
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
        if isinstance(thing, FunctionType) and not _of_python(thing):
            return ast.Name(self.helper(thing), ast.Load())
        name = getattr(thing, "__name__", None)
        module = getattr(thing, "__module__", None)
        known = isinstance(name, str) and module and getattr(sys.modules.get(module), name, None) is thing
        if known and name not in self.params:
            assert isinstance(name, str)
            self.imports[name] = f"from {module} import {name}"
            self.objects[name] = thing
            if module == "__main__":
                self.unwritable.append(name)
            return ast.Name(name, ast.Load())
        if isinstance(thing, ModuleType) and sys.modules.get(thing.__name__) is thing:
            name = thing.__name__.rpartition(".")[2]
        label = name if isinstance(name, str) and name.isidentifier() else type(thing).__name__.lower()
        label = self._free(label, thing)
        self.objects[label] = thing
        self.unwritable.append(label)
        return ast.Name(label, ast.Load())

    def _free(self, name: str, thing: Any) -> str:
        candidate, number = name, 0
        while candidate in self.params or self.objects.get(candidate, thing) is not thing:
            number += 1
            candidate = f"{name}_{number}"
        return candidate

    def helper(self, fn: FunctionType) -> str:
        """Write a user function (or one of ours) into the module; its name there."""
        for name, known in self.written.items():
            if known is fn:
                return name
        name, number = fn.__name__, 1
        while name in self.written or name in self.params or not name.isidentifier():
            number += 1
            name = f"{fn.__name__ if fn.__name__.isidentifier() else 'function'}_{number}"
        self.written[name] = fn
        self.helpers[name] = ""
        source = read_source(fn)
        node = source.node
        constants = dict(self.constants)
        if not isinstance(node, ast.FunctionDef):
            return self._unwritten(name, fn)
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        text = textwrap.dedent("".join(source.lines[first:last]))
        definition = ast.parse(text).body[0]
        assert isinstance(definition, ast.FunctionDef)
        definition.decorator_list = []
        if not self._globals_of(fn, name, ast.unparse(definition)):
            self.constants = constants
            return self._unwritten(name, fn)
        definition.name = name
        for part in ast.walk(definition):
            if isinstance(part, ast.arg):
                part.annotation = None
            elif isinstance(part, ast.FunctionDef):
                part.returns = None
        if ast.get_docstring(definition):
            doc = ast.get_docstring(definition) or ""
            definition.body[0] = ast.Expr(ast.Constant(_wrapped(doc.split("\n")[0])))
        self.helpers[name] = print_python(definition)
        return name

    def _unwritten(self, name: str, thing: Any) -> str:
        self.objects[name] = thing
        self.unwritable.append(name)
        return name

    def _globals_of(self, fn: FunctionType, given: str, text: str) -> bool:
        """Make every global that a helper reads mean the same here; False where its names are taken."""
        cells = dict(zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True))
        for name in _global_names(text):
            if name in cells:
                value = cells[name].cell_contents
            elif name in fn.__globals__:
                value = fn.__globals__[name]
            else:
                continue
            if value is fn and name == given:
                continue
            if isinstance(value, ModuleType):
                module = value.__name__
                line = f"import {module}" if module == name else f"import {module} as {name}"
                if self.imports.setdefault(name, line) != line:
                    return False
            elif isinstance(value, FunctionType) and public_path(value) is None:
                if self.helper(value) != name:
                    return False
            elif callable(value):
                path = public_path(value)
                if path == name:
                    continue
                if path is None or "." not in path or path.split(".")[-1] != name:
                    self._unwritten(name, value)
                else:
                    module = path.rsplit(".", 1)[0]
                    module = "numpy" + module[2:] if module.split(".")[0] == "np" else module
                    self.imports[name] = f"from {module} import {name}"
            elif not self._constant(name, value):
                return False
        return True

    def _constant(self, name: str, value: Any) -> bool:
        """Write `name = value` into the module; False if the name holds something else."""
        if name in self.objects:
            return self.objects[name] is value
        if not _spellable(value):
            self._unwritten(name, value)
            return True
        self.objects[name] = value
        spelled = Printer(self, {}, {}, False).plain(value)
        self.constants[name] = print_python(ast.Assign([ast.Name(name, ast.Store())], spelled))
        return True

    # -- functions ------------------------------------------------------------------------------------------

    def function(self, function: Function) -> str:
        """Write the function of a called graph into the module; its name there."""
        if function not in self.done:
            number, name = 1, function.name
            others = self.reserved | self.params
            while name in self.done.values() or name in self.helpers or name in others:
                number += 1
                name = f"{function.name}_{number}"
            self.done[function] = name
            assert function.graph is not None
            graph = self.last(function.graph)
            self.add(graph, name, graph.doc, plain_signature(graph), plain_return, function)
        return self.done[function]

    def add(
        self,
        graph: Graph,
        name: str,
        doc: str,
        signature: ast.arguments,
        returned: Callable[[Printer, Graph], ast.expr],
        function: Function | None = None,
    ) -> None:
        """Print one function; those that it calls go above it."""
        copied: set[Value] = set()
        self.params |= parameters(graph) | {a.arg for a in ast.walk(signature) if isinstance(a, ast.arg)}
        while True:
            statements, printer, graph = self._printed(graph, name)
            if printer.copied <= copied:
                break
            copied |= printer.copied
            graph = replace(graph, region=filled(graph.region, copied))
        body: list[ast.stmt] = []
        doc = doc or _doc_of(function, printer, graph)
        if doc:
            body.append(ast.Expr(ast.Constant(_wrapped(doc))))
        result = returned(printer, graph)
        nothing = isinstance(result, ast.Constant) and result.value is None and statements
        body.extend(_tidy([*statements, *(() if nothing else (Blank(), ast.Return(result)))], graph))
        self.functions.append(ast.FunctionDef(name, signature, body, [], None))

    def _printed(self, graph: Graph, name: str) -> tuple[list[ast.stmt], Printer, Graph]:
        """The statements of a function, and the printer that knows its names."""
        region = appended(graph.region)
        inside = nested(region)
        taken = {"np", "math", name, "scipy", "itertools", "operator", *_builtins(region)}
        for instr in instructions(region):
            if isinstance(instr, Call) and isinstance(instr.fn, Function):
                taken.add(self.function(instr.fn))
            elif isinstance(instr, Call) and _written(instr.fn):
                taken.add(self.helper(instr.fn))
            constants = [a.value for a in operands(instr) if isinstance(a, Const)]
            for thing in (getattr(instr, "fn", None), *constants, *getattr(instr, "classes", ())):
                if callable(thing) and public_path(thing) is None:
                    taken.add(getattr(thing, "__name__", ""))
        named = names(region, inside, taken - {p.name for p in region.params})
        printer = Printer(self, named, inside, True)
        named.update(dict.fromkeys(_unread(region), printer.unread))
        return printer.block(region), printer, graph

    def text(self) -> str:
        """The module's source."""
        texts = {f.name: print_python(ast.fix_missing_locations(f)).strip() for f in self.functions}
        functions = merged(texts, set(self.done.values()))
        helpers = _called({name: t.strip() for name, t in self.helpers.items() if t}, functions)
        constants = _called(self.constants, [*helpers, *functions])
        parts = ["".join(constants).strip()] if constants else []
        parts += [*helpers, *functions]
        imports = self._imports("\n".join(parts))
        if imports:
            parts.insert(0, imports)
        return "\n\n\n".join(parts) + "\n"

    def _imports(self, code: str) -> str:
        """The imports that the code mentions, the standard library's first."""
        used = {n.id for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Name)}
        lines = {line for name, line in self.imports.items() if name.split(".")[0] in used}
        own = sorted((line for line in lines if _is_standard(line)), key=_import_order)
        others = sorted((line for line in lines if not _is_standard(line)), key=_import_order)
        return "\n\n".join("\n".join(_merged(group)) for group in (own, others) if group)


def _called(texts: dict[str, str], by: list[str]) -> list[str]:
    """Those of the texts, by name, that others refer to: what is written out in place is not."""
    needed: set[str] = set()
    waiting = list(by) if texts else []
    any_name = re.compile(rf"\b({'|'.join(map(re.escape, texts))})\b")
    while waiting:
        found = set(any_name.findall(waiting.pop())) - needed
        needed |= found
        waiting.extend(texts[name] for name in found)
    return [text for name, text in texts.items() if name in needed]


def _is_standard(line: str) -> bool:
    return line.split()[1].split(".")[0] in sys.stdlib_module_names


def _import_order(line: str) -> tuple[bool, str, str]:
    _, module, *rest = line.split()
    return (line.startswith("from"), module.lower(), " ".join(rest))


def _merged(lines: list[str]) -> list[str]:
    """`from a import b` and `from a import c` as one line."""
    found: dict[str, list[str]] = {}
    for line in lines:
        head, joint, name = line.partition(" import ")
        if joint:
            found.setdefault(head + joint, []).append(name)
        else:
            found[line] = []
    return [head + ", ".join(sorted(set(names), key=_name_order)) for head, names in found.items()]


def _name_order(name: str) -> tuple[int, str]:
    """Constants, classes, the rest: as import sorters have it."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name)


def _global_names(text: str) -> list[str]:
    """The names that a function's text reads from outside of itself."""
    found: dict[str, None] = {}
    tables = symtable.symtable(text, "<helper>", "exec").get_children()
    while tables:
        table = tables.pop(0)
        for symbol in table.get_symbols():
            if symbol.is_global() and symbol.is_referenced():
                found[symbol.get_name()] = None
        tables.extend(table.get_children())
    return sorted(found)


def _spellable(value: Any) -> bool:
    """Can this constant be written down, in not too many lines?"""
    if isinstance(value, np.ndarray):
        return type(value) is np.ndarray and value.dtype.kind in "biufc" and value.size <= LARGEST
    if isinstance(value, (tuple, list)):
        return len(value) <= LARGEST and all(map(_spellable, value))
    if isinstance(value, dict):
        return len(value) <= LARGEST and all(map(_spellable, (*value, *value.values())))
    return isinstance(value, (int, float, complex, str, bytes, np.generic, np.dtype, slice, range)) or (
        value is None or value is Ellipsis
    )


def _doc_of(function: Function | None, printer: Printer, graph: Graph) -> str:
    """What the forward and the backward function of a callee say of themselves."""
    origin = getattr(function.fn, "__name__", "") if function is not None else ""
    base, _, half = function.name.rpartition("_") if function is not None else ("", "", "")
    if not origin or function is None or function.name == origin:
        return ""
    if half == "forward":
        return f"Value of `{base}`, and what its pullback needs."
    if half == "linearized":
        return f"Value of `{base}`, and what its derivative needs."
    if half == "push" and graph.params and graph.params[0].name == "saved":
        return f"Derivative of `{base}` in a direction, from what `{base}_linearized` saved."
    if half != "backward" or not graph.params or graph.params[0].name != "saved":
        return ""
    given = [printer.named.get(r, "") for r in values(graph.region.results)]
    found = [re.fullmatch(r"(\w+?)_bar(_\d+)?", name) for name in given]
    wrt = [match[1] for match in found if match]
    whole = wrt and len(wrt) == len(graph.region.results) == len(set(wrt))
    what = f"{', '.join(wrt[:-1])} and {wrt[-1]}" if len(wrt) > 1 else wrt[0] if wrt else ""
    head = f"Cotangent{'s' if len(wrt) > 1 else ''} of {what}" if whole else "Cotangents of its arguments"
    return f"{head}, from what `{base}_forward` saved and the cotangent of its result."


def _wrapped(doc: str) -> str:
    """A docstring within the line length, its indentation and its quotes counted."""
    lines: list[str] = []
    for line in doc.split("\n"):
        width = LIMIT - (0 if lines else 10)
        if len(line) <= width:
            lines.append(line)
        else:
            lines += textwrap.wrap(line, width, subsequent_indent="    ", break_long_words=False)
    return "\n".join(lines) + ("\n    " if len(lines) > 1 and lines[-1].strip() else "")


def _unread(region: Region) -> list[Value]:
    """What is computed only because it may raise, or because it comes with what is read."""
    read = set(values(region.results))
    for instr in instructions(region):
        read.update(values(operands(instr)))
        for part in regions(instr):
            read.update(values(part.results))
    calls = (instr for instr in instructions(region) if isinstance(instr, Call))
    return [out for instr in calls for out in instr.outs if out not in read]


def _of_python(fn: FunctionType) -> bool:
    """Is this a function of Python's own library, to be imported?"""
    module = fn.__module__ or ""
    known = module.split(".")[0] in sys.stdlib_module_names and module != "__main__"
    return known and getattr(sys.modules.get(module), fn.__name__, None) is fn


def _written(fn: Any) -> bool:
    """Is this a function whose text goes into the module?"""
    return (
        isinstance(fn, FunctionType)
        and fn.__module__ != backward_begins.__module__
        and public_path(fn) is None
        and not _of_python(fn)
    )


def _builtins(region: Any) -> set[str]:
    used = {"reversed", "zip", "enumerate", "range", "len"}
    for instr in instructions(region):
        fn: Any = getattr(instr, "fn", None)
        if getattr(fn, "__module__", "") == "builtins" and hasattr(fn, "__name__"):
            used.add(fn.__name__)
    return used


def _tidy(statements: list[ast.stmt], graph: Graph) -> list[ast.stmt]:
    """No blank line at either end of a block, none doubled; a forward pass of its own gets its heading."""
    kept: list[ast.stmt] = []
    for statement in statements:
        for part in (statement, *getattr(statement, "handlers", ())):
            for field in ("body", "orelse"):
                inner = getattr(part, field, None)
                if isinstance(inner, list) and inner:
                    setattr(part, field, _tidy(inner, graph))
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


def parameters(graph: Graph) -> set[str]:
    """The names of the parameters of a program, and of the functions that it calls."""
    found: set[str] = set()
    done: set[Function] = set()
    waiting = [graph]
    while waiting:
        now = waiting.pop()
        found.update(p.name for p in now.params)
        for instr in instructions(now.region):
            called = instr.fn if isinstance(instr, Call) and isinstance(instr.fn, Function) else None
            if called is not None and called not in done and called.graph is not None:
                done.add(called)
                waiting.append(called.graph)
    return found


def plain_signature(graph: Graph) -> ast.arguments:
    return ast.arguments([], [ast.arg(p.name, None) for p in graph.params], None, [], [], None, [])


def plain_return(printer: Printer, graph: Graph) -> ast.expr:
    changed = {n for _, n in graph.writes}
    results = [printer.atom(a) for n, a in enumerate(graph.region.results) if n not in changed]
    if not results:
        return ast.Constant(None)
    return results[0] if len(results) == 1 else ast.Tuple(results, ast.Load())


_INDEXED = ("r_", "c_", "s_", "index_exp", "mgrid", "ogrid")  # objects of NumPy's that are only indexed


def public_path(thing: Any) -> str | None:
    """The dotted path by which a library makes `thing` public: `np.sin`, `scipy.special.expit`."""
    for indexed in _INDEXED:
        if thing is getattr(np, indexed):
            return f"np.{indexed}"
    name = getattr(thing, "__name__", None)
    owner = getattr(thing, "__self__", None)
    if isinstance(owner, np.ufunc) and isinstance(name, str):
        path = public_path(owner)  # `np.add.at`
        return path and f"{path}.{name}"
    if isinstance(thing, MethodType):
        path = place_in_scipy(owner)  # `scipy.stats.norm.pdf`
        return path and f"{path}.{name}"
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
    for module in SCIPY:
        if getattr(sys.modules.get(module), name, None) is thing:
            return f"{module}.{name}"
    return None


def _without(line: str, objects: dict[str, Any]) -> str:
    """An import line without the names whose objects are at hand."""
    head, joint, names = line.partition(" import ")
    if not joint or not head.startswith("from "):
        return line
    kept = [name for name in names.split(", ") if name not in objects]
    return head + joint + ", ".join(kept) if kept else ""


def load(text: str, module: Module, name: str) -> dict[str, Any]:
    """Execute a generated module; tracebacks, `inspect` and pdb find its text."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    filename = f"<diffcompile {name} {digest}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": f"diffcompile.generated.{name}", **module.objects}
    lines = [_without(line, module.objects) for line in text.split("\n")]
    exec(compile("\n".join(lines), filename, "exec"), namespace)
    namespace.update({name: module.objects[name] for name in module.constants})  # the user's own objects
    return namespace

