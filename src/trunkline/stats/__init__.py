"""Statistics of calls: counts that forget, rates with intervals, shrinkage, comparison, sequential tests, quantile sketches."""

from trunkline.stats.beta import credible, cumulative, exact, quantile
from trunkline.stats.comparison import Difference, holm, paired, proportions, standardised, wilson
from trunkline.stats.forgetting import Forgetting
from trunkline.stats.sequential import Evidence
from trunkline.stats.shrinkage import Concentration, concentration
from trunkline.stats.sketch import Sketch

__all__ = [
    "Concentration", "Difference", "Evidence", "Forgetting", "Sketch", "concentration", "credible", "cumulative", "exact", "holm", "paired",
    "proportions", "quantile", "standardised", "wilson",
]  # fmt: skip
