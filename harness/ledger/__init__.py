"""Evidence: sealing a run, recording it in MLflow, and moving a model because of it.

This is the only room that imports MLflow, and only inside functions. MLflow
binds nothing it stores: artifacts, tags and aliases can all change after they
are written. So a run is sealed by the digest of every file before it is
recorded, a model is known by the digest of its files, and both are computed
again before an alias moves; a tag is a label to search by, and evidence only
where it repeats a digest that is then checked against bytes.

What an alias serves is decided by a ledger of our own, kept as the versions of a
registered model, because these are the one thing that MLflow numbers without gaps and
writes at once (`promotions.py`). An entry applies only if its writer had seen all changes
before it (`fold.py`); the alias is then made to agree (`projection.py`), by whoever comes
next if the writer died. Readers who must not be fooled ask `resolve.py`.

Where building changed the design: the run's seal and the signed decision are two files,
since a decision names its seal; entries may stand between an entry and the one it
names, since several are written at once; and of a suite only the exam (prompts, samples,
scorers) has to stay the same from one promotion to the next, since each candidate is
another model and so another suite.
"""
