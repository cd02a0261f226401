"""An example generator: it answers each prompt with its words, or letters, backwards."""

from harness.records import Generated
from harness.spec.model import Spec


class Reversed:
    """Reverses prompts."""

    modality, identity, folder = "text", "code", None
    requires, weights, batch = (), {}, 64

    class Options(Spec):
        """What is reversed."""

        letters: bool = False

    def __init__(self, options):
        self._letters = options.letters

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass

    def check(self, params):
        pass

    def generate(self, cases):
        return [Generated(media=self._answer(case.prompt.text)) for case in cases]

    def _answer(self, text):
        return text[::-1] if self._letters else " ".join(reversed(text.split()))
