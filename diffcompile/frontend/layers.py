"""Loops over a list of the caller's whose items are all of one form: layers as tuples, dicts or objects.

    for W, b in layers:              for W, b in layers, carrying h:
        h = np.tanh(W @ h + b)           ...                              (a loop, however many there are)

Such a list is one value of the graph, whose items have known parts. It is run over as it is while nothing
else reads or writes its items; where something does, the program is lowered again with the loop unrolled.
"""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass, replace
from typing import Any

from ..ir.graph import Atom, Call, Const, Value, items_of_list, unpack
from ..ir.types import Type, join
from ..ir.walk import same_constant
from .families import Families
from .heap import Entries, Obj, Ref, Sequence, Tup
from .layouts import Layout

FEW = 1  # a list of so many items is run over item by item


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A list that is run over: the value that stands for it, and all that was read of it one by one."""

    out: Value
    parts: frozenset[Value]
    layout: Layout


class UnrollError(Exception):
    """A list that is run over is also read item by item: its loops have to be unrolled."""


class Layers(Families):
    def layered(self, ref: Ref) -> Sequence | None:
        """What a loop over a list of the caller's runs over, if its items are all of one form."""
        content = self.listed(ref)
        if not self.unit.runs_allowed or self.unit.rule or content is None or content.handle is None:
            return None
        if len(content.items) <= FEW or not isinstance(content.handle, Value):
            return None
        forms = [self._form_of(item) for item in content.items]
        layout = self._common(forms)
        if layout is None:
            return None
        parts: set[Value] = set()
        for k, form in enumerate(forms):
            assert form is not None
            for part, constant in zip(form[2], layout.constants, strict=True):
                if constant is None:
                    assert isinstance(part, Value)
                    item = self._read_of(part, content.handle, k)
                    if item is None:
                        return None
                    parts.update((part, item))
        run = self.unit.runs.get(content.handle)
        if run is None:
            with self.at_entry():
                known = Type("list", elem=layout.type)
                out = self.b.call(items_of_list, content.handle, name=content.handle.name, type=known)
            assert isinstance(out, Value)
            run = self.unit.runs[content.handle] = Run(out, frozenset(parts), layout)
        elif run.parts != parts:
            return None
        return Sequence((run.out,), 0, layout=run.layout, sources=(None,))

    def name_parts(self, sequence: Sequence, layout: Layout) -> None:
        """Keep what a loop calls the parts of a list's items, for the derivative with respect to it."""
        for handle, run in self.unit.runs.items():
            if run.out is sequence.items[0] and not run.layout.names:
                self.unit.runs[handle] = replace(run, layout=layout)

    def _form_of(self, item: Ref) -> tuple[type, tuple[Any, ...], tuple[Atom, ...]] | None:
        """The class, the names and the values of the parts of a flat item."""
        if isinstance(item, Tup):
            cls, keys, refs = item.cls, tuple(range(len(item.items))), item.items
        else:
            content = self.content(item)
            if not isinstance(content, Entries) or not isinstance(item, Obj):
                return None
            whole = content if content.is_dict else self.whole_object(item)
            cls, keys, refs = whole.cls, whole.keys, whole.refs
        values: list[Atom] = []
        for ref in refs:
            inner = self.content(ref) if isinstance(ref, Obj) else ref
            if not isinstance(inner, (Const, Value)):
                return None
            values.append(inner)
        return cls, keys, tuple(values)

    @staticmethod
    def _common(forms: list[Any]) -> Layout | None:
        if any(form is None or form[:2] != forms[0][:2] for form in forms):
            return None
        cls, keys, _ = forms[0]
        constants: list[Const | None] = []
        types: list[Type] = []
        for column in zip(*(form[2] for form in forms), strict=True):
            if all(isinstance(v, Const) for v in column):
                if not all(same_constant(v.value, column[0].value) for v in column):
                    return None
                constants.append(column[0])
                types.append(column[0].type)
                continue
            if any(isinstance(v, Const) for v in column):
                return None
            known = column[0].type
            for value in column[1:]:
                known = join(known, value.type)
            plain = known.is_scalar or known.kind == "array" and known.dtype is not None
            if not plain or known.rank is None:
                return None
            constants.append(None)
            types.append(known)
        return Layout(cls, keys, tuple(constants), tuple(types))

    def _read_of(self, part: Value, handle: Value, k: int) -> Value | None:
        """The item that a part was read of at entry, if it is item `k` of the list."""
        made = self.b.defs.get(part)
        if not isinstance(made, Call) or made.fn not in (operator.getitem, getattr):
            return None
        item = made.args[0]
        outer = self.b.defs.get(item) if isinstance(item, Value) else None
        if not isinstance(outer, Call) or outer.fn is not operator.getitem or outer.args[0] is not handle:
            return None
        index = outer.args[1]
        assert isinstance(item, Value)
        return item if isinstance(index, Const) and index.value == k else None

    def layer(self, value: Value, layout: Layout) -> Ref:
        """The reference to the item of this turn."""
        if layout.of_tuples:
            labels = layout.names or ("",) * len(layout.keys)
            outs = tuple(
                Value(label or "item", known, named=bool(label))
                for label, known in zip(labels, layout.types, strict=True)
            )
            self.b.emit(Call(outs, unpack, (value, Const(len(outs))), (), self.b.line))
            atoms: list[Atom] = list(outs)
        else:
            read = operator.getitem if issubclass(layout.cls, dict) else getattr
            atoms = []
            for key, known, constant in zip(layout.keys, layout.types, layout.constants, strict=True):
                out = Value(key if str(key).isidentifier() else "item", known)
                if constant is None:
                    self.b.emit(Call((out,), read, (value, Const(key)), (), self.b.line))
                atoms.append(out if constant is None else constant)
        refs: list[Ref] = []
        for atom, constant in zip(atoms, layout.constants, strict=True):
            ref = self.own(atom) if constant is None else constant
            if isinstance(ref, Obj):
                ref.cell.outside = "an item of what a loop runs over is written here"
            refs.append(ref)
        if layout.of_tuples:
            return Tup(tuple(refs), layout.cls)
        made = self.state.new(Entries(tuple(zip(layout.keys, refs, strict=True)), None, layout.cls))
        made.cell.outside = "an item of what a loop runs over is written here"
        return made


def names_in(target: ast.expr, layout: Layout) -> tuple[str, ...]:
    """What the target of a loop calls the parts of an item."""
    if not isinstance(target, (ast.Tuple, ast.List)) or len(target.elts) != len(layout.keys):
        return ()
    return tuple(part.id if isinstance(part, ast.Name) else "" for part in target.elts)
