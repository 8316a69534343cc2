import numpy as np

from torch import _tensor


def relu(x):
    return np.maximum(x, 0)


def pad(x, widths):
    left, right, top, bottom = widths
    return _tensor(np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right))))
