"""The translator declines, or talks about its translation, or leaks its prompt."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prefdata.text import latin
from prefdata.text.bitext import Bitext
from prefdata.text.seen import Seen

# What a translator declines. With the first group the wording is enough; 対応, 説明, 提供 and their
# like are ordinary verbs, so there an apology must stand with them.
_HELP = (
    "お応え|お答え|おこたえ|お手伝い|お力になること|ご案内|ご要望|ご依頼|ご質問|お話し|お伝え|翻訳|訳すこと|訳文|引き受け"
    "|(?:この|その|こちらの|このような|そのような|こうした)(?:内容|依頼|質問|リクエスト|要求|要望|文章|話題|トピック|テキスト|件|指示)"
)
_ORDINARY = "回答|対応|提供|説明|支援|協力|サポート|応じ|生成|作成|記述|助言|アドバイス|話す|続け|扱う|扱え|従う|教え|共有|書く|答え|伝え|助け|提案|議論"
_UNABLE = (
    "(?:でき(?:ません|かね)|出来(?:ません|かね)|いたしかね|致しかね|しかね|かねます|控え(?:させ|ます)|差し控え|お断り|辞退|ご遠慮|遠慮させ"
    "|ことはありません|わけにはいきません|られません|えません|なれません|いけません)"
)
_STRONG_JA = re.compile(
    rf"(?:{_HELP})[^。！？\n]{{0,24}}{_UNABLE}"
    r"|(?:不適切|有害|違法|暴力的|差別的|攻撃的|性的|冒涜的|露骨|危険|下品)な(?:内容|表現|言葉|コンテンツ|言語|要素|情報|文章|行為)[^。\n]{0,40}(?:翻訳|できません|控え|お断り|かねます)"
    r"|(?:AI|人工知能|言語モデル|アシスタント)(?:アシスタント|言語モデル|モデル)?(?:です|である|なので|として|ですので)[^。\n]{0,60}(?:ません|かね|控え)"
    r"|(?:翻訳|(?<!し)訳)[^。\n]{0,12}(?:でき(?:ません|かね)|お断り|控え|拒否|辞退|いたしかね|しかね)|お力になれません|お役に立て(?:ません|ず)"
)
_ORDINARY_JA = re.compile(rf"(?:{_ORDINARY})[^。！？\n]{{0,24}}{_UNABLE}")
_APOLOGY = re.compile("申し訳|すみません|すいません|ごめん|残念|恐れ入り|恐縮|あいにく|遺憾|著作権")
_TRANSLATING = re.compile("翻訳|訳す|訳せ|訳文")
_STRONG_EN = re.compile(
    r"\bi(?:'m| am)? (?:sorry|apologi[sz]e|afraid|unable|not able|not comfortable|cannot|can't|can not|won't|will not|must decline|don't feel comfortable|do not feel comfortable)\b"
    r"|\bas an ai\b|\bi (?:can(?:not|'t)) (?:translate|assist|help|provide|fulfil|comply)",
    re.IGNORECASE,
)
_SOURCE_DECLINES = re.compile(
    r"\b(?:sorry|apolog\w+|unfortunately|unable|afraid|regret\w*|inappropriate|unethical|illegal|refus\w+|declin\w+|decline|impossible|not (?:able|allowed|comfortable|permitted|possible|going to|something|appropriate|sure|designed|capable|programmed|willing|qualified|authorized|available|supported|equipped)|rather not|shouldn't|should not|no (?:comment|way|longer))\b"
    r"|\b(?:i|we|it|that|you|they|he|she|this|one)(?:'m| am|'re| are|'s| is|'ll| will|'d)?(?: \w+){0,2} (?:can't|cannot|can not|couldn't|could not|won't|will not|wouldn't|would not|don't|do not|doesn't|does not|aren't|isn't|never|not)\b"
)
_SOURCE_UNABLE_STRICT = re.compile(
    r"\b(?:translat|sorry|can't|cannot|can not|won't|unable|not able|apolog|afraid|declin|refus)"
)
_LINE = r"(?:\A|\n)[ \t\u3000]*(?:[*_「【（(#]+[ \t]*)?"
_PREAMBLE = re.compile(
    _LINE
    + r"(?:(?:はい|承知(?:いた)?しました|承知です|かしこまりました|わかりました|分かりました|了解(?:しました|です|いたしました)?|もちろん(?:です)?|喜んで)[、。！!]?[^。\n]{0,30}(?:翻訳|訳し|訳です|日本語に|訳文|和訳)"
    r"|(?:以下|下記|こちら|次|これ)(?:に|は|が|の)[^。\n]{0,40}(?:翻訳|日本語訳|和訳|訳文|訳(?:です|になります|となります|したもの)|日本語版|日本語に)"
    r"|(?:この|その|上記の|原文の|ご提示の|英文の|文章の|ご依頼の)[^。\n]{0,20}(?:翻訳|日本語訳|和訳|訳文|訳)(?:は|です|結果|を|になります)"
    r"|(?:この|上記の)(?:英)?文(?:章)?(?:は|を)[^。\n]{0,20}(?:訳すと|訳せます|訳されます|翻訳すると|翻訳されます|日本語にすると)|(?:日本語|和訳|翻訳|訳)(?:に|を)(?:すると|訳すと)[、，]"
    r"|(?:日本語|自然な日本語)(?:で|では|に)(?:は)?(?:訳すと|言うと|すると|、)?[^。\n]{0,6}「[^」]+」(?:となります|になります|と訳|です))"
)
_PREAMBLE_EN = re.compile(
    r"\A\W*(?:(?:sure|certainly|of course|okay|absolutely)\b[^\n]{0,60}|here(?:'s| is| are)\b[^\n]{0,60}|(?:the )?(?:japanese )?translation\b[^\n]{0,40}|below is[^\n]{0,60})(?::|[:：]|\n)",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:翻訳|訳|和訳)(?:しました|いたしました|いたします|させていただきました|してみました|する場合|する際|例|案|者注|注)(?:[。、：:\n）)]|$)|(?:と|を|に)(?:も)?(?:訳(?:す|し|せ|され|出)|意訳|直訳)(?:し|る|す|こと|ます|も|て|た|さ)"
    r"|直訳(?:すると|では|は)|意訳(?:すると|し|で)|(?:文脈|場面|状況|相手|関係性?|ニュアンス)[^。\n]{0,16}(?:に応じて|によって|により|に合わせて)[^。\n]{0,20}(?:訳|使い分け|変わ|選|調整|表現)"
    r"|別訳|他の訳|訳語|英語の(?:慣用句|表現|イディオム|スラング|ことわざ|俗語)|(?:という|といった)(?:意味|ニュアンス)の(?:英語|スラング|俗語|慣用|表現|イディオム)|(?:スラング|俗語|慣用句|イディオム|比喩表現|慣用表現)(?:で|です|であり)"
    r"|(?:原文|元の(?:英)?文|英文)(?:では|には|の|は|に|が|を|で)"
)
_NOTE = re.compile(
    _LINE
    + r"(?:※|＊(?!＊)|(?:訳)?注[:：）)\d]|[（(【\[]?(?:訳者?注|注釈|補足|備考|注記|翻訳メモ|解説)[:：）)】\]]?|Note:|\*\s?注|[（(]注)"
)
_GLOSS = re.compile(
    r"[「“\"'][A-Za-z][A-Za-z' -]{1,40}[」”\"'](?:と(?:は|いう)|は|の(?:意味|訳))[^。\n]{0,60}(?:意味|表現|言葉|スラング|慣用|こと|ニュアンス|略)"
)
_OR = re.compile(
    r"(?m)^[ \t\u3000（(]*(?:または|もしくは|あるいは|それとも|別案|別訳|or|OR|他の(?:訳|言い方|表現)|よりカジュアル|カジュアルな(?:訳|表現|言い方)|より(?:丁寧|自然|口語)[^\n]{0,12})[、，:：]?[ \t\u3000）)]*(?:$|(?=「)|[:：])"
)
_OPTIONS = re.compile(
    r"(?m)^[ \t\u3000]*(?:[(（]?(?:案|パターン|訳|候補|オプション|バージョン)[ \u3000]?[0-9０-９A-CＡ-Ｃ一二三①-③][)）:：.]|[0-9][.)．]\s*[「\"])"
)
_CHOICE = re.compile(r"(?m)^\W*or\b|\boption|\bversion|\balternative|\beither\b")
_CLOSING = re.compile(
    r"(?:他に|ほかに|何か)?[^。\n]{0,20}(?:翻訳|訳)[^。\n]{0,30}(?:お知らせ|おっしゃって|お申し付け|お気軽|ご連絡|必要|ご希望|お役に立)|お役に立て(?:れば|たら|ました|て)|ご不明な点|(?:他|ほか)に(?:も)?(?:何か)?(?:ご質問|お手伝い|お困り|ご要望)"
)
_SOURCE_CLOSES = re.compile(
    r"\b(?:help\w*|question|questions|let me know|feel free|assist\w*|anything|contact|reach out|hope|useful|glad|need|want)\b"
)
_ABOUT_WORDS = re.compile(
    r"\b(?:translat\w+|means?|meaning|meant|japanese|phrase|expression|idiom|slang|word|words|term|called|literal\w*|interpret\w*|context|original|english|version|note|notes|depend\w*|language|nuance|notation)\b|[※＊*]"
)


def check(text: Bitext) -> Iterator[Seen]:
    """Yield refusals and words about the translation that the source does not have."""
    if text.is_native:
        return
    yield from refusals(text)
    yield from commentary(text)


def refusals(text: Bitext) -> Iterator[Seen]:
    """Yield a refusal of the translator: an inability, and nothing declined in the source."""
    target, source = text.japanese.text, text.lower_source
    found = _STRONG_JA.search(target)
    if found is None and _APOLOGY.search(target):
        found = _ORDINARY_JA.search(target)
    if found and not _SOURCE_DECLINES.search(source):
        yield Seen("refusal", "japanese", detail=found.group()[:60])
    elif found and _TRANSLATING.search(found.group()) and "translat" not in source:
        yield Seen("refusal", "translation", detail=found.group()[:60])
    elif found and source.rstrip().endswith("?") and not _SOURCE_UNABLE_STRICT.search(source):
        yield Seen("refusal", "question", detail=found.group()[:60])
    if len(text.latin_words) >= 5:
        english = _STRONG_EN.search(target.replace("’", "'"))
        if english and not _STRONG_EN.search(source):
            yield Seen("refusal", "english", detail=english.group())


def commentary(text: Bitext) -> Iterator[Seen]:
    """Yield preambles, notes, alternatives, glosses and closing remarks."""
    target, source = text.target, text.lower_source
    about_language = _ABOUT_WORDS.search(source) is not None
    preamble = _PREAMBLE.search(target)
    if preamble and not re.search(r"translat|japanese|version", source):
        yield Seen("meta_commentary", "preamble", detail=preamble.group().strip()[:60])
    if text.latin_words and _PREAMBLE_EN.search(target) and not _PREAMBLE_EN.search(text.source):
        yield Seen("meta_commentary", "english")
    if not about_language:
        found = _ABOUT.search(target) or _GLOSS.search(target)
        if found:
            yield Seen("meta_commentary", "about", detail=found.group()[:60])
    yield from _notes(text, target, source)
    if "```" in target and "```" not in text.source and not text.english.has_code:
        yield Seen("meta_commentary", "fence")
    new = latin.new_words(text.japanese.text, text.source) if len(text.latin_words) >= 3 else []
    if latin.function_words(new) >= 2:
        yield Seen("meta_commentary", "new_words", float(len(new)), " ".join(new)[:80])


def _notes(text: Bitext, target: str, source: str) -> Iterator[Seen]:
    """Yield added notes, alternatives and offers of help."""
    note = _NOTE.search(target)
    if note and not re.search(
        r"\bnotes?\b|\*|※|\bp\.?s\b|remark|supplement|commentary|explanation|caution|warning|disclaimer|annotat",
        source,
    ):
        yield Seen("meta_commentary", "note", detail=target[note.start() :].strip()[:60])
    offered = "\n" in target and (_OR.search(target) or _OPTIONS.search(target))
    if offered and "\n" not in source.strip() and not _CHOICE.search(source):
        yield Seen("meta_commentary", "alternatives")
    if not _SOURCE_CLOSES.search(source) and _CLOSING.search(text.japanese.text[-120:]):
        yield Seen("meta_commentary", "closing")
