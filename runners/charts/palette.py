"""Colors that the color-blind can tell apart: those of Okabe and Ito, without yellow and black, which one of
the two themes swallows, and with a blue that stands out on a dark ground as on a light one."""

from __future__ import annotations

BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION = (
    "#1F86C7", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00",
)  # fmt: skip
GREY = "#8C8C8C"
SERIES = [BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION]
# From loss to gain, for heat maps: readable without telling red from green.
LOSS_TO_GAIN = [VERMILION, "#F4F4F4", BLUE]
