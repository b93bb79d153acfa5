"""The object that `grad` returns: from the facts of a call's arguments to the program compiled for them."""

from __future__ import annotations

import functools
import html
import inspect
import io
import keyword
import os
import pathlib
import tempfile
import threading
import tokenize
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import DiffCompileError, WrongArgument
from .frontend.lower import Lowered, Parts, Spec
from .ir.graph import Const, Graph
from .ir.text import graph_text
from .ir.types import BOOL, COMPLEX, FLOAT, INT, OBJECT, UNKNOWN, Dim, Type, array, number
from .pipeline import Mode, Program, derive, lowered_derivative
from .rules.register import REGISTRY

_FOLDED = (
    str, bytes, bool, type(None), type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType,
    np.dtype, np.ufunc, functools.partial, slice, types.MethodType,
)  # fmt: skip
_NUMBERS: dict[type, Type] = {float: FLOAT, int: INT, complex: COMPLEX}
LONG = 64  # a list of more numbers than this is one value, not an argument an item


def describe(value: Any, name: str) -> tuple[Spec, Any]:
    """The facts of an argument, and the part of the signature that stands for them."""
    known = _NUMBERS.get(type(value))
    if known is not None:
        return known, type(value)
    if isinstance(value, np.ndarray) and type(value) is np.ndarray:
        if value.dtype.kind not in "fiubc":
            raise WrongArgument(f"`{name}` is an array of {value.dtype}, which has no derivative")
        ones = tuple(n == 1 for n in value.shape)
        shape = tuple(1 if one else Dim(f"{name}{k}", 0, False) for k, one in enumerate(ones))
        return array(value.dtype, shape), (value.dtype.str, ones)
    if isinstance(value, np.generic) and value.dtype.kind in "fiubc":
        return number(value.dtype), value.dtype.str
    if isinstance(value, _FOLDED) or callable(value):
        return Const(value), ("const", value if _hashable(value) else id(value))
    if type(value) in (tuple, list) or isinstance(value, dict):
        return _container(value, name)
    if isinstance(value, (np.ma.MaskedArray, np.matrix)):
        raise WrongArgument(
            f"`{name}` is a {type(value).__name__}", None, "Pass a plain array: `np.asarray(...)`."
        )
    if hasattr(value, "__array_function__"):
        return array(None, None), ("array", type(value))
    return OBJECT, type(value)


def _container(value: Any, name: str) -> tuple[Spec, Any]:
    if isinstance(value, dict):
        keys: tuple[Any, ...] = tuple(value)
        items = list(value.values())
    else:
        keys = tuple(range(len(value)))
        items = list(value)
        kinds = {type(v) for v in items}
        if len(items) > LONG and len(kinds) == 1 and kinds <= set(_NUMBERS):
            return Type("list", elem=_NUMBERS[kinds.pop()]), ("list", type(items[0]))
    parts = [describe(v, f"{name}_{k}") for k, v in zip(keys, items, strict=True)]
    kind = dict if isinstance(value, dict) else type(value)
    spec = Parts(kind, keys, tuple(p for p, _ in parts))
    return spec, (kind, keys, tuple(k for _, k in parts))


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


