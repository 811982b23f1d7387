"""Ways to read one weight a word off a transformer, one file for each."""
