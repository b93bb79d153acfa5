"""Programs over a dict or a list `d`: each has one derivative, however `d` came to be.

`x` has four numbers; the keys of the dicts are 0, 1 and 2. A blank line ends a program.
"""

from __future__ import annotations

DICTS = {
    "written": """
        d = {}
        for i, v in enumerate(x):
            d[i % 3] = v * v + d.get(i % 3, 0.0)
    """,
    "default": """
        d = defaultdict(float)
        for i, v in enumerate(x):
            d[i % 3] += v * v
    """,
    "comprehended": """
        d = {i % 3: v * v for i, v in enumerate(x)}
    """,
    "ordered": """
        d = OrderedDict()
        for i, v in enumerate(x):
            d[i % 3] = v * v
    """,
    "displayed": """
        d = {0: x[0] * x[1], 1: x[2] ** 2, 2: x[3] * x[0]}
    """,
}
LISTS = {
    "appended": """
        d = []
        for i, v in enumerate(x):
            d.append(v * v + i)
    """,
    "comprehended": """
        d = [v * v + i for i, v in enumerate(x)]
    """,
    "displayed": """
        d = [x[0] * x[1], x[2] ** 2, x[3] * x[0], x[1]]
    """,
    "array": """
        d = x * x + 1
    """,
}


def programs(text: str) -> list[str]:
    return text.strip("\n").split("\n\n")


