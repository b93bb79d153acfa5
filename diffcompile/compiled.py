"""The object that `grad` returns: from the facts of a call's arguments to the program compiled for them."""

from __future__ import annotations

import functools
import inspect
import io
import itertools
import keyword
import linecache
import os
import sys
import threading
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from .errors import DiffCompileError, NoSource, UndecidedAlias, WrongArgument
from .frontend.arguments import (
    Place,
    Read,
    Same,
    Target,
    arrays_in,
    describe,
    hashable,
    kind_of,
    kind_of_each,
    objects_in,
    target_of,
)
from .ir.graph import Graph
from .ir.run import Watch, run
from .ir.text import function_name, graph_text
from .ir.types import BOOL, COMPLEX, FLOAT, INT, OBJECT, UNKNOWN, array
from .rules.library import consult
from .rules.register import REGISTRY

# What only a compilation or a look inside needs is imported there: `import diffcompile` is to cost little
# beside `import numpy`.
if TYPE_CHECKING:
    from .frontend.arguments import Spec
    from .frontend.lower import Guard, Lowered
    from .ir.types import Type
    from .pipeline import Mode, Program

_MISSING = object()


# -- the facts of what a program is given ------------------------------------------------------------------


def _kind_outside(value: Any) -> Any:
    """As `kind_of`, of a global or closure value, whose sizes are facts as well."""
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape
    if type(value) is tuple:
        return tuple(map(_kind_outside, value))
    return kind_of(value) if isinstance(value, set) else type(value)


def _refuse_overlap(values: Iterable[Any], name: str, objects: bool) -> None:
    """Refuse a function that writes into arguments that overlap: the program is of those that do not."""
    found = [part for value in values for part in arrays_in(value, objects)]
    arrays = [part for part in found if isinstance(part, np.ndarray)]
    others = {id(part) for part in found if not isinstance(part, np.ndarray)}
    bounds = sorted(byte_bounds(part) for part in arrays if part.size)
    ends = itertools.accumulate((end for _, end in bounds), max)
    overlap = any(start < end for (start, _), end in zip(bounds[1:], ends, strict=False))
    if overlap or len(others) + len(arrays) < len(found):
        raise UndecidedAlias(
            f"`{name}` writes into its arguments, and two of them may share memory",
            None,
            "Pass copies: `x.copy()`.",
        )


def _layouts(values: tuple[Any, ...]) -> tuple[tuple[bool, bool], ...]:
    found = (part for value in values for part in arrays_in(value))
    return tuple((a.flags.c_contiguous, a.flags.f_contiguous) for a in found if isinstance(a, np.ndarray))


def _changes(fn: Any, name: str) -> bool:
    """Does this function change the object that one of its parameters is?"""
    from .frontend.source import changed_names, read_source

    try:
        return name in changed_names(read_source(fn).node)
    except NoSource:
        return False


