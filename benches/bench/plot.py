"""Line charts as SVG: both axes logarithmic, every point labelled with its value at least at the
ends."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 76, 150, 56, 56
COLOURS = {"ours": "#0a7f5a", "agent": "#c2410c", "constant": "#6b7280", "nginx": "#2563eb", "ideal": "#9ca3af"}


@dataclass(frozen=True)
class Line:
    who: str
    title: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass(frozen=True)
class Chart:
    title: str
    x_title: str
    y_title: str
    lines: Sequence[Line]
    shown: Callable[[float], str] = "{:,.0f}".format
    """How a value is written."""
    x_shown: Callable[[float], str] = "{:,.0f}".format

    def svg(self) -> str:
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
                'font-family="system-ui, sans-serif" font-size="12" fill="#1f2937" role="img">',
                f"<title>{escape(self.title)}</title>",
                f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff"/>',
                f'<text x="{LEFT}" y="26" font-size="15" font-weight="600">{escape(self.title)}</text>',
                f'<text x="{LEFT}" y="44" fill="#6b7280">{escape(self.y_title)}</text>',
                *self._axes(),
                *(
                    part
                    for line, y in zip(self.lines, self._label_heights(), strict=True)
                    for part in self._line(line, y)
                ),
                "</svg>",
                "",
            ]
        )

    def _axes(self) -> list[str]:
        low, high = self._y_range()
        parts = []
        for value in _ticks(low, high):
            y = self._y(value)
            parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#e5e7eb"/>')
            parts.append(
                f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#6b7280">{self.shown(value)}</text>'
            )
        for value in sorted({x for line in self.lines for x, _y in line.points}):
            parts.append(
                f'<text x="{self._x(value):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle" '
                f'fill="#6b7280">{self.x_shown(value)}</text>'
            )
        middle = (LEFT + WIDTH - RIGHT) / 2
        parts.append(f'<text x="{middle}" y="{HEIGHT - 14}" text-anchor="middle">{escape(self.x_title)}</text>')
        return parts

    def _line(self, line: Line, label_height: float) -> list[str]:
        colour = COLOURS[line.who]
        places = [(self._x(x), self._y(y)) for x, y in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
        dots = (
            [] if line.dashed else [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places]
        )
        return [
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>',
            *dots,
            f'<text x="{WIDTH - RIGHT + 10}" y="{label_height + 4:.1f}" fill="{colour}" font-weight="600">'
            f"{escape(line.title)}: {self.shown(line.points[-1][1])}</text>",
        ]

    def _label_heights(self) -> list[float]:
        """Beside each line's end, moved apart where they would cover each other."""
        wanted = sorted((self._y(line.points[-1][1]), number) for number, line in enumerate(self.lines))
        heights, lowest = [0.0] * len(self.lines), -math.inf
        for height, number in wanted:
            lowest = heights[number] = max(height, lowest + 16)
        return heights

    def _x(self, value: float) -> float:
        xs = [x for line in self.lines for x, _y in line.points]
        return LEFT + 12 + _share(value, min(xs), max(xs)) * (WIDTH - LEFT - RIGHT - 24)

    def _y(self, value: float) -> float:
        return HEIGHT - BOTTOM - _share(value, *self._y_range()) * (HEIGHT - TOP - BOTTOM)

    def _y_range(self) -> tuple[float, float]:
        ys = [y for line in self.lines for _x, y in line.points]
        return min(ys) / 1.2, max(ys) * 1.2


def _share(value: float, low: float, high: float) -> float:
    return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))


def _ticks(low: float, high: float) -> list[float]:
    steps = [step * 10.0**power for power in range(-3, 9) for step in (1, 2, 5)]
    return [step for step in steps if low <= step <= high]
