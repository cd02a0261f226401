"""Scorers: things that turn media into readings, and say which metrics those make."""
