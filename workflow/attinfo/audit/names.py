"""The halves of the drawn texts: on one is chosen, on the other judged."""

CHOOSING, JUDGING, NEITHER = 0, 1, -1
