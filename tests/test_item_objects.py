"""Lists and dicts of objects, as many as the run makes: what is read of them, in every mode."""

from __future__ import annotations

import copy
import dataclasses
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, checkpoint, grad, hvp, jacfwd, jacrev, jvp, linearize
from graphs import written
from oracles import slopes


class Plain:
    K = 3.0

    def __init__(self, a: Any, b: Any) -> None:
        self.a = a
        self.b = b

    def area(self) -> Any:
        return self.a * self.b

    @property
    def n(self) -> Any:
        return self.a * self.b + self.K

    def scaled(self, t: Any) -> Any:
        return self.a * t + self.b

    @staticmethod
    def squared(u: Any) -> Any:
        return u * u

    @classmethod
    def twice(cls, u: Any) -> Any:
        return cls(u, u)

    def __mul__(self, other: Any) -> Any:
        return type(self)(self.a * other.a, self.b + other.b)

    def __add__(self, other: Any) -> Any:
        return type(self)(self.a * other.a, self.b + other.b)

    def __neg__(self) -> Any:
        return type(self)(self.b, self.a)

    def __call__(self, t: Any) -> Any:
        return self.a * t

    def __getitem__(self, k: int) -> Any:
        return self.a if k == 0 else self.b

    def __len__(self) -> int:
        return 3

    def __float__(self) -> float:
        return float(self.a)

    def __iter__(self) -> Any:
        return iter((self.a, self.b))


@dataclass
class Data(Plain):
    a: Any
    b: Any


class Sub(Plain):
    def area(self) -> Any:
        return self.a + self.b


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a: Any, b: Any) -> None:
        self.a = a
        self.b = b


@dataclass
class Derived:
    a: Any
    b: Any = 0.0

    def __post_init__(self) -> None:
        self.b = self.a * 2


class Body:
    def __init__(self, pos: Any, vel: Any, m: Any) -> None:
        self.pos = pos
        self.vel = vel
        self.m = m

    def energy(self) -> Any:
        return 0.5 * self.m * np.sum(self.vel**2)

    def moved(self, dt: Any) -> Any:
        return Body(self.pos + dt * self.vel, self.vel, self.m)


class Bag:
    def __init__(self) -> None:
        self.items: list[Any] = []

    def add(self, v: Any) -> None:
        self.items.append(v)


class Grid:
    def __init__(self, x: Any) -> None:
        self.cells = [Sub(v, v * v) for v in x]
        self.total = 0.0

    def step(self) -> None:
        for cell in self.cells:
            self.bump(cell)

    def bump(self, cell: Any) -> None:
        cell.a = cell.a * 1.1 + self.total
        self.total = self.total + cell.b


Pair = namedtuple("Pair", "a b")
NAMES: dict[str, Any] = {
    "Slots": Slots, "Derived": Derived, "Body": Body, "Bag": Bag, "Pair": Pair, "Sub": Sub, "copy": copy,
    "dataclasses": dataclasses, "Grid": Grid,
}  # fmt: skip
CLASSES = {"plain": Plain, "dataclass": Data, "subclass": Sub}
X = np.array([0.5, 0.6, 0.7, 0.8])
DOT = np.array([0.3, -0.2, 0.7, 0.5])

