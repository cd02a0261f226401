"""The summary a manager reads in a pull request: the verdict, the findings, what to do."""

from __future__ import annotations

from harness.records import RunView
from harness.reporters import decision, findings, templates
from harness.reporters.clauses import compliance
from harness.reporters.excuses import granted
from harness.reporters.pace import paces
from harness.reporters.wording import named


class Markdown:
    """Writes a short summary. It quotes no generated text, which others would render."""

    filename = "report.md"

    def render(self, run: RunView) -> bytes:
        """Render the summary as GitHub-flavoured Markdown."""
        every = findings.rules(run)
        page = templates.markdown().get_template("report.md.j2")
        text = page.render(
            run=run,
            suite=named(run.suite, "unnamed suite"),
            policy=named(run.policy, "no policy"),
            sentence=decision.sentence(run),
            reasons=decision.reasons(run),
            steps=decision.steps(run),
            arms=findings.arms(run),
            rules=findings.applying(every),
            exempt=findings.exempt(every),
            granted=granted(run),
            paces=paces(run),
            compliance=compliance(run),
        )
        return text.encode("utf-8")
