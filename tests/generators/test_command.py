"""Programs that answer, die, hang, babble and cheat; real ones, in a folder of their own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from harness import digests, pictures
from harness.errors import HarnessError, SpecError
from harness.generators.command import Command
from harness.generators.command_replies import last_words
from harness.records import Failure, Generated, Image
from tests.generators.asking import case

LOOP = """
import base64, json, os, sys, time
for line in sys.stdin:
    asked = json.loads(line)
    prompt, told = asked["prompt"], {"case_id": asked["case_id"]}
"""
SAY = "    print(json.dumps(told), flush=True)\n"
NO_JSON = "the program wrote a line that is no JSON"
OTHER = "the program answered another case, or named none in `case_id`"
ECHO = LOOP + "    told['text'] = prompt\n" + SAY


def made(folder: Path, source: str, **more: Any) -> Command:
    (folder / "program.py").write_text(source)
    argv = [sys.executable, "program.py"]
    given = {"argv": argv, "files": ["program.py"], "allow_code": True, **more}
    options = Command.Options.model_validate_json(json.dumps(given), context={"base": folder})
    return Command(options)


def told(folder: Path, source: str, *texts: str, **more: Any) -> list[Generated | Failure]:
    with made(folder, source, **more) as command:
        return list(command.generate([case(text) for text in texts]))


def said(answers: list[Generated | Failure]) -> list[object]:
    return [one.reason if isinstance(one, Failure) else one.media for one in answers]


def test_a_program_answers_each_case_and_starts_once(tmp_path: Path) -> None:
    source = LOOP + "    told['text'] = f'{prompt} {os.getpid()}'\n" + SAY
    answers = said(told(tmp_path, source, *[f"hi {n}" for n in range(20)]))
    pids = {str(one).split()[2] for one in answers}
    assert [str(one).rsplit(" ", 1)[0] for one in answers] == [f"hi {n}" for n in range(20)]
    assert len(pids) == 1


def test_it_is_handed_the_whole_case_in_the_folder_of_the_suite(tmp_path: Path) -> None:
    source = LOOP + "    told['text'] = json.dumps([asked, os.getcwd()])\n" + SAY
    (answer,) = told(tmp_path, source, "hi")
    assert isinstance(answer, Generated)
    assert json.loads(str(answer.media)) == [
        {"case_id": "hi-0", "prompt": "hi", "system": None, "params": {}, "seed": 7},
        str(tmp_path.resolve()),
    ]


def test_its_own_word_for_a_failure_is_told(tmp_path: Path) -> None:
    source = LOOP + "    told['error'] = 'no\\nidea'\n" + SAY
    assert said(told(tmp_path, source, "hi", "ho")) == ["no idea", "no idea"]


def test_one_that_dies_is_started_again_and_loses_one_case(tmp_path: Path) -> None:
    source = LOOP + (
        "    if prompt == 'die':\n        sys.exit('out of memory')\n"
        "    told['text'] = prompt\n"
    )
    answers = said(told(tmp_path, source + SAY, "a", "die", "b"))
    assert answers == ["a", "the program failed: it ended with code 1; out of memory", "b"]


def test_one_that_dies_between_two_cases_loses_none(tmp_path: Path) -> None:
    answers = told(tmp_path, ECHO + "    sys.exit(0)\n", "a", "b", "c")
    assert said(answers) == ["a", "b", "c"]


def test_one_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    source = LOOP + (
        "    if prompt == 'hang':\n"
        "        import subprocess\n"
        "        child = subprocess.Popen(['sleep', '600'])\n"
        "        open('pid', 'w').write(str(child.pid))\n"
        "        child.wait()\n"
        "    told['text'] = prompt\n"
    )
    answers = said(told(tmp_path, source + SAY, "a", "hang", "b", timeout_seconds=3.0))
    assert answers == ["a", "the program failed: no answer within 3 s", "b"]
    state = Path("/proc", (tmp_path / "pid").read_text(), "stat")
    assert not state.exists() or state.read_text().split()[2] in "ZX"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("print('Loading model...', flush=True)", f"{NO_JSON}: 'Loading model...'"),
        ("print('[1]', flush=True)", f"{NO_JSON} object: '[1]'"),
        (
            "print(json.dumps({'case_id': 'x', 'text': 'y'}), flush=True)",
            f'{OTHER}: \'{{"case_id": "x", "text": "y"}}\'',
        ),
        (
            "print(json.dumps({'text': 'y'}), flush=True)",
            f'{OTHER}: \'{{"text": "y"}}\'',
        ),
        (
            "print(json.dumps({**told, 'text': 'y', 'error': 'z'}), flush=True)",
            "the program's answer holds not one of text, image, image_base64, error: "
            '\'{"case_id": "bad-0", "text": "y", "error": "z"}\'',
        ),
        (
            "print(json.dumps({**told, 'text': 3}), flush=True)",
            'the program\'s text is int, not text: \'{"case_id": "bad-0", "text": 3}\'',
        ),
        (
            "print(json.dumps({**told, 'image': 'a.png'}), flush=True)",
            "the program answered with image, and text was asked for",
        ),
    ],
)
def test_a_wrong_line_fails_its_case_and_is_never_taken_for_another(
    tmp_path: Path, line: str, reason: str
) -> None:
    source = LOOP + f"    if prompt == 'bad':\n        {line}\n        continue\n"
    source += "    told['text'] = prompt\n" + SAY
    assert said(told(tmp_path, source, "a", "bad", "b", "c")) == ["a", reason, "b", "c"]


def test_more_lines_than_cases_shift_no_answer(tmp_path: Path) -> None:
    answers = told(tmp_path, ECHO + SAY, "a", "b", "c", "d")
    good = [(n, one.media) for n, one in enumerate(answers) if isinstance(one, Generated)]
    assert good
    assert all("abcd"[n] == media for n, media in good)


def test_a_line_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.generators.command_process.MAX_LINE", 1_000_000)
    source = LOOP + "    while True:\n        sys.stdout.write('x' * 100_000)\n"
    (answer,) = told(tmp_path, source, "a")
    assert said([answer]) == [
        "the program failed: it wrote a line of more than 1,000,000 bytes"
    ]


def test_long_prompts_and_much_standard_error_block_nothing(tmp_path: Path) -> None:
    source = LOOP + "    sys.stderr.write('e' * 500_000)\n    told['text'] = prompt\n" + SAY
    long = "word " * 100_000
    assert said(told(tmp_path, source, long, "b")) == [long, "b"]


def test_it_sees_no_more_of_the_environment_than_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNNAMED_SECRET", "planted-123456")
    monkeypatch.setenv("NAMED_SECRET", "planted-654321")
    source = LOOP + "    told['text'] = ' '.join(os.environ)\n" + SAY
    (answer,) = told(tmp_path, source, "a", env={"KEY": "${env:NAMED_SECRET}", "MODE": "x"})
    assert isinstance(answer, Generated)
    names = set(str(answer.media).split())
    assert {"KEY", "MODE", "PATH"} <= names
    assert not names & {"UNNAMED_SECRET", "NAMED_SECRET"}


def test_a_secret_of_its_environment_is_in_no_answer_and_no_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAMED_SECRET", "planted-654321")
    source = LOOP + (
        "    if prompt == 'die':\n        sys.exit(os.environ['KEY'])\n"
        "    told['text' if prompt == 'text' else 'error'] = os.environ['KEY']\n"
    )
    answers = told(
        tmp_path, source + SAY, "text", "error", "die", env={"KEY": "${env:NAMED_SECRET}"}
    )
    assert said(answers) == [
        "the program's answer repeats a secret of this suite",
        "[secret]",
        "the program failed: it ended with code 1; [secret]",
    ]


def draw(folder: Path) -> Image:
    image = Image(np.full((4, 4, 3), 9, dtype=np.uint8))
    (folder / "a.png").write_bytes(pictures.encode(image))
    return image


def test_pictures_come_as_files_of_the_folder_or_in_base64(tmp_path: Path) -> None:
    image = draw(tmp_path)
    source = LOOP + (
        "    if prompt == 'file':\n        told['image'] = 'a.png'\n"
        "    else:\n"
        "        told['image_base64'] = base64.b64encode(open('a.png', 'rb').read()).decode()\n"
    )
    answers = told(tmp_path, source + SAY, "file", "base64", modality="image")
    for answer in answers:
        assert isinstance(answer, Generated)
        assert isinstance(answer.media, Image)
        assert (answer.media.pixels == image.pixels).all()


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/hostname", "link.png", "absent.png", "."]
)
def test_no_file_outside_the_folder_is_read(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "suite"
    folder.mkdir()
    draw(tmp_path)
    (tmp_path / "a.png").rename(tmp_path / "secret.png")
    (folder / "link.png").symlink_to("../secret.png")
    source = LOOP + f"    told['image'] = {name!r}\n" + SAY
    answers = said(told(folder, source, "a", modality="image"))
    assert answers == ["the program's picture is no file in the suite's folder"]


def test_its_identity_is_the_digest_of_its_files(tmp_path: Path) -> None:
    command = made(tmp_path, ECHO)
    assert command.weights == {"program.py": digests.of_file(tmp_path / "program.py")}
    with pytest.raises(SpecError, match="cannot be read"):
        _ = made(tmp_path, ECHO, files=["absent.py"]).weights


def test_a_program_that_cannot_be_started_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be started"):
        made(tmp_path, ECHO, argv=["./no-such-program"]).__enter__()
    with pytest.raises(HarnessError, match="before it was started"):
        made(tmp_path, ECHO).generate([case("a")])


def test_nothing_runs_before_it_is_opened(tmp_path: Path) -> None:
    command = made(tmp_path, "open('ran', 'w')\n")
    command.check({"anything": 1})
    assert command.weights
    assert [path.name for path in tmp_path.iterdir()] == ["program.py"]


@pytest.mark.parametrize(
    "given",
    [
        {"allow_code": False},
        {"argv": []},
        {"argv": ["a\0b"]},
        {"argv": ["a", "--key=${env:KEY}"]},
        {"files": []},
    ],
)
def test_code_is_opted_into_and_named(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        made(tmp_path, ECHO, **given)


def test_of_a_long_traceback_the_last_line_survives(tmp_path: Path) -> None:
    source = LOOP + (
        "    def down(n):\n        return down(n - 1) if n else None[0]\n"
        "    try:\n        down(3)\n"
        "    except TypeError as error:\n        raise RuntimeError('boom') from error\n"
    )
    (answer,) = said(told(tmp_path, source, "a"))
    assert str(answer).startswith("the program failed: it ended with code 1; …")
    assert str(answer).endswith(" RuntimeError: boom")
    assert "^" not in str(answer)


def test_a_last_line_that_is_too_long_keeps_both_ends() -> None:
    found = last_words("Traceback\nRuntimeError: " + "x" * 500 + " end\n\n", 200)
    assert len(found) == 200
    assert found.startswith("RuntimeError: xxx")
    assert found.endswith("x end")
    assert "…" in found


def test_a_line_that_is_no_answer_is_quoted_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAMED_SECRET", "planted-654321")
    source = LOOP + "    print('x' * 24, os.environ['KEY'], 'y' * 99, flush=True)\n"
    (answer,) = said(told(tmp_path, source, "a", env={"KEY": "${env:NAMED_SECRET}"}))
    assert "planted" not in str(answer)
    assert str(answer).startswith(f"{NO_JSON}: '{'x' * 24} [sec")