# `d` is a list of objects of the class `C`, of `v` and `v * v` for each `v` in `x`.
ON_LISTS = """
return (d[0] * d[1]).a + (d[0] + d[1]).b

return d[0](2.0) * len(d[0])

return d[0][0] * d[1][1]

return float(d[0]) * 2

return d[0].n + d[0].K * d[1].a

return d[0].scaled(x[1]) * d[1].squared(d[1].a)

return d[0].twice(x[2]).b * d[0].a

return (-d[0]).a * getattr(d[1], 'a') * vars(d[2])['a']

a, b = d[0]
return a * b + sum(p.a for p in d)

s = 0.0
for p in d:
    s = s + p.scaled(s)
return s

return sum(p.area() for p in d)

d[1] = d[0]
return d[1].a * d[0].b

return max(d, key=lambda p: p.a).b * min(d, key=lambda p: p.b).a

e = sorted(d, key=lambda p: -p.b)
return e[0].a * e[1].area()

q = [p for p in d if p.a > 0.55]
return q[0].a * q[-1].b

return d[0].a if d[0] is d[0] and isinstance(d[0], C) and type(d[0]) is C else x[1]

return x[0] if d[0] is d[1] else d[0].a * d.index(d[2])

c = copy.copy(d[0])
return c.a * hasattr(c, 'b')

m = {}
for i, p in enumerate(d):
    m[i] = p
return m[2].a * sum(p.area() for p in m.values())

def f2(p): return p.a * p.b
return f2(d[0]) + f2(d[3])

best = d[0]
for p in d:
    if p.b > best.b:
        best = p
return best.a * best.b

while len(d) > 1:
    p = d.pop()
    q = d.pop()
    d.append(C(p.a * q.a, p.b + q.b))
return d[0].area()

e = d[1:3] + d[:1]
return e[0].a * e[2].b

return sum(p.area() * q.a for p in d for q in d)

return sum(p.a * q.b for p, q in zip(d, d[1:]))

r = np.array([[p.a, p.b] for p in d])
return np.sum(r @ r.T)

d2 = [C(p.b, p.a) for p in d]
return sum(p.area() * p.a for p in d2)
""".strip("\n").split("\n\n")

ALONE = """
d = [None] * len(x)
for i in range(len(x)):
    d[i] = {'a': x[i], 'b': x[i] ** 2}
return sum(m['a'] * m['b'] for m in d) + d[1]['a']

d = [Slots(v, v * v) for v in x]
return d[0].a * d[1].b

d = [Derived(v) for v in x]
return sum(w.a * w.b for w in d)

d = [Body(x * v, x + v, v) for v in x]
return sum(b.energy() for b in d) + np.sum(d[0].pos * d[1].vel)

d = [Body(x * v, x + v, v) for v in x]
for t in range(3):
    d = [b.moved(0.1) for b in d]
return sum(np.sum(b.pos**2) for b in d)

d = []
for v in x:
    b = Body(x * v, x + v, v)
    b.pos[0] = 3 * v
    b.m = v * v
    d.append(b)
return sum(np.sum(b.pos) * b.m for b in d)

d = [Sub(v, Sub(v * v, v)) for v in x]
return sum(p.b.area() * p.a for p in d)

d = [Sub([v, v * v], v) for v in x]
return sum(p.a[0] * p.a[1] * p.b for p in d)

d = [Sub({'u': v}, v) for v in x]
return sum(p.a['u'] * p.b for p in d)

d = [Sub((v, v * v), 'name') for v in x]
return sum(p.a[0] * p.a[1] for p in d if p.b == 'name')

d = [Sub(v, None) for v in x]
return sum(p.a for p in d if p.b is None)

bag = Bag()
for v in x:
    bag.add(Sub(v, v * v))
return sum(p.area() for p in bag.items)

stack = [Sub(x[0], 0)]
s = 0.0
while stack:
    p = stack.pop()
    s = s + p.a * x[p.b]
    if p.b < 3:
        stack.append(Sub(p.a * x[1], p.b + 1))
return s

d = {}
for i, v in enumerate(x):
    d[i] = Pair(v, v * v)
a, b = d[1]
return a * b + d[2].a * d[3][1]

d = [Pair(v, v * v) for v in x]
d[1] = d[1]._replace(a=x[0] ** 2)
return d[1].a * max(p.b for p in d)

d = [[Sub(v, v * v), Sub(v, v)] for v in x]
return sum(r[0].a * r[1].b for r in d)

d = [(Sub(v, v * v), v) for v in x]
return sum(p.b * w for p, w in d)

d = [(v, v * v) for v in x]
s = 0.0
for p in d:
    s = s + p[0]
return s * p[1]

d = [Sub(v, v * v) for v in x]
s = 0.0
for p in d:
    s = s + p.a
return s * p.b

d = [Body(x * v, x + v, v) for v in x]
s = 0.0
for p in d:
    s = s + np.sum(p.pos)
return s * p.m * np.sum(p.vel)
""".strip("\n").split("\n\n")


