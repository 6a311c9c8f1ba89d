"""Figures of several rounds, and the program to which they belong."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


class Series:
    """One figure, measured once a round."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def add(self, value: float) -> None:
        self.values.append(value)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def least(self) -> float:
        return min(self.values)

    @property
    def most(self) -> float:
        return max(self.values)


class Results:
    """Series by what was measured, whose it is, and which figure of it."""

    def __init__(self) -> None:
        self._series: defaultdict[tuple[object, str, str], Series] = defaultdict(Series)

    def add(self, cell: object, who: str, **figures: float) -> None:
        for name, value in figures.items():
            self._series[cell, who, name].add(value)

    def has(self, cell: object, who: str) -> bool:
        return any(key[:2] == (cell, who) for key in self._series)

    def get(self, cell: object, who: str, figure: str) -> Series:
        return self._series[cell, who, figure]

    def ratio(self, cell: object, who: str, other: str, figure: str) -> float | None:
        """Of the medians of two who ran in the same rounds."""
        if not (self.has(cell, who) and self.has(cell, other)):
            return None
        return self.get(cell, who, figure).median / self.get(cell, other, figure).median


def interleaved(subjects: Sequence[T], rounds: int) -> Iterator[T]:
    """Every program once a round, and each first, second, third … equally often: noise hits all
    alike."""
    for number in range(rounds):
        first = number % len(subjects)
        yield from (*subjects[first:], *subjects[:first])


def present(values: Iterable[T | None]) -> list[T]:
    return [value for value in values if value is not None]
