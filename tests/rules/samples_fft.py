"""Sample arguments of the rules for Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffcompile.rules import fft

Sample = tuple[tuple[Any, ...], dict[str, Any]]
NORMS = ("backward", "ortho", "forward")

rng = np.random.default_rng(11)


def r(*shape: int) -> np.ndarray:
    return rng.uniform(0.3, 1.7, shape) * rng.choice([-1.0, 1.0], shape)


def c(*shape: int) -> np.ndarray:
    return r(*shape) + 1j * r(*shape)


def one_axis(make: Any) -> list[Sample]:
    """Even and odd lengths, cropped and padded, along each axis, with each norm."""
    return [
        ((make(4),), {}),
        ((make(5),), {}),
        ((make(2, 3),), {}),
        ((make(4, 3),), {"axis": 0}),
        ((make(2, 4, 3), None, 1), {}),
        ((make(5), 3), {}),
        ((make(3), 6), {}),
        ((make(3), 5), {}),
        ((make(4, 3), 6, 0), {}),
        *[((make(n),), {"norm": norm}) for norm in NORMS for n in (4, 5)],
        *[((make(3, 2), 5, 0, norm), {}) for norm in NORMS],
    ]


def several_axes(make: Any) -> list[Sample]:
    return [
        ((make(3, 4),), {}),
        ((make(4, 5),), {}),
        ((make(2, 3, 4),), {"axes": (0, 1)}),
        ((make(2, 3, 4),), {"axes": (-1, 0), "norm": "ortho"}),
        ((make(3, 4), (5, 3), (1, 0)), {"norm": "forward"}),
        ((make(3, 4), (5, 3), (-1, -2)), {"norm": "backward"}),
    ]


def last_two_axes(make: Any) -> list[Sample]:
    return [*several_axes(make), ((make(3, 4), (2, 6)), {}), ((make(2, 3, 4), (4, 5)), {})]


def three_axes(make: Any) -> list[Sample]:
    return [
        *several_axes(make),
        ((make(2, 3, 4),), {}),
        ((make(2, 3, 4),), {"axes": (1,)}),
        ((make(2, 3, 4),), {"axes": (2, 0, 1)}),
        ((make(2, 3, 4), (4, 2, 5), (0, 1, 2)), {}),
    ]


SAMPLES: dict[Any, list[Sample]] = {
    np.fft.fft: one_axis(c) + one_axis(r)[:6],
    np.fft.ifft: one_axis(c) + one_axis(r)[:6],
    np.fft.rfft: one_axis(r),
    np.fft.ihfft: one_axis(r),
    np.fft.irfft: one_axis(c) + one_axis(r)[:6],
    np.fft.hfft: one_axis(c),
    np.fft.fft2: last_two_axes(c) + several_axes(r)[:3],
    np.fft.ifft2: last_two_axes(c),
    np.fft.rfft2: last_two_axes(r),
    np.fft.irfft2: last_two_axes(c),
    np.fft.fftn: three_axes(c),
    np.fft.ifftn: three_axes(c),
    np.fft.rfftn: three_axes(r),
    np.fft.irfftn: three_axes(c),
    np.fft.fftshift: [((r(5),), {}), ((c(4, 3),), {}), ((r(4, 3),), {"axes": 1}), ((r(4, 3), (0, 1)), {})],
    np.fft.ifftshift: [((r(5),), {}), ((c(4, 3),), {}), ((r(4, 3),), {"axes": 0}), ((r(4, 3), (0, 1)), {})],
    np.fft.fftfreq: [((5, 0.5), {}), ((4,), {"d": 2.0})],
    np.fft.rfftfreq: [((5, 0.5), {}), ((4,), {"d": 2.0})],
    fft.fitted: [((r(2, 3), np.zeros((3, 2), int)), {}), ((c(4), np.zeros(2, int)), {})],
}
