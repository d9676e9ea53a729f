"""Whether what was measured again and again stays as it is: a straight line through samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import linear_regression, mean

WARM_UP = 0.25
"""The part of a soak in which tables may still fill."""

DRIFT_MAX = 0.05
"""Growth over the rest of the soak, against the mean, that counts as none."""


@dataclass(frozen=True, slots=True)
class Trend:
    """After the warm-up: the mean, the hourly rise of the line through it, the largest sample."""

    mean: float
    per_hour: float
    hours: float
    most: float

    @property
    def rise(self) -> float:
        """Over the whole time after the warm-up."""
        return self.per_hour * self.hours

    def flat(self, least: float) -> bool:
        """Whether it rises by no more than DRIFT_MAX of its mean, or by less than `least`."""
        return self.rise <= max(least, DRIFT_MAX * self.mean)


def trend(at_s: Sequence[float], values: Sequence[float], warm_up: float = WARM_UP) -> Trend:
    """The trend of a series of at least eight samples, seconds and values; not all warm-up."""
    first = round(len(values) * warm_up)
    hours = [(moment - at_s[0]) / 3_600 for moment in at_s[first:]]
    kept = values[first:]
    slope = linear_regression(hours, kept).slope
    return Trend(mean(kept), slope, hours[-1] - hours[0], max(kept))