ON_DICTS = programs('''
return sum(d.values())

return max(d.values())

return min(d.values()) * 2

return d[max(d, key=d.get)]

return d[min(d, key=lambda k: d[k])]

return max(d.items(), key=lambda kv: kv[1])[1]

return sorted(d.items(), key=lambda kv: kv[1])[0][1]

return sorted(d.items(), key=lambda kv: -kv[1])[0][1]

return sum((v for k, v in sorted(d.items())))

return np.prod(list(d.values()))

return np.prod(np.array(list(d.values())))

e = dict(d)
e[0] = e[0] * 2
return e[0] + d[0]

e = d.copy()
e[0] = e[0] * 2
return e[0] + d[0]

e = copy.copy(d)
e[0] = e[0] * 2
return e[0] + d[0]

e = {**d, 5: x[1]}
return e[0] * e[5]

e = d | {5: x[1]}
return e[0] * e[5]

d |= {5: x[1]}
return d[0] * d[5]

d.update({0: x[1]})
return d[0] * d[1]

d.update([(0, x[1])])
return d[0] * d[1]

e = {}
e.update(d)
d[0] = x[3]
return e[0] * d[0]

return d.pop(0) * sum(d.values())

k, v = d.popitem()
return v * len(d) * d[0]

s = 0.0
while d:
    k, v = d.popitem()
    s = s * v + v
return s

s = 0.0
for k in list(d):
    s = s * d.pop(k) + k * s + 1
return s

del d[1]
return sum(d.values())

d.clear()
d[0] = x[0]
return sum(d.values())

return functools.reduce(operator.mul, d.values())

return math.fsum(d.values())

return math.prod(d.values())

return sum(map(lambda k: d[k] * k, d))

return sum((d[k] for k in d if k))

return sum([d[k] for k in filter(None, d)])

return next(iter(d.values())) * 3

return d[next(iter(d))] * 3

a, *b = d.values()
return a * sum(b)

a, b, c = d.values()
return a * b - c

e = {k: v * 2 for k, v in d.items()}
return e[0] * d[1]

l = list(d.items())
return l[0][1] * l[1][1]

l = list(d.values())
l[0] = l[0] * 2
return l[0] * d[0]

l = list(zip(d, d.values()))
return l[1][1]

return np.sum(np.fromiter(d.values(), float) ** 2)

return sum((d[k] for k in reversed(d))) * d[0]

s = 1.0
for k in reversed(list(d.items())):
    s = s * k[1] + k[0]
return s

t = tuple(d.values())
return t[0] * t[-1]

return sum(sorted(d.values())[:2])

return sorted(d.values(), reverse=True)[0]

return d[sorted(d, key=d.get)[0]]

return d[sorted(d, key=lambda k: -d[k])[0]]

return len(d) * d[0]

s = 0.0
for (k, v), w in zip(d.items(), x):
    s = s + v * w * k
return s

s = 0.0
for i, (k, v) in enumerate(d.items()):
    s = s + v * i * k
return s

s = 0.0
for a, b in itertools.combinations(d, 2):
    s = s + d[a] * d[b]
return s

s = 0.0
for a, b in itertools.pairwise(d.values()):
    s = s + a * b
return s

s = 0.0
for a in itertools.chain(d, d):
    s = s * 0.5 + d[a]
return s

e = dict(zip(d, d.values()))
return e[0] * e[1]

return x[0] if d == {} else d[0]

return d[0] if 0 in d and 9 not in d.keys() else x[1]

return d.setdefault(7, x[1]) * d[7] + d.setdefault(0, x[0])

return (d.get(8) or x[0]) * d[0]

assert d
return d[0] if any(d) else x[0]

for k, v in d.items():
    d[k] = v * v
return d[0] * d[1] - d[2]


def two(it):
    return sum(it) + 2 * sum(it)
return two(d.values())

e = d
e[0] = x[3] * 2
return d[0] * sum(e.values())

e = {**d}
d[0] = x[3] * 7
return sum(e.values())

s = 0.0
for k in sorted(d, reverse=True):
    s = s * 2 + d[k]
return s

s = 0.0
for v, k in sorted(((v, k) for k, v in d.items())):
    s = s * 2 + v * k
return s

s = 0.0
for v, k in sorted([(v, k) for k, v in d.items()], reverse=True):
    s = s * 2 + v * k + v
return s

k, v = min(d.items(), key=operator.itemgetter(1))
return v * (k + 1)

return sum((d[k] * w for k, w in zip(sorted(d), x)))

t = 0.0
for k, v in list(d.items())[1:]:
    t = t * 0.5 + v * v
return t

del d[0]
return next(iter(d.values()))

del d[0]
return d[next(iter(d))]

*a, b = d.values()
return a[0] * b

vals = np.array([*d.values()])
return np.sum(vals ** 2)

vals = [*d.values(), x[1]]
return sum((v * v for v in vals))

return sum((v for v in d.values() if v != max(d.values())))

return sum([v ** i for i, v in enumerate(d.values())])

e = {k: d[k] for k in d if d[k] > 0.4}
return sum(e.values())

e = {k: v for k, v in zip(d.keys(), x)}
return e[0] * d[1]

e = {k: d[k] * w for k, w in zip(d, x)}
return math.prod(e.values())

e = {(k, k + 1): v for k, v in d.items()}
return e[0, 1] * e[1, 2]

e = {k: (v, 2 * v) for k, v in d.items()}
return e[0][1] * e[1][0]

e = {k: np.array([v, v * v]) for k, v in d.items()}
return np.sum(e[0] * e[1])

return d.get(7, x[1]) * d.get(1)

return sum(d.values(), x[1])

return sum(d.values(), start=x[1])

return statistics.mean(d.values())

return statistics.fmean(d.values())

return np.mean(list(d.values()))

return np.max(list(d.values()))

return np.linalg.norm(list(d.values()))

return functools.reduce(lambda a, k: a * d[k], d, 1.0)

return functools.reduce(lambda a, v: a * 2 + v, d.values())

s = 0.0
for v in itertools.accumulate(d.values()):
    s = s + v * v
return s

s = 0.0
for v in itertools.islice(d.values(), 2):
    s = s + v * v
return s

s = 0.0
for k, v in itertools.chain(d.items(), [(5, x[1])]):
    s = s + k * v * v
return s

s = 0.0
for a, b in itertools.product(d, d):
    s = s + d[a] * d[b] * a
return s

s = 0.0
for v, on in zip(d.values(), itertools.cycle([1, 0])):
    s = s + v * on
return s
''')

