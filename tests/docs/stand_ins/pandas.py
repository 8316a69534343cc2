"""As much of pandas as the pages use, by numpy."""
import numpy as np


class _Table:
    def __init__(self, rows):
        self.rows = rows

    def __getitem__(self, column):
        return self.rows[column]

    def plot(self, x, y):
        for column in y:
            assert len(self[x]) == len(self[column])


def read_csv(path):
    return _Table(np.atleast_1d(np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8")))
