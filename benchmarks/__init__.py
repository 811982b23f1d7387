"""How accurate, how fast and how large: measured beside what a user would otherwise take."""
