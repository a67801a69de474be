"""English left standing within Japanese: clauses, ordinary phrases, rows of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from prefdata.text import latin, script
from prefdata.text.bitext import Bitext
from prefdata.text.lexicon import ENGLISH
from prefdata.text.lists import alternatives, word_list
from prefdata.text.patterns import has_one, pattern
from prefdata.text.seen import Seen

_TECHNICAL = re.compile(
    r"\b(?:(?!TL|DR|AITA|OP|POST|TITLE|SUBREDDIT|UPDATE|EDIT|OMG|LOL|WTF)[A-Z]{2,}|[a-z]+[A-Z]\w*|\w+\(\)|[a-z]+_[a-z]+|\w+\.(?:py|js|json|txt|sh|html|css))\b"
)
_TECHNICAL_WORDS: Final = ENGLISH.add(word_list("technical"))
_ABOUT_WORDS: Final = ENGLISH.add(word_list("about_words"))
_NAMED = re.compile(r"(?<=[a-z])[ 」]?(?:「」)?(?:と(?:言|い|呼|は)|って|という|の意味)")
# "File > Export > Export as PDF": labels stay as the program shows them.
_LABEL = r"[A-Z][\w&]{0,20}(?: [\w&]{1,20}){0,4}"
_MENU = re.compile(rf"{_LABEL}(?: ?[>＞→] ?{_LABEL})+")
# A line of a log, as the source shows it.
_LEVELS: Final = ("ERROR", "WARN", "INFO", "DEBUG", "FATAL", "TRACE")
_LOGGED = re.compile(
    rf"(?m)^.{{0,80}}(?:\b(?:{'|'.join(_LEVELS)}|WARNING)\b|\d{{2}}:\d{{2}}:\d{{2}}).{{0,300}}$"
)
_KEY = re.compile(r"(?m)^[ \t]*[A-Za-z_][\w.-]{0,40}:(?=[ \t\n])")  # of YAML, as in the source
_ERRORS: Final = ("Error", "Exception", "Warning")
_ERROR = re.compile(rf"\b\w{{0,30}}(?:{'|'.join(_ERRORS)})\b[:：][^\n]{{0,300}}")
_QUOTED_LABEL = re.compile(r"[「『“\"][A-Za-z][\w&'’-]{0,20}(?: [\w&'’-]{1,20}){0,4}[」』”\"]")
_CONNECTIVES: Final = (
    "However|Therefore|Moreover|Furthermore|Meanwhile|Also|But|And|So|Then|First|Second|Finally|Instead|Still|Yet"
    "|Besides|Otherwise|Nevertheless|In addition|For example|In fact|On the other hand|As a result"
)
_CONNECTIVE = re.compile(rf"\b({_CONNECTIVES})[,、，]\s?(?=[\u3041-\u9fff])")
_CONNECTIVE_ENDS: Final = tuple({words.split()[-1] for words in _CONNECTIVES.split("|")})
_ENDINGS: Final = (
    "ous", "ive", "ful", "less", "able", "ible", "ary", "ing", "ish", "tion", "sion", "ment", "ness", "ity", "ance",
    "ence", "ical", "ent", "ant",
)  # fmt: skip
# A word with an English ending in the place of a Japanese adjective, verb or noun.
_GLUED = re.compile(
    rf"([a-z](?<![A-Za-z.@#/_-].)[a-z]{{2,}}(?:{'|'.join(_ENDINGS)}))"
    r"[ ]?(?=な(?:[のいら、。ん]|[一-鿿])|で、|です|でし|だ[。、った]|に(?:なる|なり|なっ|[一-鿿])|さ(?:れ|せ)|す(?:る|れ)|し(?:た|て|ま|、|な))"
)
# An English sentence of its own: "Can I help?"
_STANDING = re.compile(
    r"[A-Z](?:(?<=[。！？!?\n].)|(?<=[。！？!?\n]\s.)|(?<=\A.)|(?<=\A\s.))"
    r"[a-z'’]{0,15}(?:,? [a-z'’I]{1,15}){1,20}[.!?](?=\s|$|[\u3041-\u9fff])"
)
_SPOKEN = re.compile(
    r"[\"「『“]([A-Z][A-Za-z ,.'’!?-]{8,200})[\"」』”]\s?と[^。「」\n]{0,12}(?:言|いっ|いう|尋|聞|叫|答|つぶや|返|話|怒鳴|ささや)"
)
_SAYS = re.compile(
    r"\b(?:said|says|say|asked|replied|answered|shouted|yelled|whispered|told|muttered|added)\b"
)
_HEADLINE = re.compile(r"(?m)^[ \t]{0,3}#{1,6}[ \t]+(\S.*?)[ \t#]*$")
# A command line that the source has, too: "git pull origin main". Its own words are no English.
_COMMANDS: Final = (
    "git|npm|npx|pip3?|yarn|pnpm|docker|kubectl|brew|apt(?:-get)?|conda|cargo"
    "|python3?|ssh|curl|wget|systemctl|terraform|aws|gcloud|chmod|mkdir|cd|ls|rm|cp|mv|tar"
)
_COMMAND = re.compile(
    alternatives([f"sudo (?:{_COMMANDS})", *_COMMANDS.split("|")], not_after="A-Za-z0-9-")
    + "(?: [A-Za-z0-9._/:=@~+-]+){1,8}"
)
_COMPUTING: Final = pattern("technical.computing")
# "Your landlordは": a determiner and its noun, glued to Japanese.
_NOUN: Final = r" [a-z]{3,30}(?=[\u3041-\u30ff\u4e00-\u9fff])"
_DETERMINED = re.compile(
    rf"\b(?:your|my|his|her|our|their|its|the|this|these|an?){_NOUN}", re.IGNORECASE
)
_GLUED_NOUN = re.compile(_NOUN, re.IGNORECASE)  # which most texts lack, and `re` finds by its blank
_ROW = re.compile(r"(?m)^[ \t]*(\|.+\|)[ \t]*$")
_RULE_ROW = re.compile(r"[|:\s-]+")
_ORDINARY = re.compile(r"\b[a-z]{3,}\b")
_TITLED = re.compile(r"\b[A-Z][a-z]{2,}\b")
_WORD_CELL = re.compile(r"\s*[a-z]{4,20}\s*")
_UNUSUAL_CASE = re.compile(r"[A-Z]{2}|[a-z][A-Z]")


def without_labels(text: str) -> str:
    """Take out what stays as a program shows it: menu paths, error messages, quoted labels.

    >>> without_labels("Tools > Optionsを開き、「Save as」を選びます。")
    '◇、◇を選びます。'
    """
    text = _QUOTED_LABEL.sub("◇", text)
    if ">" in text or "＞" in text or "→" in text:
        text = _MENU.sub("◇", text)
    return _ERROR.sub("◇", text) if has_one(text, _ERRORS) else text


def without_commands(text: Bitext) -> str:
    """Return the masked target without labels, quotations and the source's own command lines."""
    source, prose = text.source, text.japanese.text
    if ":" in prose or has_one(prose, _LEVELS):
        prose = _LOGGED.sub(lambda m: "◇" if m.group().strip() in source else m.group(), prose)
    if text.target.count(":") >= 3:
        prose = _KEY.sub(lambda m: "◇:" if m.group() in source else m.group(), prose)
    prose = latin.without_quotations(without_labels(prose))
    return _COMMAND.sub(lambda m: "◇" if m.group().rstrip(".,:") in source else m.group(), prose)


