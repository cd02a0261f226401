"""What happens: one module per verb, each with one public function of that name.

`run.py` is the file to read first.
"""
