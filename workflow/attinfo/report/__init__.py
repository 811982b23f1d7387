"""The report of a study: the HTML page, texts shown word by word, and LaTeX tables."""