def partially_untranslated(text: Bitext, lower: list[str]) -> Iterator[Seen]:
    """Yield English clauses, sentences and ordinary phrases inside Japanese.

    Quoted or bracketed English may be the topic, and code brings its own words along.

    >>> from prefdata.text.assess import problems
    >>> problems("Get a mouth guard.", "custom mouth guard を作ります。")
    ('partially_untranslated',)
    >>> problems("Open Tools > Options.", "Tools > Options を開きます。")
    ()
    """
    yield from _rows(text)
    if script.has_kana(text.source):  # a text in two languages: its English may be the topic
        return
    yield from _single(text)
    if not lower:
        return
    prose = without_commands(text)
    is_about_words = _is_about_words(text)
    determined = _DETERMINED.search(prose) if _GLUED_NOUN.search(prose) else None
    if determined and not is_about_words and determined.group().lower() in text.lower_source:
        yield Seen("partially_untranslated", "phrase", 2.0, determined.group())
    if len(lower) >= 2:
        yield from _phrases(text, prose, is_about_words)


def _phrases(text: Bitext, prose: str, is_about_words: bool) -> Iterator[Seen]:
    """Yield runs of lower-case words, and words that stand in both texts."""
    run, found = latin.longest_lower_run(prose)
    is_named = _NAMED.search(prose, prose.find(found)) is not None
    is_term = is_named and found in text.source and not latin.function_words(found.split())
    copied = latin.copied_lower_words(prose.replace(found, "") if is_term else prose, text.source)
    if run < 2 and len(copied) < 2:
        return
    technical = is_technical(text)
    if run >= 2 and not is_term:
        band = "technical" if technical else "run"
        yield Seen("partially_untranslated", band, float(run), found[:80])
    is_copied = run == 2 and not technical and found.lower() in text.lower_source
    if is_copied and not (is_about_words or is_named):
        yield Seen("partially_untranslated", "phrase", float(run), found[:80])
    if len(copied) >= 2 and not technical:
        yield Seen("partially_untranslated", "copied", float(len(copied)), " ".join(copied)[:80])


