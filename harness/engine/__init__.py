"""How work is run and where its rows land.

A batch is cut from the plan, is handed to a plug-in whole, and is committed
whole, so an interrupted run resumes at a batch and repeats no finished case.
While a run grows each part file holds the rows of one batch: what is done is
known from the parts' `batch_id` column alone. Before the first seal the parts
are merged into few (`compaction`); after it nothing is rewritten, only added.
Text lives in the outputs table, not in `media/`: a file per short text would
cost an fsync each. Scores lie in one folder per scorer, since each scorer has
columns of its own.

A run at a URL is worked on in a copy here, and each file goes up once it is
whole (`remote`, `mirror`). The design had every path in fsspec; but locks,
renames and flushes to disk, which keep a killed run whole, are a disk's. Such a
run's parts are not merged, since an object store cannot rename a folder at once.
"""
