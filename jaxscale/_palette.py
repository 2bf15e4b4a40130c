"""The colours of curves, in pictures and on pages alike: a data set has one colour, by its place among all."""

COLOURS = ("#0072B2", "#C24E00", "#00805D", "#B4508A", "#6A3D9A", "#8A6A00", "#0F8A9D", "#555555")
"""The hues of Okabe and Ito's colour-blind safe palette without its yellow, dark enough to be read as text on white."""

ON_DARK = ("#58B4EA", "#FF9A57", "#3DD6A8", "#F09CCB", "#B99BEA", "#E6C34A", "#6FD3E0", "#BBBBBB")
"""The same hues for dark paper."""

EASY, HARD = 2, 1
"""Which of them queries have that are easy, and that are hard, for a vote."""