ON_LISTS = programs('''
return sum(d)

return max(d) * min(d)

return d[d.index(max(d))]

return sorted(d)[1] * sorted(d, reverse=True)[0]

e = list(d)
e.sort()
return e[0] * e[2]

e = list(d)
e.sort(key=lambda v: -v)
return e[0] * e[2]

e = list(d)
e.reverse()
return e[0] * e[0] * e[2]

e = d[::-1]
return e[0] * e[0] * e[2]

e = list(reversed(d))
return e[0] * e[0] * e[2]

e = d[1:] + d[:1]
return e[0] * e[0] * e[2]

e = list(d) * 2
return sum(e) * e[5]

e = [0.0] * len(d)
for i, v in enumerate(d):
    e[-i] = v
return e[0] * e[1]

e = list(d)
e[0] = x[1] * 7
return e[0] * d[0]

e = copy.copy(d)
e[0] = x[1] * 7
return e[0] * d[0]

e = [*d]
e[0] = x[1] * 7
return e[0] * d[0]

e = d[:]
f = list(e)
f[0] = x[1] * 7
return f[0] * e[0]

e = list(d)
e.insert(1, x[2])
return e[1] * e[2]

e = list(d)
a = e.pop(0)
b = e.pop()
return a * a * b + e[0]

e = list(d)
del e[1]
return e[1] * e[0]

e = list(d)
e.remove(e[1])
return e[1] * e[0]

e = list(d)
e[1:3] = [x[0]]
return e[1] * e[-1]

e = list(d)
e += [x[0]]
return e[-1] * e[-2]

e = list(d)
e.extend((v * 2 for v in d))
return e[-1] * e[0]

e = list(d)
e.clear()
e.append(x[0])
return e[0]

e = list(d)
f = e
f.append(x[0])
return e[-1] * len(e)

a, b, *c = d
return a * b * sum(c)

a, b, c, e = d
return a * b * c - e

(a, b), (c, e) = (d[:2], d[2:])
return a * b * c - e

return functools.reduce(lambda a, b: a * b + 1, d)

return math.fsum(d) * math.prod(d)

return statistics.mean(d) * statistics.variance(d)

return np.dot(d, x)

return np.mean(d) * np.std(d)

return np.sum(np.array(d) ** 2)

return np.sum(np.multiply(d, 2.0))

return np.cumsum(d)[2]

return np.max(d)

return np.stack([d, d])[1, 2]

return np.concatenate([d, x])[1]

return np.interp(1.3, [0, 1, 2, 3], d)

return np.trapezoid(d)

return np.linalg.norm(d)

return np.outer(d, d)[1, 2]

return float(np.sum(d))

return np.asarray(d) @ x

return np.sum(np.sort(d)[:2])

return np.median(d)

return np.polyval(d, 0.5)

return np.where(np.array(d) > 1, d, 0.5).sum()

s = 0.0
for a, b in zip(d, d[1:]):
    s = s + a * b
return s

s = 0.0
for a, b in itertools.pairwise(d):
    s = s + a * b
return s

s = 0.0
for a, b in itertools.combinations(d, 2):
    s = s + a * b * b
return s

s = 0.0
for v in itertools.accumulate(d, lambda a, b: a * b):
    s = s + v
return s

s = 0.0
for v in itertools.islice(d, 1, 3):
    s = s + v * v
return s

s = 0.0
for a, b in itertools.product(d, x):
    s = s + a * b * b
return s

s = 0.0
for v in itertools.chain(d, x):
    s = s * 0.5 + v
return s

s = 0.0
for v in itertools.takewhile(lambda v: v < 3, d):
    s = s * 0.5 + v
return s

s = 0.0
for i, v in enumerate(reversed(d)):
    s = s + i * v * v
return s

it = iter(d)
a = next(it)
return a * a

return next(iter(d)) * 2

return next((v for v in d if v > 0.3)) * 2

return any((v > 1 for v in d)) * d[0]

return len([v for v in d if v > 1]) * d[0]

return (0.0 in d) * x[0] + d[0]

return d.count(d[0]) * d[0]

return sum((v for v in d if v is not d[0]))

i = max(range(len(d)), key=lambda i: d[i])
return d[i] * d[i]

i = max(range(len(d)), key=d.__getitem__)
return d[i] * d[i]

i = int(np.argmax(d))
return d[i] * d[i]

i, v = max(enumerate(d), key=lambda p: p[1])
return v * v * (i + 1)

v, i = max(((v, i) for i, v in enumerate(d)))
return v * v * (i + 1)

ps = sorted(zip(d, x))
return ps[0][1] * ps[0][0]

ps = sorted(zip(d, range(9)), reverse=True)
return ps[0][1] * ps[0][0]

ps = [(v, i) for i, v in enumerate(d)]
ps.sort()
return ps[0][0] * ps[1][0] * ps[1][1]

ps = [(i, v) for i, v in enumerate(d)]
ps.sort(key=lambda p: p[1])
return ps[0][1] * ps[1][0]

ps = list(zip(d, x))
ps.append((x[0], x[1]))
return sum((a * b for a, b in ps))

a = [list(r) for r in zip(d, x)]
return a[0][0] * a[1][1]

m = dict(zip(range(4), d))
return m[0] * m[1]

m = dict(enumerate(d))
return m[0] * m[1]

m = {i: v for i, v in enumerate(d)}
return m[0] * m[1]

t = tuple(d)
return t[0] * t[1]

import bisect as bs
e = sorted(d)
i = bs.bisect(e, 0.7)
return e[i] * 2

return np.sum(list(map(float, d)))

return sum(map(operator.mul, d, x))

return sum(map(lambda a, b: a * b * b, d, x))

return sum(itertools.starmap(operator.mul, zip(d, x)))

return operator.itemgetter(0, 2)(d)[1] * d[0]

f = operator.itemgetter(1)
return f(d) ** 2

e = []
for v in d:
    e = e + [v * len(e)]
return e[2] * e[3]

e = []
for v in d:
    e = [v] + e
return e[0] * e[1] * e[0]

e = [[v] * 2 for v in d]
return e[0][1] * e[1][0]

e = [[] for _ in d]
for i, v in enumerate(d):
    e[i % 2].append(v)
return sum(e[0]) * sum(e[1])

e = [[0.0] * 2 for _ in d]
for i, v in enumerate(d):
    e[i][i % 2] += v
return e[0][0] * e[1][1]

e = [None] * len(d)
for i, v in enumerate(d):
    e[i] = v * v
return sum(e)

e = [None] * len(d)
for i, v in enumerate(d):
    e[i] = (v, i)
return e[1][0] * e[2][1]
''')

