"""A rule of one's own: Kepler's equation is solved by iteration, and differentiated by its implicit function.

E - ecc sin E = M is solved by Newton's method in as many turns as it takes. By the implicit function theorem
dE/dM = 1 / (1 - ecc cos E) and dE/d ecc = sin E / (1 - ecc cos E): no turn of the loop is saved. With
the rule, the eccentricity of Mercury's orbit is fitted to its distances from the sun.
"""

import numpy as np

from diffcompile import defelementwise, value_and_grad


def anomaly(M, ecc):
    E = M + ecc * np.sin(M)
    step = np.ones_like(M)
    while np.max(np.abs(step)) > 1e-13:
        step = (E - ecc * np.sin(E) - M) / (1 - ecc * np.cos(E))
        E = E - step
    return E


@defelementwise(anomaly)
def _(out, M, ecc):
    slope = 1 / (1 - ecc * np.cos(out))
    return slope, np.sin(out) * slope


@value_and_grad
def misfit(ecc, M, distance):
    E = anomaly(M, ecc)
    return np.mean((1 - ecc * np.cos(E) - distance) ** 2)


M = np.linspace(0.0, 6.0, 25)
mercury = 0.2056
distance = 1 - mercury * np.cos(anomaly(M, mercury))

ecc, h = 0.4, 1e-6
value, slope = misfit(ecc, M, distance)
numerical = (misfit.primal(ecc + h, M, distance) - misfit.primal(ecc - h, M, distance)) / (2 * h)
print(f"slope at {ecc}: {slope:.8f}, by central differences {numerical:.8f}")
assert abs(slope - numerical) < 1e-8

for _ in range(100):
    value, slope = misfit(ecc, M, distance)
    ecc = ecc - 0.5 * slope
print(f"fitted eccentricity {ecc:.6f}")
assert abs(ecc - mercury) < 1e-9

print(misfit.source)