def _is_about_words(text: Bitext) -> bool:
    """Tell whether the source speaks of words and names, which may stand as they are."""
    return not _ABOUT_WORDS.isdisjoint(text.all_source_terms)


def _single(text: Bitext) -> Iterator[Seen]:
    """Yield one English word or heading within Japanese: However、; strenuousなので; ## Common mistakes."""
    target, words = text.japanese.text, text.latin_words
    opened = _CONNECTIVE.search(target) if _has_ending(words, _CONNECTIVE_ENDS) else None
    if opened and opened[1] in text.source:
        yield Seen("partially_untranslated", "phrase", 2.0, opened[1])
    if _is_about_words(text):
        return
    for word in _glued(target) if _has_ending(words, _ENDINGS) else ():
        if word in text.source and not is_technical(text):
            yield Seen("partially_untranslated", "phrase", 2.0, word)
            return
    if latin.function_words(words):
        yield from _said(text)
    headings = _HEADLINE.findall(target) if "#" in target else []
    left = [h for h in headings if h in text.source and _ORDINARY.search(h)]
    if left and len(left) < len(headings) and not is_technical(text):
        yield Seen("partially_untranslated", "phrase", 2.0, left[0][:80])


def _has_ending(words: list[str], endings: tuple[str, ...]) -> bool:
    """Tell whether one of the words ends so; what they stand in is scanned only then."""
    return bool([word for word in words if word.endswith(endings)])


def _glued(target: str) -> list[str]:
    return _GLUED.findall(latin.without_quotations(target))


def _said(text: Bitext) -> Iterator[Seen]:
    """Yield an English sentence of its own, and one that somebody says."""
    target = text.japanese.text
    said = latin.without_quotations(target)
    standing = _STANDING.search(said) if text.japanese_letters else None
    if (
        standing
        and standing.group() in text.source
        and latin.function_words(standing.group().split())
    ):
        yield Seen("partially_untranslated", "phrase", 2.0, standing.group()[:80])
    spoken = _SPOKEN.search(target)
    if (
        spoken
        and latin.function_words(latin.words(spoken[1])) >= 2
        and _SAYS.search(text.lower_source)
    ):
        yield Seen("partially_untranslated", "phrase", 2.0, spoken[1][:80])


def is_technical(text: Bitext) -> bool:
    """Tell whether the source brings words along that stay in Latin letters."""
    source = text.english.text
    return (
        text.english.has_code
        or len(text.source_terms & _TECHNICAL_WORDS) >= 2
        or _COMPUTING.search(text.lower_source) is not None
        or len(_TECHNICAL.findall(source)) >= 2
    )


def _rows(text: Bitext) -> Iterator[Seen]:
    """Yield rows of a table that stand as in the source, while most others are translated."""
    if text.target.count("|") < 6:
        return
    wanted = set(_ROW.findall(text.english.text))
    given = [row for row in _ROW.findall(text.japanese.text) if not _RULE_ROW.fullmatch(row)]
    left = [row for n, row in enumerate(given) if row in wanted and _is_english(row, n == 0)]
    cells = _copied_cells(wanted, given)
    if cells and not is_technical(text) and not _is_about_words(text):
        yield Seen("partially_untranslated", "phrase", float(len(cells)), " ".join(cells)[:80])
    if left and len(left) < len(given) / 2 and not is_technical(text):
        yield Seen("partially_untranslated", "phrase", 2.0, left[0][:80])


def _copied_cells(wanted: set[str], given: list[str]) -> list[str]:
    """Return ordinary words that stand alone in cells of two rows and more, as in the source."""
    own = {cell.strip() for row in wanted for cell in row.split("|")}
    found = [
        [c.strip() for c in row.split("|") if _WORD_CELL.fullmatch(c) and c.strip() in own]
        for row in given
        if script.japanese_letters(row)
    ]
    return [cell for cells in found for cell in cells] if sum(map(bool, found)) >= 2 else []


def _is_english(row: str, is_header: bool) -> bool:
    """Tell a row of ordinary words from one of names, acronyms and figures."""
    if _UNUSUAL_CASE.search(row):
        return False
    words = len(_ORDINARY.findall(row)) + (len(_TITLED.findall(row)) if is_header else 0)
    return words >= 2