# What is written through the objects of such a list.
WRITES = """
p = d[0]
p.a = 5 * x[1]
return d[0].a * p.b

d[0].a = x[3] * 2
return d[0].a * d[0].b

d[2].a += x[0]
d[2].a *= d[1].b
return d[2].a

def f2(p):
    p.a = p.a * 3
f2(d[0])
return d[0].a

for p in d:
    p.a = p.b * 2
return d[1].a * d[1].b

p = C(x[0], x[1])
d.append(p)
p.a = 7 * x[2]
return d[-1].a * p.b

p = C(x[0], x[1])
d.append(p)
d[-1].a = 7 * x[2] * p.a
return d[-1].a * p.b

for t in range(3):
    for p in d:
        p.b -= 0.1 * p.a**2
        p.a += 0.1 * p.b
return sum(p.area() for p in d)

for t in range(3):
    for i in range(len(d)):
        for j in range(i + 1, len(d)):
            force = np.sin(d[j].a - d[i].a)
            d[i].b += 0.1 * force
            d[j].b -= 0.1 * force
    for p in d:
        p.a += 0.2 * p.b
return sum(p.a**2 for p in d)

s = 0.0
for i, p in enumerate(d):
    p.a = s + p.b
    s = s + p.a * x[i]
return s

for k in range(len(d) - 1):
    d[k + 1].a = d[k].a * d[k].b + d[k + 1].a
return d[-1].a

for p in d:
    if p.a > 0.55:
        p.a = p.b * p.a
    else:
        p.b = p.a + 1
return sum(p.area() for p in d)

i = 0
while i < len(d):
    d[i].a, d[i].b = d[i].b, d[i].a * x[0]
    i += 1
return d[0].a * d[1].b + d[2].a

d[1] = C(x[0], x[1])
d[1].a = d[1].a * d[2].b
return d[1].area()

setattr(d[0], 'a', x[1] ** 2)
object.__setattr__(d[1], 'b', x[2] ** 2)
return d[0].a * d[1].b

p = d.pop()
p.a = p.a * x[0]
d.append(p)
return d[-1].a * d[-1].b

p = d.pop()
p.a = p.a * x[0]
return p.a * p.b * d[0].a

e = [C(p.a, p.b) for p in d]
for p in e:
    p.a = p.a**2
return sum(p.a * q.a for p, q in zip(e, d))

q = copy.copy(d[0])
q.a = x[3] * q.a
return q.a * d[0].a

m = {}
for i, v in enumerate(x):
    m[i] = C(v, v * v)
for k in m:
    m[k].a += m[0].b
m[1].b = m[2].a
return sum(p.area() for p in m.values())

table = [[C(v, v * w) for w in x] for v in x]
for row in table:
    for p in row:
        p.a = p.a * p.b
table[1][2].b = table[0][1].a
return sum(p.a * p.b for row in table for p in row)

best = 0
for k in range(len(d)):
    if d[k].b > d[best].b:
        best = k
d[best].a = d[best].a ** 3
return sum(p.a for p in d)

for p in d:
    for q in d:
        if p is not q:
            p.b = p.b + 0.1 * q.a
return sum(p.area() for p in d)

for p in reversed(d):
    p.a = p.a * p.b
return sum(p.a for p in d)

for p in d:
    old = p.a
    p.a = np.sin(old) * p.b
    p.b = old
return sum(p.area() for p in d)

try:
    d[0].a = d[0].a * 2
    d[9].a = 1.0
except IndexError:
    d[1].a = d[1].b
return d[0].a * d[1].a
""".strip("\n").split("\n\n")

