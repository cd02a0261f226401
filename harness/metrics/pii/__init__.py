r"""Personal data and secrets of a fixed form, found in text by pattern and checksum.

Why own detectors: a gate needs precision (one false card fails a release) and
speed (every output, every sink). Only what has a checksum, a prefix nobody
else uses, or a word beside it that names it is reported. Han characters count
as word characters in Python, so `\b` misses a number glued to Chinese text;
every boundary here is `(?<![0-9A-Za-z])`. Every quantifier is bounded.

Values reserved for examples (example.com, 555-0132, 2001:db8::1, AWS's
documented key) are findings: in a test they stand for real ones. Private and
loopback addresses are not: they name nobody. Four numbers after `v`,
`version`, a product's name or `==`, and four single digits, are a version.
"""
