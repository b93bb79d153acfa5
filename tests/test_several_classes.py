"""Objects of several classes in one place: in a list, under a name, round a loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad
from oracles import assert_every_mode

X = np.array([0.7, 1.3, -0.4, 0.9, 1.1])
V = np.array([0.3, -0.5, 0.2, 0.7, 0.1])
Program = Callable[[Any], Any]
PROGRAMS: list[Program] = []


def program(f: Program) -> Program:
    PROGRAMS.append(f)
    return f


class Shape:
    sides = 0

    def area(self):
        raise NotImplementedError

    def weighed(self, w):
        return w * self.area() + self.sides

    @property
    def name(self):
        return type(self).__name__


class Circle(Shape):
    def __init__(self, r):
        self.r = r

    def area(self):
        return math.pi * self.r**2

    def grow(self, k):
        self.r *= k


class Rectangle(Shape):
    sides = 4

    def __init__(self, a, b):
        self.a = a
        self.b = b

    def area(self):
        return self.a * self.b

    def grow(self, k):
        self.a *= k
        self.b += k

    @property
    def diagonal(self):
        return np.hypot(self.a, self.b)


class Square(Rectangle):
    def __init__(self, a):
        super().__init__(a, a)

    def area(self):
        return super().area() * 0.5


def shapes_of(x):
    shapes = []
    for i in range(len(x)):
        if i % 3 == 0:
            shapes.append(Circle(x[i]))
        elif i % 3 == 1:
            shapes.append(Rectangle(x[i], x[i - 1]))
        else:
            shapes.append(Square(x[i]))
    return shapes


@program
def a_method_of_each(x):
    return sum(s.area() * (k + 1) for k, s in enumerate(shapes_of(x)))


@program
def a_method_of_their_base(x):
    return sum(s.weighed(0.5) for s in shapes_of(x))


@program
def by_number(x):
    shapes = shapes_of(x)
    s = 0.0
    for k in range(12):
        s += shapes[k % len(shapes)].area() * np.sin(k)
    return s


@program
def each_is_written(x):
    shapes = shapes_of(x)
    for _ in range(2):
        for shape in shapes:
            shape.grow(x[0])
    for k in range(len(shapes)):
        shapes[k].grow(1.5)
    return sum(s.area() ** 2 for s in shapes)


@program
def asked_for_their_class(x):
    s = 0.0
    for shape in shapes_of(x):
        if isinstance(shape, Circle):
            s += shape.r**3
        elif type(shape) is Rectangle:
            s += shape.a * 2.0
        else:
            s += shape.b * shape.area()
    return s


@program
def asked_for_a_base(x):
    s = 0.0
    for shape in shapes_of(x):
        if isinstance(shape, Rectangle):
            s += shape.diagonal * shape.a
        if not isinstance(shape, (Circle, Square)):
            s += shape.b
    return s


@program
def matched(x):
    s = 0.0
    for shape in shapes_of(x):
        match shape:
            case Circle(r=r):
                s += r**2
            case Square(a=a):
                s += 3.0 * a
            case Rectangle(a=a, b=b):
                s += a * b**2
    return s


@program
def constants_and_names(x):
    s = 0.0
    for shape in shapes_of(x):
        s += shape.sides * shape.area()
        if shape.name == "Square":
            s += shape.a
        if hasattr(shape, "r"):
            s += shape.r
        s += getattr(shape, "a", 0.5) ** 2
    return s


@program
def one_or_the_other(x):
    shape = Circle(x[0]) if x[1] > 0 else Rectangle(x[0], x[2])
    other = Circle(x[0]) if x[1] > 100 else Rectangle(x[0], x[2])
    shape.grow(x[3])
    other.grow(x[4])
    return shape.area() * other.area()


@program
def chosen_in_a_loop(x):
    best = Circle(x[0])
    for k in range(len(x)):
        new = Square(x[k]) if k % 2 else Circle(x[k] * 0.5)
        if new.area() > best.area():
            best = new
    return best.area() * x[1]


@program
def appended_apart(x):
    shapes = [Circle(v) for v in x]
    shapes.append(Rectangle(x[0], x[1]))
    shapes.insert(0, Square(x[2]))
    last = shapes.pop()
    return sum(s.area() for s in shapes) * last.area()


@program
def a_list_written_out(x):
    shapes = [Circle(x[0]), Rectangle(x[1], x[2]), Square(x[3])]
    s = 0.0
    for k in range(7):
        shapes[k % 3].grow(1.1)
        s += shapes[k % 3].area() * k
    return s


@program
def in_a_dict(x):
    d = {}
    for i in range(len(x)):
        d[i] = Circle(x[i]) if i % 2 else Rectangle(x[i], x[0])
    d[0].grow(2.0)
    return sum(d[k].area() for k in d)


class Idle:
    def __init__(self, v):
        self.v = v

    def next(self, t):
        return Running(self.v * 1.5, t) if t > 0.5 else self

    def cost(self):
        return self.v**2


class Running:
    def __init__(self, v, speed):
        self.v = v
        self.speed = speed

    def next(self, t):
        if t < 0.0:
            return Idle(self.v + self.speed)
        return Running(self.v * self.speed, self.speed + t)

    def cost(self):
        return self.v * self.speed


@program
def states(x):
    state = Idle(x[0])
    s = 0.0
    for t in x:
        state = state.next(t)
        s += state.cost()
    return s


@program
def states_in_a_while(x):
    state = Idle(x[0])
    k, s = 0, 0.0
    while s < 20.0 and k < 9:
        state = state.next(x[k % 5])
        s += state.cost() ** 2
        k += 1
    return s * state.v


class Layer:
    def __call__(self, x):
        return self.forward(x)

    def __len__(self):
        return 2


class Dense(Layer):
    def __init__(self, w):
        self.w = w
        self.seen = []

    def forward(self, x):
        self.seen.append(x[0])
        return self.w @ x

    def __add__(self, other):
        return self.w[0, 0] + other


class Tanh(Layer):
    def __init__(self, scale):
        self.scale = scale

    def forward(self, x):
        return np.tanh(x * self.scale)

    def __add__(self, other):
        return self.scale * other


@program
def layers(x):
    net = []
    for k in range(4):
        if k % 2 == 0:
            net.append(Dense(np.outer(x[:3], x[k : k + 3]) if k < 3 else np.eye(3)))
        else:
            net.append(Tanh(x[k]))
    h = x[:3]
    for layer in net:
        h = layer(h)
    return np.sum(h) + sum(layer + 2.0 for layer in net) * len(net[1])


@program
def lists_inside_are_written(x):
    net = []
    for k in range(4):
        net.append(Dense(np.outer(x[:2], x[k : k + 2]) if k < 3 else np.eye(2)) if k % 2 == 0 else Tanh(x[k]))
    h = x[:2]
    for k in range(len(net)):
        h = net[k](h)
    return np.sum(h) + sum(sum(n.seen) for n in net if isinstance(n, Dense))


@dataclass
class Body:
    x: float
    v: float = 0.0

    def force(self, other):
        return other.x - self.x

    def move(self, f, dt):
        self.v += dt * f
        self.x += dt * self.v


@dataclass
class Anchor(Body):
    def move(self, f, dt):
        pass


@dataclass
class Charged(Body):
    q: float = 1.0

    def force(self, other):
        f = super().force(other)
        if isinstance(other, Charged):
            f -= self.q * other.q
        return f


@program
def bodies(x):
    world = [Anchor(0.1)]
    for k in range(len(x)):
        world.append(Charged(x[k], 0.1, x[k - 1]) if k % 2 else Body(x[k]))
    for _ in range(3):
        forces = [sum(b.force(c) for c in world if c is not b) for b in world]
        for b, f in zip(world, forces, strict=True):
            b.move(f, 0.1)
    return sum(b.x**2 + b.v**2 for b in world)


class Leaf:
    def __init__(self, value):
        self.value = value

    def total(self):
        return self.value**2


class Pair:
    def __init__(self, left, right):
        self.left = left
        self.right = right

    def total(self):
        return self.left.total() * self.right.total()


@program
def a_tree(x):
    tree = Pair(Leaf(x[0]), Pair(Leaf(x[1]), Leaf(x[2])))
    return tree.total() * Leaf(x[3]).total()


@program
def what_is_lacking_raises(x):
    s = 0.0
    for shape in shapes_of(x):
        try:
            s += shape.r
        except AttributeError:
            s += shape.a * 2.0
    return s


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives(f: Program) -> None:
    assert_every_mode(f, X, V)


def test_an_attribute_that_one_class_lacks_raises_as_python_does() -> None:
    def f(x):
        return sum(s.r for s in shapes_of(x))

    with pytest.raises(AttributeError) as expected:
        f(X)
    with pytest.raises(AttributeError) as found:
        grad(f)(X)
    assert str(found.value) == str(expected.value)


def test_they_are_not_handed_out() -> None:
    def f(x):
        shapes = shapes_of(x)
        return sum(s.area() for s in shapes), shapes

    with pytest.raises(DiffCompileError):
        grad(f, has_aux=True)(X)


@pytest.mark.parametrize("f", [a_method_of_each, each_is_written, states], ids=lambda f: f.__name__)
def test_objects_that_no_direction_moves(f: Program) -> None:
    def g(y):
        return f(X) * y[0] + y[1] * f(y * y)

    y = np.abs(X)
    assert_every_mode(g, y, V)