WRITES_ALONE = """
rows = [x * v for v in x]
first, second = rows[0], rows[1]
rows.sort(key=lambda r: -r[0])
return sum(k * r[1] for k, r in enumerate(rows)) + first[0] * second[1]

rows = [x * v for v in x]
first, last = rows[0], rows[2]
rows[:2] = [x + 1, x * 2, x * 3]
return sum(k * np.sum(r) for k, r in enumerate(rows)) + np.sum(first**2) + np.sum(last**3)

d = [{'p': x * v, 'v': v, 'name': 'a'} for v in x]
for p in d:
    p['p'][0] = p['v'] * 2
    p['v'] += 1
    p['w'] = p['v'] * p['p'][1]
return sum(p['w'] * np.sum(p['p']) for p in d if p['name'] == 'a')

d = [{'p': [v, v], 'v': v} for v in x]
for p in d:
    p['p'].append(p['v'] ** 2)
    p['p'][0] *= 2
return sum(p['v'] * sum(p['p']) for p in d)

d = []
for k in range(len(x)):
    d.append({'pos': np.array([x[k], 0.0]), 'mass': 1.0 + k, 'vel': np.zeros(2)})
for t in range(2):
    for a in d:
        f = np.zeros(2)
        for b in d:
            if a is not b:
                gap = b['pos'] - a['pos']
                f += b['mass'] * gap / (gap @ gap + 0.1) ** 1.5
        a['vel'] += 0.1 * f
    for a in d:
        a['pos'] += 0.1 * a['vel']
return sum(a['mass'] * np.sum(a['pos'] ** 2) for a in d)

d = [Sub(v, 1.0) for v in x]
best = d[0]
for p in d:
    if p.a > best.a:
        best = p
best.a = best.a * 10
return sum(p.a for p in d)

d = [Sub(v, 1.0) for v in x]
best = d[0]
for k in range(len(d)):
    if d[k].a > best.a:
        best = d[k]
best.a = best.a * 10
best.b = best.a
return sum(p.a * p.b for p in d)

d = [Sub(v, 1.0) for v in x]
low = high = d[0]
for p in d:
    if p.a < low.a:
        low = p
    elif p.a > high.a:
        high = p
low.a, high.a = high.a * 2, low.a * 3
return sum(k * p.a for k, p in enumerate(d))

d = [Sub(v, 1.0) for v in x]
last = d[-1]
for p in d:
    p.b = last.a * p.a
    last.a += 0.1
    last = p
return sum(p.b * p.a for p in d)

d = [Sub(v, 1.0) for v in x]
now = d[0]
t = 0
while t < 4:
    now.a = now.a * 1.1
    now = d[t] if now.a > 0.6 else d[0]
    t += 1
return sum(p.a**2 for p in d)

rows = [x * v for v in x]
r = rows[0] if x[0] > 0 else rows[1]
r[1] = 5.0 * x[2]
return sum(np.sum(r**2) for r in rows)

rows = [x * v for v in x]
a, b = rows[0], rows[1]
for t in range(4):
    a[t] = b[t] + 1
    a, b = b, a
return sum(np.sum(r**2) for r in rows)

rows = [[v, v * v] for v in x]
last = rows[0]
for i in range(1, len(rows)):
    row = rows[i]
    row[0] += last[1]
    last[1] *= 2
    last = row
return sum(r[0] * r[1] for r in rows)

d = [Sub([], v) for v in x]
for p in d:
    p.a.append(p.b)
    p.a.append(p.b**2)
    p.a[0] *= 3
return sum(t for p in d for t in p.a)

d = [Sub(v, 1.0) for v in x]
for t in range(3):
    for p in d:
        p.a = p.a - 0.17 * p.b
    d = [p for p in d if p.a > 0.2]
return sum(p.a**2 for p in d)

d = [Sub(v, 1.0) for v in x]
d.sort(key=lambda p: -p.a)
d[0].b = d[1].a * 3
for p in d:
    p.a = p.a * p.b
d.sort(key=lambda p: p.b)
d[0].a += d[-1].b
return sum(k * p.a for k, p in enumerate(d))

d = [Sub(v, 1.0) for v in x]
big = max(d, key=lambda p: p.a)
small = min(d, key=lambda p: p.a)
big.a = big.a * 3
small.b = big.a * small.a
return sum(p.a * p.b for p in d)

d = [Sub(v, 1.0) for v in x]
for i in range(len(d)):
    for j in range(len(d) - 1):
        if d[j].a < d[j + 1].a:
            d[j], d[j + 1] = d[j + 1], d[j]
d[0].b *= 3
return sum(k * p.a * p.b for k, p in enumerate(d))

rows = [x * v for v in x]
rows[0], rows[2] = rows[2], rows[0]
rows[0][1] = 7 * x[0]
rows[1], rows[2], rows[3] = rows[3], rows[1], rows[2]
rows[1][0] *= 2
return sum(k * np.sum(r**2) for k, r in enumerate(rows))

A = [[v * w + (2.0 if v == w else 0.0) for w in x] for v in x]
det = 1.0
for k in range(len(A)):
    p = k
    for i in range(k + 1, len(A)):
        if abs(A[i][k]) > abs(A[p][k]):
            p = i
    if p != k:
        A[k], A[p] = A[p], A[k]
        det = -det
    det *= A[k][k]
    for i in range(k + 1, len(A)):
        m = A[i][k] / A[k][k]
        for j in range(k, len(A)):
            A[i][j] -= m * A[k][j]
return det

groups = {}
for k in range(4):
    groups.setdefault(k % 2, []).append(Sub(x[k], 0.1 * k))
for group in groups.values():
    for p in group:
        p.b += p.a
return sum(p.a * p.b for group in groups.values() for p in group)

def pairs(d):
    for i in range(len(d)):
        for j in range(i):
            yield d[i], d[j]
d = [Sub(v, 0.3) for v in x]
for p, q in pairs(d):
    gap = p.a - q.a
    p.b -= 0.1 * gap
    q.b += 0.1 * gap
return sum(p.b**2 for p in d)

def step(d, dt):
    for p in d:
        p.b -= dt * p.a
    for p in d:
        p.a += dt * p.b
def energy(d):
    s = 0.0
    for p in d:
        s += p.b**2 + p.a**2
    return s
d = [Sub(v, 0.3) for v in x]
seen = []
for t in range(4):
    step(d, 0.1)
    seen.append(energy(d))
return sum(seen) * d[0].a

d = [Body(x * v, x + v, v) for v in x]
s = 0.0
for b in d:
    b.pos *= x[0]
    s = s + np.sum(b.pos * b.vel)
    if s > 2.0:
        break
return s + np.sum(d[-1].pos) + d[0].m

d = [Body(x * v, x + v, v) for v in x]
while len(d) > 2:
    d.sort(key=lambda b: b.m)
    b = d.pop(0)
    b.pos += d[0].pos
    b.m = b.m + d[0].m
    d[0] = b
return sum(np.sum(b.pos) * b.m for b in d)

d = [Body(x * v, x + v, v) for v in x]
d[1].pos[0] = 9.0 * x[0]
return np.sum(d[1].pos)

d = [Body(x * v, x + v, v) for v in x]
p = d[1].pos
p[0] = 5.0 * x[1]
return np.sum(d[1].pos) * np.sum(p**2)

d = [Body(x * v, x + v, v) for v in x]
for t in range(3):
    for b in d:
        b.vel -= 0.1 * b.pos**2
        b.pos += 0.1 * b.vel
return sum(b.energy() + np.sum(b.pos) for b in d)

d = [Body(x * v, x + v, v) for v in x]
for i in range(len(d)):
    a = np.zeros(4)
    for j in range(len(d)):
        if i != j:
            gap = d[j].pos - d[i].pos
            a += d[j].m * gap / (gap @ gap + 0.1) ** 1.5
    d[i].vel += 0.1 * a
for b in d:
    b.pos = b.pos + 0.1 * b.vel
return sum(b.energy() + np.sum(b.pos**2) for b in d)

d = [Body(x * v, x + v, v) for v in x]
for b in d:
    b.pos[1:] *= b.vel[:-1]
    b.vel[b.pos > 0.5] = b.m
    b.m *= 2.0
return sum(b.energy() + np.sum(b.pos) for b in d)

d = [Sub([v, v], v) for v in x]
d[0].a.append(x[1])
d[1].a[0] = x[2] * 3
return sum(d[0].a) * sum(d[1].a) * len(d[0].a)

d = []
for v in x:
    node = Sub([], v)
    node.a.append(v * v)
    d.append(node)
for k in range(len(d)):
    d[k].a.append(d[k].b * d[0].b)
return sum(w for node in d for w in node.a)

d = [Sub({'u': v}, v) for v in x]
for p in d:
    p.a['u'] = p.a['u'] * p.b
    p.a['w'] = p.b
return sum(p.a['u'] * p.a['w'] for p in d)

d = [Sub(v, Sub(v * v, v)) for v in x]
for p in d:
    p.b.a += p.a
    p.a = p.b.area()
d[0].b.b = x[3]
return sum(p.b.area() * p.a for p in d)

g = Grid(x)
for _ in range(2):
    g.step()
return g.total * sum(c.a for c in g.cells)

d = []
for v in x:
    b = Body(np.zeros(4), x * v, v)
    d.append(b)
    b.pos[1] = v
    b.m = v * v
return sum(np.sum(b.pos * b.vel) * b.m for b in d)

d = [Slots(v, v * v) for v in x]
for s in d:
    s.a = s.a * s.b
return d[0].a * d[1].b

d = [Sub(v, 0) for v in x]
for k, p in enumerate(d):
    p.b = k
    p.b += 1
    p.a = p.a ** p.b
return sum(p.a * p.b for p in d)

d = [Sub(v, 0) for v in x]
for p in d:
    p.b = p.a * 0.5
return sum(p.a * p.b for p in d)

stack = [Sub(x[0], 0)]
s = 0.0
while stack:
    p = stack.pop()
    p.a = p.a * x[p.b]
    s = s + p.a
    if p.b < 3:
        p.b += 1
        stack.append(p)
return s
""".strip("\n").split("\n\n")


