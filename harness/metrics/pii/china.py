"""Chinese identity, vehicle and company numbers, and mobile telephones.

Passports and travel permits are a letter and digits, as are many product
codes: they are reported only with a word that names them just before.
First-generation 15-digit resident IDs have no check digit and are not found.
"""

from __future__ import annotations

import re

from harness.metrics.pii.checksums import credit_code, resident_id
from harness.metrics.pii.rule import RIGHT, Rule, beside, checked, opening

_NO_FRACTION = r"(?!\.[0-9])"
_RESIDENT_ID = re.compile(
    rf"{opening('[1-8]')}[0-9]{{5}}([ -]?)(?:19|20)[0-9]{{6}}\1[0-9]{{3}}[0-9Xx]"
    + RIGHT
    + _NO_FRACTION
)
_LOCAL = r"[3-9][0-9](?:[0-9]{8}|([ -])[0-9]{4}\1[0-9]{4})"
_MOBILE = re.compile(rf"{opening('1')}(?<![0-9]\.1){_LOCAL}{RIGHT}{_NO_FRACTION}")
_MOBILE_ABROAD = re.compile(
    opening("[+08]", before="[0-9A-Za-z+]")
    + rf"(?:(?<=\+)86|(?<=0)086|(?<=8)6)[ -]?1{_LOCAL}{RIGHT}{_NO_FRACTION}"
)
_CREDIT_CODE = re.compile(
    rf"{opening('[1-9ANY]')}[0-9A-HJ-NP-RTUWXY][0-9]{{6}}[0-9A-HJ-NP-RTUWXY]{{10}}{RIGHT}"
)
# After the city's letter: five characters, at least three of them digits; or six, with
# five digits and a letter of new-energy vehicles at one end.
_PLATE = re.compile(
    "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•・. -]?"
    "(?:[A-HJK][0-9A-HJ-NP-Z][0-9]{4}|[0-9]{5}[A-HJK]"
    "|(?=[0-9A-Z]{0,2}[0-9][0-9A-Z]{0,2}[0-9][0-9A-Z]{0,2}[0-9])"
    f"[0-9A-HJ-NP-Z]{{4}}[0-9A-HJ-NP-Z挂学警港澳]){RIGHT}"
)
_PASSPORT = re.compile(
    opening("[DEGPS]") + "(?:[0-9]{8}|(?<=E)[A-HJ-NP-Z][0-9]{7}|(?<=[DSP])E[0-9]{7})" + RIGHT
)
_HK_MACAO = re.compile(
    opening("[CHMW]")
    + "(?:[0-9]{8}(?:(?<=[HM][0-9]{8})[0-9]{2})?|(?<=[CW])[A-Z][0-9]{7})"
    + RIGHT
)
_TAIWAN = re.compile(
    opening("[0-9LT]")
    + r"(?:(?<=[0-9])[0-9]{7}(?:[0-9]{2}(?:\([A-Z]\)|[A-Z])?)?|(?<=[LT])[0-9]{8})"
    + RIGHT
)
_ISSUED_DATE = re.compile("(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])")
_PERMIT_WORDS = r"通行证|通行證|travel permit|home.return permit"

_PERMIT_HINTS = ("通行", "回乡", "回鄉", "港澳", "胞", "ermit", "ERMIT")
_PASSPORT_HINTS = ("护照", "護照", "assport", "ASSPORT")
_PASSPORT_NAMED = beside("护照|護照|passport")
_HK_MACAO_NAMED = beside(rf"港澳|回乡证|回鄉證|{_PERMIT_WORDS}")
_TAIWAN_NAMED = beside(
    "台胞证|臺胞證|台胞證|taiwan compatriot permit"
    rf"|(?:台湾|台灣|臺灣|taiwan).{{0,16}}(?:{_PERMIT_WORDS})"
)


def _taiwan(match: re.Match[str]) -> tuple[int, int] | None:
    """Eight digits beside the permit's name are as often the day it expires."""
    return None if _ISSUED_DATE.fullmatch(match[0]) else _TAIWAN_NAMED(match)


RULES: tuple[Rule, ...] = (
    Rule("cn_resident_id", _RESIDENT_ID, checked(resident_id), numeric=True),
    Rule("cn_credit_code", _CREDIT_CODE, checked(credit_code), numeric=True),
    Rule("cn_mobile", _MOBILE_ABROAD, hints=("86",), numeric=True),
    Rule("cn_mobile", _MOBILE, numeric=True),
    Rule("cn_plate", _PLATE),
    Rule("cn_passport", _PASSPORT, _PASSPORT_NAMED, _PASSPORT_HINTS, numeric=True),
    Rule("hk_macao_permit", _HK_MACAO, _HK_MACAO_NAMED, _PERMIT_HINTS, numeric=True),
    Rule("taiwan_permit", _TAIWAN, _taiwan, _PERMIT_HINTS, numeric=True),
)