# -- the derivative ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A program, and what of the world outside it was compiled for."""

    program: Program
    functions: tuple[Callable[..., Any], ...]
    globals: tuple[tuple[dict[str, Any], str, Any], ...]
    cells: tuple[tuple[types.CellType, Any], ...]
    others: tuple[Guard, ...]  # class attributes, the items of containers of functions
    kinds: tuple[Any, ...]
    layouts: tuple[tuple[bool, bool], ...] | None = (
        None  # of the arrays among the arguments, if what is a view depends on them
    )

    @classmethod
    def of(cls, program: Program, values: tuple[Any, ...] = ()) -> Case:
        guards = program.guards
        return cls(
            program,
            tuple(program.functions[name] for name in program.names),
            tuple((g.scope, g.name, g.value) for g in guards if isinstance(g.scope, dict) and g.name),
            tuple((g.scope, g.value) for g in guards if isinstance(g.scope, types.CellType)),
            tuple(g for g in guards if not isinstance(g.scope, (dict, types.CellType)) or not g.name),
            tuple(_kind_outside(c.read()) for c in program.captures),
            _layouts(values) if program.layouts else None,
        )

    def fits(self, values: tuple[Any, ...]) -> bool:
        """Are the arrays laid out in memory as those that this was compiled for?"""
        return self.layouts is None or self.layouts == _layouts(values)

    def guarded(self) -> bool:
        """Is everything that was folded into the program still what it was?"""
        for scope, name, value in self.globals:
            if scope.get(name, _MISSING) is not value:
                return False
        try:
            for cell, value in self.cells:
                if cell.cell_contents is not value:
                    return False
        except ValueError:  # the cell is empty by now
            return False
        return not self.others or all(guard.holds() for guard in self.others)

    def outside(self) -> dict[str, Any] | None:
        """The globals and closure values that the program reads, by name; None if it holds no longer."""
        if self.program.version != REGISTRY.version or not self.guarded():
            return None
        if not self.kinds:
            return {}
        try:
            read = {c.label: c.read() for c in self.program.captures}
        except (KeyError, ValueError, AttributeError):  # deleted by now
            return None
        return read if tuple(map(_kind_outside, read.values())) == self.kinds else None

    def matches(self, values: tuple[Any, ...]) -> bool:
        """Are the attributes that the program reads of the kinds that it was compiled for?"""
        if not self.program.reads and not self.program.lists:
            return True
        try:
            for read in self.program.reads:
                if not read.holds(values):
                    return False
            same = identities(self.program.objects, values) == self.program.same
            return same and told_apart(self.program, values)
        except (AttributeError, LookupError, TypeError, ValueError):  # another structure
            return False


def identities(objects: tuple[Read, ...], values: tuple[Any, ...]) -> tuple[int, ...]:
    """Which of these objects are one and the same: for each, the place of the first that it is."""
    if len(objects) < 2:
        return (0,) * len(objects)
    first: dict[int, int] = {}
    return tuple([first.setdefault(id(read.value(values)), k) for k, read in enumerate(objects)])


def told_apart(program: Program, values: tuple[Any, ...]) -> bool:
    """Is each object in the lists that are one value of the program found there alone?"""
    if not program.lists:
        return True
    inside = [id(found) for read, known in program.lists for found in objects_in(read.value(values), known)]
    elsewhere = {id(read.value(values)) for read in program.objects}
    return len(set(inside)) == len(inside) and elsewhere.isdisjoint(inside)


_NO_PAIR: tuple[type, int, Callable[..., Any]] = (Same, -1, float)
_NO_ROW: tuple[int, type, int, Callable[..., Any]] = (-1, Same, -1, float)
_KEPT = 8  # programs of one signature that differ in what was folded into them


