"""Structure that a translation keeps: code, URLs, citations, tables, lists, tags, formulas."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from prefdata.text import length
from prefdata.text.bitext import Bitext
from prefdata.text.lists import word_list
from prefdata.text.masking import Masked
from prefdata.text.seen import Seen

_TABLE_ROW = re.compile(r"(?m)^[ \t]*\|.+\|[ \t]*$")
_HEADING = re.compile(r"(?m)^[ \t]{0,3}#{1,6}[ \t\u3000]*\S")
_TAG_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)")
_LINE_COMMENT = re.compile(
    r"(?m)(?:(?<![:\w&])#(?!include|define|if|end|[0-9a-fA-F]{3,8}\b)|(?<!:)//|--(?=\s)).*$"
)
_BLOCK_COMMENT = re.compile(r"/\*.*?\*/|<!--.*?-->|\"\"\".*?\"\"\"|'''.*?'''", re.DOTALL)
_INDEXED = re.compile(r"[\w)\]]\[")
_STRING = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|>[^<>\n]*<|`[^`\n]*\$\{[^`\n]*`")
_FILLED_IN = re.compile(r"\$\{[^{}]*\}")  # in a string for people: `Hello, ${name}!`
_HTML = word_list("html")
_SPACE = re.compile(r"\s+")
_BRACKETS = (("「", "」"), ("『", "』"), ("（", "）"), ("(", ")"), ("【", "】"), ("“", "”"))
_LATEX_TEXT = re.compile(r"\\(?:text|mathrm|mbox|textbf)\{[^{}]*\}")
_LATEX_STOP = re.compile(r"(?:\\[,;:!]|[,.;:、。，])+(?=(?:\$\$?|\\[\])])\Z)")
_MOST = 200  # addresses of one text that are looked for
_MARKED_UP = re.compile(r"[*#<|_`]|==")
_QUOTED = re.compile(r"(?m)^[>＞]+ ?\S")
_NESTED = re.compile(r"\n[ \t\u3000]+(?:[-*+•・◦○]|[(（]?\d{1,3}[.)．）]|[a-z][.)])[ \t\u3000]?\S")
_INDENT = re.compile(r"(?m)^(?:\t| {2,})(?!```|~~~)\S")
_FENCE = re.compile(r"```")


def ends_in_item(text: str) -> bool:
    """Tell whether the last line is a list item, a table row or a heading."""
    last = text.rstrip().rsplit("\n", 1)[-1]
    return bool(length.ITEM.match(last) or _TABLE_ROW.match(last) or _HEADING.match(last))


def unclosed_brackets(text: str) -> int:
    """Count kinds of brackets that are opened more often than closed."""
    return sum([text.count(a) > text.count(b) for a, b in _BRACKETS if a in text])


def check(text: Bitext) -> Iterator[Seen]:
    """Yield structure of the source that the target lost or changed.

    >>> from prefdata.text.assess import problems
    >>> problems("See https://example.com/vaccines/.", "https://example.com/ワクチン/ を見てください。")
    ('url_altered',)
    >>> problems("Run `make all`.", "`全部作る` を実行します。")
    ('code_altered',)
    >>> problems("Bees dance. [2][4]", "ミツバチは踊る。[1][2]")
    ('citation_mismatch',)
    >>> problems("# Tea\\n\\nIt is hot.", "お茶\\n\\n熱いです。")
    ('markup_broken',)
    >>> problems("Bees dance [2], and hum [4].", "ハチは羽音を立て[4]、踊る[2]。")
    ()
    """
    if text.is_native:
        yield from _unclosed(text)
        return
    english, japanese = text.english, text.japanese
    if english.spans:
        yield from _code(english, japanese, text.target)
        yield from _addresses(english, text.target)
    if english.citations != japanese.citations:
        yield from _citations(english, japanese)
    if "tag" in english.spans:
        yield from _tags(english, japanese)
    if "latex" in english.spans:
        yield from _latex(english, japanese, text.target)
    if "\n" in text.source or "|" in text.source:
        yield from _layout(text)
    if "#" in text.target or "**" in text.target or "**" in text.source:
        yield from _marks(text)


def _marks(text: Bitext) -> Iterator[Seen]:
    """Yield headings and bold letters of a target whose source has no markup at all, and bold letters that it lost."""
    marks, kept = text.source.count("**"), text.target.count("**")
    added = len(_HEADING.findall(text.target)) + kept // 2
    if added and not _MARKED_UP.search(text.source):
        yield Seen("markup_broken", "added", float(added))
    if marks % 2 == 0 and (kept % 2 or (marks >= 4 and not kept)):
        yield Seen("markup_broken", "emphasis")


def _unclosed(text: Bitext) -> Iterator[Seen]:
    if len(_FENCE.findall(text.target)) % 2:
        yield Seen("truncated", "fence")


def _code(english: Masked, japanese: Masked, target: str) -> Iterator[Seen]:
    if "block" in english.spans:
        wanted = [_bare_code(block) for block in english.of("block")]
        given = [_bare_code(block) for block in japanese.of("block")]
        if len(given) < len(wanted):
            yield Seen("code_altered", "fence", float(len(wanted) - len(given)))
        elif wanted != given[: len(wanted)] or _lost_indent(english, japanese):
            yield Seen("code_altered", "block")
        if target.count("```") % 2 and sum(b.count("```") for b in english.of("block")) % 2 == 0:
            yield Seen("truncated", "fence")
    if "code" in english.spans:
        missing = [
            c for c in dict.fromkeys(english.of("code")) if not _is_there(c.strip("` "), target)
        ]
        if missing:
            yield Seen("code_altered", "inline", float(len(missing)), " ".join(missing)[:80])


def _lost_indent(english: Masked, japanese: Masked) -> bool:
    """Tell whether every line of an indented block stands at the margin: Python breaks there."""
    blocks = zip(english.of("block"), japanese.of("block"), strict=False)
    return any(_INDENT.search(before) and not _INDENT.search(after) for before, after in blocks)


def _is_there(code: str, target: str) -> bool:
    """Tell whether a piece of code stands in the target, string literals for people aside."""
    if code in target:
        return True
    bare = _without_words(code)
    pieces = [piece.strip() for piece in bare.split('""') if piece.strip()]
    return bare != code and bool(pieces) and all(piece in target for piece in pieces)


def _bare_code(block: str) -> str:
    """Return code without comments, the words of string literals and white space."""
    body = block.strip("`~ \n").split("\n", 1)[-1]
    body = _LINE_COMMENT.sub("", _BLOCK_COMMENT.sub("", body))
    return _SPACE.sub("", _without_words(body))


def _without_words(code: str) -> str:
    """Empty string literals; keys stay, since no person reads them: ``"name":``, ``user["name"]``."""
    return _STRING.sub(_without_prose, code)


def _without_prose(match: re.Match[str]) -> str:
    """Return a string literal as it is if it is a key, else without what it says to people.

    >>> _STRING.sub(_without_prose, 'print(`Hi, ${name}!`, "Bye", row["id"])')
    'print("${name}", "", row["id"])'
    """
    written = match.group()
    return written if _is_key(match) else f'"{"".join(_FILLED_IN.findall(written))}"'


def _is_key(match: re.Match[str]) -> bool:
    code, start, end = match.string, match.start(), match.end()
    is_index = _INDEXED.match(code, max(start - 2, 0), start) is not None
    return code[end : end + 1] == ":" or (code[end : end + 1] == "]" and is_index)


def _addresses(english: Masked, target: str) -> Iterator[Seen]:
    addresses = list(dict.fromkeys(english.of("url") + english.of("email")))[:_MOST]
    missing = [a for a in addresses if a.rstrip("/") not in target]
    if missing:
        yield Seen("url_altered", measured=float(len(missing)), detail=" ".join(missing)[:120])


def _citations(english: Masked, japanese: Masked) -> Iterator[Seen]:
    wanted, given = Counter(english.citations), Counter(japanese.citations)
    if wanted != given:
        change = sum((wanted - given).values()) + sum((given - wanted).values())
        yield Seen(
            "citation_mismatch", measured=float(change), detail=f"{sorted(wanted)} {sorted(given)}"
        )


def _tags(english: Masked, japanese: Masked) -> Iterator[Seen]:
    wanted, given = (
        Counter(_TAG_NAME.findall(" ".join(side.of("tag")).lower())) for side in (english, japanese)
    )
    missing = {name: n for name, n in (wanted - given).items() if name in _HTML}
    if missing:
        yield Seen("markup_broken", "tags", float(sum(missing.values())), " ".join(missing))


def _latex(english: Masked, japanese: Masked, target: str) -> Iterator[Seen]:
    given = {_formula(span) for span in japanese.of("latex")}
    plain = _SPACE.sub("", target)
    missing = [
        f
        for f in map(_formula, english.of("latex"))
        if f not in given and (len(f) <= 4 or f.strip("$") not in plain) and not _stands(f, target)
    ]
    if missing:
        yield Seen("markup_broken", "latex", float(len(missing)), missing[0][:80])


def _stands(formula: str, target: str) -> bool:
    """Tell whether a variable stands in the text as a word of its own."""
    bare = formula.strip("$")
    return (
        len(bare) <= 2 and re.search(rf"(?<![\w$]){re.escape(bare)}(?![\w$])", target) is not None
    )


def _formula(span: str) -> str:
    """Return a formula in normal form, without the mark of the sentence it ends.

    >>> _formula("$$E = mc^2,$$")
    '$$E=mc^2$$'
    """
    bare = _SPACE.sub("", unicodedata.normalize("NFKC", _LATEX_TEXT.sub("", span)))
    return _LATEX_STOP.sub("", bare)


def _cells(text: str) -> list[int]:
    """Return the number of cells of each table row, and one more."""
    return [row.replace("\\|", "").count("|") for row in _TABLE_ROW.findall(text)]


def _layout(text: Bitext) -> Iterator[Seen]:
    source, target = text.english.text, text.japanese.text
    rows = len(_TABLE_ROW.findall(source)) if "|" in source else 0
    there = len(_TABLE_ROW.findall(target)) if rows else 0
    if rows >= 2 and there != rows:
        yield Seen("markup_broken", "table", float(abs(rows - there)), f"{there} of {rows} rows")
    elif rows >= 2 and _cells(source) != _cells(target):
        yield Seen("markup_broken", "table", 1.0, "another number of cells")
    if text.source_items >= 3 and text.target_items == 0:
        yield Seen("markup_broken", "list", float(text.source_items))
    nested = len(_NESTED.findall("\n" + source)) if text.target_items >= 2 else 0
    if nested >= 2 and not _NESTED.search("\n" + target):
        yield Seen("markup_broken", "nesting", float(nested))
    quoted = len(_QUOTED.findall(text.source)) if ">" in text.source or "＞" in text.source else 0
    if quoted and not _QUOTED.search(text.target):
        yield Seen("markup_broken", "quote", float(quoted))
    headings = len(_HEADING.findall(source)) if "#" in source else 0
    if headings and (kept := len(_HEADING.findall(target))) < headings:
        yield Seen("markup_broken", "headings", float(headings - kept))
