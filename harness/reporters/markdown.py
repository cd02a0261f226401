"""The summary a manager reads in a pull request: the verdict, the findings, what to do."""

from __future__ import annotations

from harness.records import RunView
from harness.reporters import decision, templates
from harness.reporters.wording import named


class Markdown:
    """Writes a short summary. It quotes no generated text, which others would render."""

    filename = "report.md"

    def render(self, run: RunView) -> bytes:
        """Render the summary as GitHub-flavoured Markdown."""
        page = templates.markdown().get_template("report.md.j2")
        text = page.render(
            run=run,
            suite=named(run.suite, "unnamed suite"),
            policy=named(run.policy, "no policy"),
            sentence=decision.sentence(run),
            reasons=decision.reasons(run),
            steps=decision.steps(run),
            arms=decision.arms(run),
            rules=decision.rules(run),
        )
        return text.encode("utf-8")