class Derivative:
    """A compiled derivative of a function.

    Calling it, with the arguments of the function, gives the derivative. It compiles at the first call and
    once more for each new combination of kinds, dtypes, ranks and lengths equal to 1; sizes do not matter.
    It can be called from several threads, and pickles as the function and what was asked of it.

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

    def __init__(
        self, fn: Callable[..., Any], mode: Mode, argnums: Any = 0, has_aux: bool = False, check: bool = False
    ) -> None:
        if not callable(fn):
            raise WrongArgument(f"`{mode}` needs a function, not {type(fn).__name__}")
        self._target = target_of(fn.written if isinstance(fn, Derivative) and fn.axes is not None else fn)
        if not isinstance(self._target.fn, (types.FunctionType, Derivative)):
            written = _written_out(fn)
            if written is None:
                raise _no_source(fn)
            self._target = Target(written, (), written)
        self.primal = fn
        self._mode: Mode = mode
        self._argnums = argnums
        self._has_aux = has_aux
        self._check = check
        self._cases: dict[Any, tuple[Case, ...]] = {}
        # For calls with floats alone, two or any number of them: what to check, and what to call.
        self._pair, self._row = _NO_PAIR, _NO_ROW
        self._last: Case | None = None
        self._preview: Program | None = None
        self._lock = threading.RLock()
        functools.update_wrapper(self, self._target.fn, updated=())
        # Its own, not that of the function behind a bound method or a `functools.partial`.
        self.__signature__ = self._signature = inspect.signature(self._target.given)
        parameters = list(self._signature.parameters.values())
        kind = inspect.Parameter
        self._parameters = [(p.name, p.default) for p in parameters]
        # Defaults that keep what was done to them from call to call: objects, whatever is in them.
        self._kept = frozenset(
            p.name for p in parameters if isinstance(p.default, (list, dict, set)) and _changes(fn, p.name)
        )
        # Where `*args` begins: the arguments from there on are one parameter.
        self._star = next((k for k, p in enumerate(parameters) if p.kind is kind.VAR_POSITIONAL), None)
        self._positional = sum(p.kind is kind.POSITIONAL_OR_KEYWORD for p in parameters)
        named = self._positional + sum(p.kind is kind.KEYWORD_ONLY for p in parameters)
        self._plain = named == len(parameters)
        self._wrt = self._positions(argnums)
        places = self._wrt if isinstance(self._wrt, tuple) else (self._wrt,)
        self._kept -= {parameters[p.root].name for p in places if isinstance(p.root, int)}

    def _positions(self, argnums: Any) -> tuple[Place, ...] | Place:
        names = list(self._signature.parameters)

        def position(which: Any) -> Place:
            if isinstance(which, str):
                root, *steps = which.split(".")
                if root in names:
                    return Place(names.index(root), tuple(steps))
                if root in dict(self._target.bound) and steps:
                    return Place(root, tuple(steps))
                raise WrongArgument(
                    f"`{self.__name__}` has no parameter `{root}`", None, f"It has {', '.join(names)}."
                )
            if isinstance(which, bool) or not isinstance(which, (int, np.integer)):
                raise WrongArgument(f"`argnums` takes positions or names of parameters, not {which!r}")
            if not -len(names) <= which < len(names):
                star = None if self._star is None or which < 0 else names[self._star]
                raise WrongArgument(
                    f"`argnums={which}`, and `{self.__name__}` has {len(names)} parameters", None,
                    "" if star is None else f"Name one of `*{star}`: `argnums=\"{star}.1\"`.",
                )  # fmt: skip
            return Place(int(which) % len(names))

        if isinstance(argnums, (tuple, list)):
            if not argnums:
                raise WrongArgument("`argnums` is empty: there is nothing to differentiate with respect to")
            return tuple(map(position, argnums))
        return position(argnums)

    @property
    def places(self) -> tuple[Place, ...]:
        """What the derivative is taken with respect to."""
        return self._wrt if isinstance(self._wrt, tuple) else (self._wrt,)

    def by_parameter(self, given: tuple[Any, ...]) -> tuple[Any, ...]:
        """What is given for each argument by position, for each parameter: a tuple of those of `*args`."""
        star = self._star
        if star is None or len(given) <= star:
            return given
        rest = given[star:]
        return (*given[:star], None if all(part is None for part in rest) else rest)

    def of_argument(self, k: int) -> Place:
        """Where an argument by position is: one of a parameter's own, or an item of `*args`."""
        star = self._star
        return Place(k) if star is None or k < star else Place(star, (str(k - star),))

    @property
    def signature(self) -> inspect.Signature:
        """The signature of the function."""
        return self._signature

    def bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """The value of each parameter for a call with these arguments, in order."""
        return self._bind(args, kwargs)

    def vectorized(
        self, specs: Any, axes: Any, path: Any, out_axis: int, one_by_one: bool = False
    ) -> Program:
        """The program of the function for many rows of some arguments."""
        from .pipeline import vectorized

        return vectorized(self._target, specs, axes, path, out_axis, one_by_one=one_by_one)

    def result_types(self, values: tuple[Any, ...]) -> tuple[tuple[Type, ...], bool]:
        """What is known of each number and array that the function returns for such arguments; and whether it
        can be called once more without anyone noticing."""
        from .pipeline import unnoticed

        graph = self.primal_graph(values)
        return tuple(atom.type for atom in graph.region.results), unnoticed(graph)

    def primal_graph(self, values: tuple[Any, ...]) -> Graph:
        """The function as a graph, for such arguments."""
        from .pipeline import either_way, lowered_graph

        specs = [
            (name, self._spec(name, value, default))
            for (name, default), value in zip(self._parameters, values, strict=True)
        ]
        return either_way(lowered_graph)(self._target, specs, "", self.places).graph

    # -- calling --------------------------------------------------------------------------------------------

    def __call__(self, x: Any = _MISSING, y: Any = _MISSING, /, *more: Any, **kwargs: Any) -> Any:
        kind, version, function = self._pair
        if type(x) is kind and type(y) is kind and version == REGISTRY.version and not more and not kwargs:
            return function(x, y)
        args = (x, y, *more) if y is not _MISSING else (x,) if x is not _MISSING else ()
        return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        count, kind, version, function = self._row
        if len(args) == count and not kwargs and version == REGISTRY.version:
            for value in args:
                if type(value) is not kind:
                    break
            else:
                return function(*args)
        values = self._bind(args, kwargs)
        case, outside = self._case(values, self._wrt)
        return self._run(case.functions[0], values, outside)

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """The value of each parameter, in order."""
        count = len(args)
        if self._plain and count <= self._positional:
            if count == len(self._parameters) and not kwargs:
                return args
            values = list(args)
            given = 0
            for name, default in self._parameters[count:]:
                if name in kwargs:
                    default = kwargs[name]
                    given += 1
                elif default is inspect.Parameter.empty:
                    break
                values.append(default)
            else:
                if given == len(kwargs):
                    return tuple(values)
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as cause:
            raise TypeError(f"{self.__name__}(): {cause}") from None
        bound.apply_defaults()
        return tuple(bound.arguments.values())

    def _run(self, function: Callable[..., Any], values: tuple[Any, ...], outside: dict[str, Any]) -> Any:
        if self._positional == len(values):
            return function(*values, **outside) if outside else function(*values)
        arguments = dict(zip(self._signature.parameters, values, strict=True))
        bound = inspect.BoundArguments(self._signature, arguments)
        return function(*bound.args, **bound.kwargs, **outside)

    def _case(self, values: tuple[Any, ...], wrt: tuple[Place, ...] | Place) -> tuple[Case, dict[str, Any]]:
        """The program for these arguments, compiled if there is none yet, and what it reads from outside."""
        key = tuple(map(kind_of, values)) if not self._kept else self._kinds(values)
        found = self._find(key, values)
        if found is None:
            with self._lock:
                found = self._find(key, values) or self._compile(key, values, wrt)
        case = found[0]
        if case.program.writes:
            reads = (r for r in case.program.reads if r.steps and r.look is not kind_of_each)
            places = {(r.root, r.steps): r for r in reads}
            read = (r.value(values) for r in places.values())
            _refuse_overlap((*values, *read, *found[1].values()), self.__name__, not case.program.one_by_one)
        if case is not self._last:
            self._last = case
            self._heat(case, values)
        return found

    def _kinds(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            ("default", name) if value is default and name in self._kept else kind_of(value)
            for (name, default), value in zip(self._parameters, values, strict=True)
        )

    def _spec(self, name: str, value: Any, default: Any) -> Spec:
        return OBJECT if value is default and name in self._kept else describe(value, name)

    def _find(self, key: Any, values: tuple[Any, ...]) -> tuple[Case, dict[str, Any]] | None:
        for case in self._cases.get(key, ()):
            outside = case.outside() if case.fits(values) else None
            if outside is not None and case.matches(values):
                return case, outside
        return None

    def _compile(
        self, key: Any, values: tuple[Any, ...], wrt: tuple[Place, ...] | Place
    ) -> tuple[Case, dict[str, Any]]:
        from .pipeline import derive

        specs = [
            (name, self._spec(name, value, default))
            for (name, default), value in zip(self._parameters, values, strict=True)
        ]
        asked = self._target, specs, wrt, self._mode, self._has_aux, self._check
        program = derive(*asked)
        if not told_apart(program, values):
            program = derive(*asked, one_by_one=True)
        case = Case.of(program, values)
        self._cases[key] = (case, *self._cases.get(key, ()))[:_KEPT]
        return case, {c.label: c.read() for c in case.program.captures}

    def _heat(self, case: Case, values: tuple[Any, ...]) -> None:
        """Have calls like this one recognised without a signature, if they can be."""
        self._pair, self._row = _NO_PAIR, _NO_ROW
        kinds = set(map(type, values))
        plain = self._positional == len(values) and kinds in ({float}, {np.float64})
        if case.kinds or case.program.reads or not plain:
            return
        count, kind, version, function = len(values), kinds.pop(), case.program.version, case.functions[0]
        if case.program.guards:
            function = self._guarded(case)
        if count == 2:
            self._pair = kind, version, function
        else:
            self._row = count, kind, version, function

    def _guarded(self, case: Case) -> Callable[..., Any]:
        """The program's function, which is called while what was folded into it is still what it was."""
        guarded, function = case.guarded, case.functions[0]

        def call(*args: Any) -> Any:
            if guarded():
                return function(*args)
            case, outside = self._case(args, self._wrt)
            return self._run(case.functions[0], args, outside)

        return call

    axes: tuple[Any, int] | None = None  # that rows lie along, in the arguments and in the results

    @property
    def written(self) -> Callable[..., Any]:
        """The function that does nothing but call this: `def f(x, k): return rows(x, k)`."""
        raise NotImplementedError

    @property
    def asked(self) -> tuple[Mode, Any, bool]:
        """What was asked for: the kind of derivative, with respect to what, and is more returned."""
        return self._mode, self._argnums, self._has_aux

    def lowered(self, specs: list[tuple[str, Spec]], wrt: tuple[Place, ...]) -> Lowered:
        """The derivative as a graph that can be differentiated again, with respect to `wrt`."""
        from .pipeline import lowered_derivative

        return lowered_derivative(self._target, specs, self._wrt, self._mode, self._has_aux, wrt)

    def __reduce__(self) -> str | tuple[Any, ...]:
        found: Any = sys.modules.get(self.__module__)
        for part in self.__qualname__.split("."):
            found = getattr(found, part, None)
        if found is self:
            return str(self.__qualname__)
        return type(self), (self.primal, self._mode, self._argnums, self._has_aux, self._check)

    # -- looking inside -------------------------------------------------------------------------------------

    def _shown(self) -> Program:
        """The program of the last call, or one from the annotations."""
        if self._last is not None:
            return self._last.program
        if self._preview is None or not self._preview.holds():
            from .pipeline import derive

            hints = getattr(self.primal, "__annotations__", {})
            parameters = enumerate(self._signature.parameters.values())
            specs = [(p.name, self._annotated(hints.get(p.name), p, k)) for k, p in parameters]
            self._preview = derive(self._target, specs, self._wrt, self._mode, self._has_aux, self._check)
        return self._preview

    def _annotated(self, hint: Any, parameter: inspect.Parameter, position: int) -> Spec:
        from .frontend.arguments import Parts

        known = {float: FLOAT, int: INT, bool: BOOL, complex: COMPLEX, np.ndarray: array(None, None)}
        by_name = {
            "float": FLOAT,
            "int": INT,
            "bool": BOOL,
            "complex": COMPLEX,
            "np.ndarray": array(None, None),
        }
        spec = by_name.get(hint) if isinstance(hint, str) else known.get(hint) if hashable(hint) else None
        if spec is not None:
            return spec
        default = parameter.default
        wanted = self._wrt if isinstance(self._wrt, tuple) else (self._wrt,)
        if default is not parameter.empty and position not in {place.root for place in wanted}:
            return describe(default, parameter.name)
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
        """The part of the source that computes the value and what the backward pass reads; may be empty."""
        return halves(self._shown())[0]

    @property
    def backward_source(self) -> str:
        """The part of the source that computes the cotangents."""
        return halves(self._shown())[1]

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
        write(self._shown(), path)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self) -> str:
        names = list(self._signature.parameters)
        wrt = self._wrt if isinstance(self._wrt, tuple) else (self._wrt,)
        mode = "derivative" if self._mode == "holomorphic" else self._mode
        return f"<{mode} of {self.__name__} with respect to {', '.join(p.label(names) for p in wrt)}>"

    def _repr_html_(self) -> str:
        return highlighted(self.source)

    __name__: str
    __qualname__: str


