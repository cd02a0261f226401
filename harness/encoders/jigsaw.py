"""The labels of the Jigsaw Toxic Comment data (2018), in the data's own order."""

from __future__ import annotations

LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
