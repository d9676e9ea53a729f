"""Just enough SVG: elements with escaped attributes and texts, short numbers, scales and ticks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

Number = int | float


def number(value: Number) -> str:
    """A coordinate in as few characters as a tenth of a pixel needs."""
    text = f"{value:.1f}"
    return text.removesuffix(".0").replace("-0.", "-.") if text != "-0.0" else "0"


def tag(name: str, content: str = "", /, **attributes: str | Number) -> str:
    """An element; `content` is markup already. `class_` is class, `stroke_width` stroke-width."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def _value(value: str | Number) -> str:
    return escape(value) if isinstance(value, str) else number(value)


def title(words: str) -> str:
    """What those who point at an element are told."""
    return tag("title", escape(words))


def text(x: Number, y: Number, content: str, **attributes: str | Number) -> str:
    """Words at a place."""
    return tag("text", escape(content), x=x, y=y, **attributes)


def line(x1: Number, y1: Number, x2: Number, y2: Number, **attributes: str | Number) -> str:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def rect(
    x: Number, y: Number, width: Number, height: Number, words: str = "", **attributes: str | Number
) -> str:
    """A rectangle, with words for those who point at it."""
    content = title(words) if words else ""
    return tag("rect", content, x=x, y=y, width=width, height=height, **attributes)


def dots(places: Iterable[tuple[Number, Number]]) -> str:
    """The path of dots: lines without a length, which round caps make visible."""
    return "".join(f"M{number(x)} {number(y)}h0" for x, y in places)


def polyline(places: Sequence[tuple[Number, Number]]) -> str:
    """The path through places."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in places) if places else ""


def picture(
    width: Number, height: Number, name: str, about: str, content: str, **attributes: str | Number
) -> str:
    """A whole drawing that says what it shows to those who cannot see it."""
    return tag(
        "svg",
        title(name) + tag("desc", escape(about)) + content,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_label=f"{name}. {about}",
        **attributes,
    )


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.begin + min(max(share, 0.0), 1.0) * (self.end - self.begin)


def ticks(low: float, high: float, wanted: int) -> list[float]:
    """Round numbers between two, about as many as wanted."""
    span = high - low
    if span <= 0:
        return [low]
    rough = span / max(wanted, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(place * step, 9) for place in range(first, math.floor(high / step + 1e-9) + 1)]


def plain(value: float) -> str:
    """A number on an axis: 0.5, 20, 1,500."""
    return f"{value:,.0f}" if value == round(value) else f"{value:g}"