class _Second:
    """The second of two generated functions, over what the first one saved."""

    def __init__(self, name: str, program: Program, function: Callable[..., Any]) -> None:
        self._name = name
        self._program = program
        self._function = function

    @property
    def source(self) -> str:
        """The complete module: the function that runs ahead, and the one that is called here."""
        return self._program.text

    @property
    def forward_source(self) -> str:
        """The function that computes the value and what the other one reads."""
        return halves(self._program)[0]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the source to a file, whole or not at all.

        Raises DiffCompileError if the program refers to an object that cannot be written down.
        """
        write(self._program, path)

    def _repr_html_(self) -> str:
        return highlighted(self.source)


class Pullback(_Second):
    """The function from the cotangent of a result to those of the arguments; it can be called repeatedly.

    `source`, `forward_source` and `backward_source` are the code of the value and of the cotangents; `save`
    writes it to a file.
    """

    def __init__(self, name: str, program: Program, function: Callable[..., Any], result: Any) -> None:
        super().__init__(name, program, function)
        self._forms = [_form_of(leaf) for leaf in _flat(result, program.returns)]

    def run(self, values: tuple[Any, ...], watch: Watch) -> None:
        """Run the function ahead once more, one instruction after the other, each call watched."""
        program = self._program
        outside = (c.read() for c in program.captures)
        run(program.graphs[0], (*values, *outside), watch)

    def __call__(self, ct: Any) -> Any:
        """The cotangents of the arguments, one each, for the cotangent `ct` of the result.

        It has the structure of the result, with None where nothing flows back. Raises WrongArgument where a
        part of it has another shape.
        """
        leaves = zip(_flat(ct, self._program.returns), self._forms, strict=True)
        return self._function(*(self._fitted(leaf, form) for leaf, form in leaves))

    def _fitted(self, ct: Any, form: tuple[tuple[int, ...], np.dtype] | None) -> Any:
        """A part of the cotangent in the form of that part of the result."""
        if form is None:
            return ct
        shape, dtype = form
        if ct is None:
            return np.zeros(shape, dtype) if shape else 0.0
        if np.shape(ct) != shape:
            raise WrongArgument(
                f"a cotangent of shape {np.shape(ct)} for a result of `{self._name}` of shape {shape}",
                None,
                "Give it the shape of the result.",
            )
        other = isinstance(ct, np.ndarray) and ct.dtype != dtype and dtype.kind == "f"
        return ct.astype(dtype) if other and ct.dtype.kind in "fiub" else ct

    @property
    def backward_source(self) -> str:
        """The function that computes the cotangents."""
        return halves(self._program)[1]

    def __repr__(self) -> str:
        return f"<pullback of {self._name}>"


class Pushforward(_Second):
    """The derivative at a point: from tangents of the arguments to that of the result, as often as wished.

    `source`, `forward_source` and `push_source` are the code of the value and of the derivative; `save`
    writes it to a file.
    """

    def __call__(self, *tangents: Any) -> Any:
        """The tangent of the result, for a tangent of each argument; None for one that does not move."""
        return self._function(*tangents)

    @property
    def push_source(self) -> str:
        """The function that computes the derivative."""
        return halves(self._program)[1]

    def __repr__(self) -> str:
        return f"<derivative of {self._name} at a point>"


def _form_of(leaf: Any) -> tuple[tuple[int, ...], np.dtype] | None:
    """The shape and the dtype of a part of a result; None of what is no number and no array."""
    if isinstance(leaf, np.ndarray):
        return leaf.shape, leaf.dtype
    number = isinstance(leaf, (int, float, complex, np.number))
    return ((), np.dtype(type(leaf))) if number else None


def _flat(ct: Any, returns: Any) -> list[Any]:
    """The cotangents of a result's leaves, out of one that has the structure of the result."""
    if returns == "leaf":
        return [ct]
    if returns is None:  # there is nothing that a derivative is taken of
        return []
    kind, keys, parts, _ = returns
    if ct is None:
        items = [None] * len(parts)
    elif issubclass(kind, dict):
        items = [ct[k] for k in keys]
    else:
        items = list(ct) if issubclass(kind, (tuple, list)) else [getattr(ct, k) for k in keys]
    return [leaf for item, part in zip(items, parts, strict=True) for leaf in _flat(item, part)]