class Derivative:
    """A compiled derivative of a function.

    Calling it, with the arguments of the function, gives the derivative. It compiles at the first call and
    once more for each new combination of kinds, dtypes, ranks and lengths equal to 1; sizes do not matter.

    Attributes
    ----------
    source : str
        The module that computes it, complete: it runs where diffcompile is not installed.
    forward_source, backward_source : str
        Its two halves.
    graph : Graph
        The program before it was printed; `print(d.graph_text)` reads well.
    primal : function
        The function itself.

    >>> from diffcompile import grad
    >>> def square(x): return x * x
    >>> grad(square)(3.0)
    6.0
    """

    def __init__(self, fn: Callable[..., Any], mode: Mode, argnums: Any, has_aux: bool) -> None:
        if not callable(fn):
            raise WrongArgument(f"`{mode}` needs a function, not {type(fn).__name__}")
        self.primal = fn
        self._mode: Mode = mode
        self._argnums = argnums
        self._has_aux = has_aux
        self._programs: dict[Any, list[Program]] = {}
        self._fast: dict[tuple[type, ...], Callable[..., Any]] = {}
        self._fast_version = -1
        self._last: Program | None = None
        self._lock = threading.RLock()
        functools.update_wrapper(self, fn, updated=())
        self._signature = inspect.signature(fn)
        self._wrt = self._positions(argnums)

    def _positions(self, argnums: Any) -> tuple[int, ...] | int:
        names = list(self._signature.parameters)

        def position(which: Any) -> int:
            if isinstance(which, str):
                if which not in names:
                    raise WrongArgument(
                        f"`{self.__name__}` has no parameter `{which}`", None, f"It has {', '.join(names)}."
                    )
                return names.index(which)
            if isinstance(which, bool) or not isinstance(which, (int, np.integer)):
                raise WrongArgument(f"`argnums` takes positions or names of parameters, not {which!r}")
            if not -len(names) <= which < len(names):
                raise WrongArgument(f"`argnums={which}`, and `{self.__name__}` has {len(names)} parameters")
            return int(which) % len(names)

        if isinstance(argnums, (tuple, list)):
            if not argnums:
                raise WrongArgument("`argnums` is empty: there is nothing to differentiate with respect to")
            return tuple(map(position, argnums))
        return position(argnums)

    # -- calling --------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            fast = self._fast.get(tuple(map(type, args)))
            if fast is not None and self._fast_version == REGISTRY.version:
                return fast(*args)
        program = self._program(args, kwargs)
        function = program.functions[program.names[0]]
        if program.captures:
            return function(*args, **kwargs, **{c.name: c.read() for c in program.captures})
        return function(*args, **kwargs)

    def _program(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Program:
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as cause:
            raise TypeError(f"{self.__name__}(): {cause}") from None
        described = []
        for parameter in self._signature.parameters.values():
            name = parameter.name
            if name in bound.arguments:
                value = bound.arguments[name]
            elif parameter.kind is parameter.VAR_POSITIONAL:
                value = ()
            elif parameter.kind is parameter.VAR_KEYWORD:
                value = {}
            else:
                value = parameter.default
            described.append((name, *describe(value, name)))
        key = tuple(k for _, _, k in described)
        for program in self._programs.get(key, ()):
            if program.holds():
                self._last = program
                return program
        with self._lock:
            program = derive(
                self.primal, [(n, s) for n, s, _ in described], self._wrt, self._mode, self._has_aux
            )
            self._programs[key] = [program]
            self._last = program
            plain = not kwargs and all(type(a) in (float, np.float64) for a in args)
            if plain and not program.captures and not program.guards:
                if self._fast_version != REGISTRY.version:
                    self._fast.clear()
                    self._fast_version = REGISTRY.version
                self._fast[tuple(map(type, args))] = program.functions[program.names[0]]
        return program

    def lowered(self, specs: list[tuple[str, Spec]]) -> Lowered:
        """The derivative as a graph that can be differentiated again."""
        return lowered_derivative(self.primal, specs, self._wrt, self._mode, self._has_aux)

    # -- looking inside -------------------------------------------------------------------------------------

    def _shown(self) -> Program:
        """The program of the last call, or one from the annotations."""
        if self._last is not None:
            return self._last
        specs: list[tuple[str, Spec]] = []
        hints = getattr(self.primal, "__annotations__", {})
        for k, parameter in enumerate(self._signature.parameters.values()):
            specs.append((parameter.name, self._annotated(hints.get(parameter.name), parameter, k)))
        self._last = derive(self.primal, specs, self._wrt, self._mode, self._has_aux)
        program, self._last = self._last, None
        return program

    def _annotated(self, hint: Any, parameter: inspect.Parameter, position: int) -> Spec:
        known = {float: FLOAT, int: INT, bool: BOOL, complex: COMPLEX, np.ndarray: array(None, None)}
        by_name = {
            "float": FLOAT,
            "int": INT,
            "bool": BOOL,
            "complex": COMPLEX,
            "np.ndarray": array(None, None),
        }
        spec = by_name.get(hint) if isinstance(hint, str) else known.get(hint) if _hashable(hint) else None
        if spec is not None:
            return spec
        default = parameter.default
        wanted = self._wrt if isinstance(self._wrt, tuple) else (self._wrt,)
        if default is not parameter.empty and position not in wanted:
            return describe(default, parameter.name)[0]
        if parameter.kind is parameter.VAR_POSITIONAL:
            return Parts(tuple, (), ())
        if parameter.kind is parameter.VAR_KEYWORD:
            return Parts(dict, (), ())
        return UNKNOWN

    @property
    def source(self) -> str:
        """The complete module: of the last call's arguments, or of the annotations before any call."""
        return self._shown().text

    @property
    def forward_source(self) -> str:
        """The part of the source that computes the value and what the backward pass reads."""
        return self._half(True)

    @property
    def backward_source(self) -> str:
        """The part of the source that computes the cotangents."""
        return self._half(False)

    def _half(self, forward: bool) -> str:
        text = self._shown().text
        head, marker, tail = text.partition("    # backward\n")
        if not marker:
            head, tail = text.split("\ndef ")[0], text
        body = head.partition("    # forward\n")[2] or head
        return body if forward else tail

    @property
    def graph(self) -> Graph:
        """The program as a graph, after the last pass."""
        return self._shown().graph

    @property
    def graph_text(self) -> str:
        """The graph, one instruction a line."""
        return "\n".join(graph_text(g) for g in self._shown().graphs)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the source to a file, whole or not at all.

        Raises DiffCompileError if the program refers to an object that cannot be written down.
        """
        program = self._shown()
        if program.unwritable:
            raise DiffCompileError(
                f"`{program.unwritable[0]}` cannot be written into a file of its own",
                program.span,
                "Define it in a module that can be imported, or pass it as an argument.",
            )
        target = pathlib.Path(path)
        handle, temporary = tempfile.mkstemp(dir=target.parent or ".", prefix=target.name, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(program.text)
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(temporary, 0o666 & ~mask)
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self) -> str:
        names = list(self._signature.parameters)
        wrt = self._wrt if isinstance(self._wrt, tuple) else (self._wrt,)
        return f"<{self._mode} of {self.__name__} with respect to {', '.join(names[k] for k in wrt)}>"

    def _repr_html_(self) -> str:
        return highlighted(self.source)

    __name__: str


class Pullback:
    """The function from the cotangent of a result to those of the arguments; it can be called repeatedly."""

    def __init__(self, backward: Callable[..., Any], saved: Any, returns: Any) -> None:
        self._backward = backward
        self._saved = saved
        self._returns = returns

    def __call__(self, ct: Any) -> Any:
        """The cotangents of the arguments, one each, for the cotangent `ct` of the result."""
        if self._returns == "leaf":
            return self._backward(self._saved, ct)
        return self._backward(self._saved, *_flat(ct, self._returns))

    def __repr__(self) -> str:
        return f"<pullback {self._backward.__name__}>"


def _flat(ct: Any, returns: Any) -> list[Any]:
    if returns == "leaf":
        return [ct]
    kind, keys, parts = returns
    items = [ct[k] for k in keys] if kind is dict else list(ct)
    return [leaf for item, part in zip(items, parts, strict=True) for leaf in _flat(item, part)]


def highlighted(text: str) -> str:
    """Source as HTML, keywords and comments in colour."""
    colours = {tokenize.COMMENT: "#6a737d", tokenize.STRING: "#22863a", tokenize.NUMBER: "#005cc5"}
    out: list[str] = []
    row, column = 1, 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
            continue
        (line, start), (end_line, end) = token.start, token.end
        if line > row:
            row, column = line, 0
        out.append(" " * (start - column))
        colour = "#d73a49" if keyword.iskeyword(token.string) else colours.get(token.type)
        shown = html.escape(token.string)
        out.append(f'<span style="color:{colour}">{shown}</span>' if colour else shown)
        row, column = (end_line, end) if token.type not in (tokenize.NEWLINE, tokenize.NL) else (line + 1, 0)
    return f"<pre>{''.join(out)}</pre>"