def made(program: str, cls: type = Plain) -> Any:
    lines = "".join(f"    {line}\n" for line in program.splitlines())
    return written(f"def f(x):\n{lines}", "f", C=cls, **NAMES)


def check(f: Any) -> None:
    expected = slopes(f, X)
    np.testing.assert_allclose(grad(f)(X), expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(jvp(f, (X,), (DOT,))[1], expected @ DOT, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(linearize(f, X)[1](DOT), expected @ DOT, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(jacrev(f)(X), expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(jacfwd(f)(X), expected, rtol=1e-7, atol=1e-9)
    g = grad(f)
    second = (4 * _along(g, 5e-5) - _along(g, 1e-4)) / 3
    np.testing.assert_allclose(hvp(f)(X, DOT), second, rtol=1e-6, atol=1e-8)


def _along(g: Any, h: float) -> Any:
    return (g(X + h * DOT) - g(X - h * DOT)) / (2 * h)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("program", ON_LISTS)
def test_an_object_that_was_put_into_a_list_is_what_it_was(program: str, cls: str) -> None:
    check(made("d = [C(v, v * v) for v in x]\n" + program, CLASSES[cls]))


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("program", WRITES)
def test_what_is_written_into_an_object_is_there(program: str, cls: str) -> None:
    check(made("d = [C(v, v * v) for v in x]\n" + program, CLASSES[cls]))


@pytest.mark.parametrize("program", WRITES_ALONE)
def test_what_is_written_into_objects_of_other_kinds_is_there(program: str) -> None:
    check(made(program))


@pytest.mark.parametrize("program", ALONE)
def test_objects_of_other_kinds(program: str) -> None:
    check(made(program))


ITEM = "an item of a list is written here"
MAY = "this write may also change `{}`: whether the two are the same array is not decided"
TWO_PARTS = """
e = [p for p in d if p.a > 0.5]
f = [p for p in d if p.a > 0.6]
d = None
f[0].a = x[0]
return e[1].a
""".strip()
REPLACED = """
best = d[0]
for k in range(2):
    d[0] = C(x[k], x[k])
    best.a = x[1]
return d[0].a + best.a
""".strip()
# A list that some items were gathered from, and what else leads to them when that has lost its name.
LED_TO = {
    "q = d + [C(1.0, 1.0)]": "q[0]", "q = list(d)": "q[0]", "q = d[:2]": "q[0]", "q = {'k': d}": "q['k'][0]",
    "q = (d, 1)": "q[0][0]", "q = C(x[1], x[2])\nd.append(q)": "q", "q = [d]": "q[0][0]",
    "q = []\nq.extend(d)": "q[0]", "q = sorted(d, key=lambda p: p.b)": "q[0]",
}  # fmt: skip


@pytest.mark.parametrize("leads", LED_TO)
@pytest.mark.parametrize("order", [0, 1])
def test_an_object_that_something_leads_to_is_not_written_behind_its_back(leads: str, order: int) -> None:
    gathered = "e = [p for p in d if p.a > 0.1]"
    lines = "\n".join((gathered, leads) if order else (leads, gathered))
    f = made(f"d = [C(v, v * v) for v in x]\n{lines}\nd = None\ne[0].a = x[3] * 5\ne[-1].a = x[2] * 3\n"
             f"return {LED_TO[leads]}.a * e[0].b")  # fmt: skip
    try:
        found = grad(f)(X)
    except DiffCompileError:
        return
    np.testing.assert_allclose(found, slopes(f, X), rtol=1e-7, atol=1e-9)


REFUSED = {
    "e = [p for p in d if p.a > 0.55]\ne[0].a = x[0]\nreturn d[1].a": MAY.format("d"),
    "e = [p for p in d if p.a > 0.55]\nd[0].a = x[0]\nreturn e[1].a": MAY.format("e"),
    "e = sorted(d, key=lambda p: p.a)\ne[0].a = x[0]\nreturn d[1].a": MAY.format("d"),
    "q = d[1]\nd = [p for p in d if p.a > 0.55]\nd[0].a = x[0]\nreturn q.a": MAY.format("d"),
    TWO_PARTS: MAY.format("e"),
    REPLACED: MAY.format("best"),
    "d.append(d[0])\nd[0].a = x[1]\nreturn d[-1].a": ITEM,
    "d[0].c = x[1]\nreturn d[0].c": "an object in a list is given an attribute `c`, which it was made without",  # noqa: E501
    "return np.sum(d[0]) + np.sum(d[1])": "an object of class `Plain` is used as a value",
    "return np.sum(np.array(d))": "an object of class `Plain` is used as a value",
}  # fmt: skip


@pytest.mark.parametrize("program", REFUSED)
def test_what_others_may_see_changed_is_refused(program: str) -> None:
    f = made("d = [C(v, v * v) for v in x]\n" + program)
    for way in (lambda: grad(f)(X), lambda: jvp(f, (X,), (DOT,))):
        with pytest.raises(DiffCompileError) as caught:
            way()
        assert caught.value.reason == REFUSED[program]
        assert caught.value.remedy


def test_objects_of_classes_that_differ_are_not_taken_for_one() -> None:
    f = made("d = [C(v, v) if v > 0.65 else Sub(v, v) for v in x]\nreturn sum(p.area() for p in d)")
    expected = slopes(f, X)
    np.testing.assert_allclose(grad(f)(X), expected, rtol=1e-7)
    np.testing.assert_allclose(jvp(f, (X,), (DOT,))[1], expected @ DOT, rtol=1e-7)


def test_an_object_that_a_loop_may_not_have_bound_is_read_where_it_is_named() -> None:
    f = made("d = [C(v, v * v) for v in x]\nreturn sum(p.area() * q.a for p in d for q in d)")

    def again(x: Any) -> Any:
        return checkpoint(f)(x * x) * x[0]

    np.testing.assert_allclose(grad(again)(X), slopes(lambda x: f(x * x) * x[0], X), rtol=1e-7)
    loops = "for p in d:\n    for q in d:\n        s = p.n * q.a\n"
    check(made(f"d = [C(v, v * v) for v in x]\n{loops}return s * q.n * p.a"))