# What is refused where the keys, or how many items there are, are not known before the program runs.
PARTLY_ON_DICTS = programs('''
e = copy.deepcopy(d)
e[0] = e[0] * 2
return e[0] + d[0]

a, b, c = d
return d[a] * d[b] - d[c]

return np.dot(list(d.values()), list(d))

e = dict(sorted(d.items()))
return e[0] * e[1]

for k, v in d.items():
    d[(k + 1) % 3] = d[(k + 1) % 3] + v * v
return d[0] * d[1] - d[2]

for k in d:
    d[(k + 1) % 3] += d[k] ** 2
return d[0] * d[1] - d[2]

for v in d.values():
    d[2] = d[2] * v
return d[2]

for i, (k, v) in enumerate(d.items()):
    d[(k + 1) % 3] = v * i + d[(k + 1) % 3]
return d[0] * d[1] - d[2]

for (k, v), w in zip(d.items(), x):
    d[(k + 1) % 3] += v * w
return d[0] * d[1] - d[2]

e = {k: [v] for k, v in d.items()}
e[0].append(x[1])
return sum((sum(v) for v in e.values())) * d[0]

v, k = max(((v, k) for k, v in d.items()))
return v * k + d[k]

v, k = min([(v, k) for k, v in d.items()])
return v * k + d[k]

a, *b = d.items()
return a[1] * b[0][1]

keys, vals = zip(*d.items())
return vals[0] * vals[1] + keys[1] * vals[2]

return max(*d.values())

return math.hypot(*d.values())

e = OrderedDict(d)
e.move_to_end(0)
return list(e.values())[0] * e[0]

e = OrderedDict(sorted(d.items(), key=lambda kv: kv[1]))
return list(e.values())[0] * 2
''')

PARTLY_ON_LISTS = programs('''
e = copy.deepcopy(d)
e[0] = x[1] * 7
return e[0] * d[0]

xs, ys = zip(*[(v, v * v) for v in d])
return xs[0] * ys[1]
''')
