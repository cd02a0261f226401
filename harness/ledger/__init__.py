"""Evidence: sealing a run, recording it in MLflow, and moving a model because of it.

This is the only room that imports MLflow, and only inside functions. MLflow
binds nothing it stores: artifacts, tags and aliases can all change after they
are written. So a run is sealed by the digest of every file before it is
recorded, a model is known by the digest of its files, and both are computed
again before an alias moves; a tag is a label to search by, and evidence only
where it repeats a digest that is then checked against bytes.

An alias is set where `promote.py` ends, in one call: that is where a ledger
with compare-and-set, signatures and a history takes over from it.
"""
