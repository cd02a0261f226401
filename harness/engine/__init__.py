"""How work is run and where its rows land.

A batch is cut from the plan, is handed to a plug-in whole, and is committed
whole, so an interrupted run resumes at a batch and repeats no finished case.
Each part file holds the rows of one batch: what is done is known from the
parts' `batch_id` column alone, which keeps memory flat however long the plan.
Text lives in the outputs table, not in `media/`: a file per short text would
cost an fsync each. Scores lie in one folder per scorer, since each scorer has
columns of its own.
"""
