"""The report as one HTML page: self-contained, without script, readable anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from harness.records import Example, Metric, RunView
from harness.reporters import (
    decision,
    findings,
    forest,
    gallery,
    slices,
    strategies,
    templates,
)
from harness.reporters.clauses import compliance
from harness.reporters.excuses import granted
from harness.reporters.pace import paces
from harness.reporters.wording import everything, named

_LONGEST = 4_000
_PARTS = (
    ("generator", "generators", "use"),
    ("strategy", "strategies", "params"),
    ("scorer", "scorers", "use"),
)


class Html:
    """Writes everything a release engineer, a researcher and a compliance officer ask for."""

    filename = "report.html"

    def render(self, run: RunView) -> bytes:
        """Render the page. Its policy allows one hashed style sheet and `data:` pictures."""
        environment = templates.html()
        walls = gallery.walls(run)
        sheets = ("report.css", "gallery.css") if walls else ("report.css",)
        style = "\n".join(environment.get_template(sheet).render() for sheet in sheets)
        every = findings.rules(run)
        rules = findings.applying(every)
        text = environment.get_template("report.html.j2").render(
            run=run,
            style=Markup(style),  # noqa: S704 - our own file, no value is put into it
            style_digest=_digest(style),
            suite=named(run.suite, "unnamed suite"),
            policy=named(run.policy, "no policy"),
            sentence=decision.sentence(run),
            reasons=decision.reasons(run),
            steps=decision.steps(run),
            arms=findings.arms(run),
            rules=rules,
            exempt=findings.exempt(every),
            granted=granted(run),
            paces=paces(run),
            compliance=compliance(run),
            plots=[plot for rule in rules for plot in forest.plots(rule)],
            comparison=strategies.compare(run),
            heats=slices.heats(run),
            metrics=_by_arm(run),
            walls=walls,
            examples=[_shortened(one) for one in _flagged_first(run.examples)],
            ran=tuple(_ran(run)),
            environment=tuple(_flat(run.environment)),
            digests=tuple(_flat(run.digests)),
            suite_text=_pretty(run.suite),
            policy_text=_pretty(run.policy) if run.policy else "",
            folder=shlex.quote(f"runs/{run.run_id}"),
        )
        return text.encode("utf-8")


def _digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _by_arm(run: RunView) -> list[tuple[str, list[Metric]]]:
    """Gather all metrics by arm, each in the order of name and slice."""
    names = findings.arm_names((m.generator, m.strategy) for m in run.metrics)
    gathered: dict[tuple[str, str], list[Metric]] = {arm: [] for arm in names}
    for metric in sorted(run.metrics, key=lambda m: (m.name, not everything(m.slice), m.slice)):
        gathered[metric.generator, metric.strategy].append(metric)
    return [(names[arm], metrics) for arm, metrics in gathered.items()]


def _flagged_first(examples: Sequence[Example]) -> list[Example]:
    """Put flagged texts first, then failed ones; otherwise keep the order given."""
    texts = [example for example in examples if example.picture is None]
    return sorted(texts, key=lambda example: (not example.flags, example.status == "ok"))


def _shortened(example: Example) -> dict[str, Any]:
    return {
        "generator": example.generator,
        "strategy": example.strategy,
        "status": example.status,
        "flags": example.flags,
        "prompt": _cut(example.prompt),
        "text": _cut(example.text),
    }


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]} … ({len(text) - _LONGEST:,} more characters in the run)"


def _ran(run: RunView) -> Iterator[tuple[str, str]]:
    """Yield what was run, in the words of the suite and the policy."""
    suite, policy = run.suite, run.policy or {}
    yield "run", run.run_id
    for kind, file in (("suite", suite), ("policy", policy)):
        metadata = file.get("metadata") or {}
        told = [str(metadata.get(key) or "") for key in ("name", "version", "description")]
        yield kind, ", ".join(part for part in told if part) or "none"
    yield "policy owner", str((policy.get("metadata") or {}).get("owner") or "not named")
    for pack in (policy.get("pack"), *(policy.get("packs") or ())):
        if pack:
            yield "pack", _pack(pack)
    if run.judged_on:
        yield "judged on", run.judged_on
    for word, key, detail in _PARTS:
        for item in suite.get(key) or ():
            yield word, f"{item.get('name')}: {_text(item.get(detail))}"
    for key in ("samples_per_prompt", "seed"):
        yield key.replace("_", " "), _text(suite.get(key))


def _pack(pack: Mapping[str, Any]) -> str:
    """Say where a pack's numbers come from and who checked them."""
    checked = pack.get("verified")
    by = (
        f"verified by {checked.get('by')} on {checked.get('date')}, {checked.get('page')}"
        if checked
        else "not verified against the official text"
    )
    return f"{pack.get('name')}: {pack.get('source')}; grade {pack.get('grade')}, {by}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested values as dotted names and text, in order."""
    for key in sorted(values, key=str):
        value, name = values[key], f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        else:
            yield name, _text(value)


def _pretty(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