def _written_out(fn: Any) -> types.FunctionType | None:
    """The function that does nothing but call a library's: `def tanh(x): return np.tanh(x)`."""
    full = function_name(fn)
    root, dot, _ = full.partition(".")
    module = sys.modules.get("numpy" if root == "np" else root)
    if not dot or module is None or not hashable(fn):
        return None
    consult(fn)
    if fn not in REGISTRY.reverse:
        return None
    names = list("xyzuvw"[: fn.nin] if isinstance(fn, np.ufunc) else _required(fn))
    scope: dict[str, Any] = {root: module, "__name__": __name__}
    given = ", ".join(names)
    text = f"def {fn.__name__}({given}):\n    return {full}({given})\n"
    file = f"<{full}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), scope)
    written = scope[fn.__name__]
    return written if names and eval(full, scope) is fn else None


def _required(fn: Any) -> list[str]:
    """The parameters of a library's function that have no default."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in kinds and p.default is p.empty]


def _no_source(fn: Callable[..., Any]) -> NoSource:
    """The refusal of a callable that is not a Python function, and what to write instead."""
    name = getattr(fn, "__name__", type(fn).__name__)
    remedy = "Pass a function that is made by `def` or `lambda`."
    if hashable(fn) and fn in REGISTRY.reverse:
        given = ", ".join("xyzuvw"[: getattr(fn, "nin", 1)])
        remedy = f"Wrap it in a function: `lambda {given}: {function_name(fn)}({given})`."
    return NoSource(f"`{name}` is not a Python function, so it has no source to read", None, remedy)


def write(program: Program, path: str | os.PathLike[str]) -> None:
    """Write the source of a program to a file, whole or not at all."""
    import tempfile

    if program.unwritable:
        raise DiffCompileError(
            f"`{program.unwritable[0]}` cannot be written into a file of its own",
            program.span,
            "Define it in a module that can be imported, or pass it as an argument.",
        )
    folder, name = os.path.split(os.fspath(path))
    handle, temporary = tempfile.mkstemp(dir=folder or ".", prefix=name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(program.text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


# -- what is shown -----------------------------------------------------------------------------------------


def halves(program: Program) -> tuple[str, str]:
    """The text of the forward and of the backward part: two functions, or what is below two comments."""
    if len(program.names) == 2:
        return _function_text(program.text, program.names[0]), _function_text(program.text, program.names[1])
    text = _function_text(program.text, program.names[0])
    head, marker, backward = text.partition("    # backward\n")
    return (head.partition("    # forward\n")[2], backward) if marker else ("", text)


def _function_text(text: str, name: str) -> str:
    text = text[f"\n{text}".index(f"\ndef {name}(") :]
    body, _, more = text.partition("\n\n\n")
    return f"{body}\n" if more else body


def highlighted(text: str) -> str:
    """Source as HTML, keywords and comments in colour."""
    import html
    import tokenize

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
