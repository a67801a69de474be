"""Tasks that live in English spelling, sound or grammar, seen in the source before any GPU time."""

from __future__ import annotations

import re
from typing import Final

_LETTER = r"(?:(?:the )?letters? [\"'“‘(]?[a-z]|[\"'“‘(][a-z]|[b-hj-z])[\"'”’)]?(?![\w'’])"
_ASK = r"(?:write|give|list|tell|find|name|create|generate|make|compose|think|need|want|know|some|any|suggest|come up with|help|can you|could you|what|which|do you|provide|say|two|three|four|five|six|seven|ten|\d+)"
_PATTERNS: Final = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "rhyme",
            rf"\brhym(?:es?|ing) with\b|\b{_ASK}\b[^.?!\n]{{0,60}}\b(?:words?|poems?|couplets?|verses?|lines?|song|story|something|limerick|slogans?|names?|rap|jingle|lyrics|stanzas?|quatrain|riddle)\b[^.?!\n]{{0,25}}\brhym(?:e|es|ing)\b"
            rf"|\b{_ASK}\b[^.?!\n]{{0,30}}\brhyming\b|\brhym(?:es?|ing)\b[^.?!\n]{{0,25}}\b(?:for|of) [\"'“‘]|\bmake it rhyme\b|\brhyme schemes?\b[^.?!\n]{{0,20}}\b[ab]{{4,}}\b|\bin rhyme\b|\brhymed\b[^.?!\n]{{0,20}}\b(?:poem|verse|couplet)|\bthat (?:both )?rhymes?\b|\bdo(?:es)? [\"'“‘]\w+[\"'”’] (?:and [\"'“‘]\w+[\"'”’] )?rhyme\b|\bin rhym(?:ing|ed) ",
        ),
        (
            "limerick",
            r"\blimericks?\b|\btongue[- ]?twisters?\b|\bsonnet\b[^.?!\n]{0,30}\biambic\b|\biambic pentameter\b",
        ),
        (
            "letters",
            r"\bhow many (?:times (?:does|do|is|can you (?:find|see)) )?(?:the )?(?:letters?|vowels?|consonants?|syllables?|[\"'“‘]?[a-z][\"'”’]?(?:'?s)? (?:are|is|appear|in))\b"
            r"|\b(?:count|number of) (?:the |of )?(?:letters?|vowels?|consonants?|syllables?)\b|\bwhich letters?\b|\b(?:first|second|third|fourth|fifth|last|middle|missing|silent) letters?\b|\bletters? (?:is|are) (?:missing|silent|in)\b"
            r"|\b\w+[- ]letter (?:english )?words?\b|\b(?:syllables?|vowels?|consonants?) (?:are |is )?in\b|\bhow many syllables\b|\b(?:add|remove|replace|change|swap|drop|delete|insert) (?:one|a|the|two)?(?: \w+)? letters?\b|\bdouble letters?\b|\bletters? (?:does|do|of) (?:the word|[\"'“‘])|\blonger word\b.{0,30}\bletters\b|\b(?:contain|has|have|with|using|without)(?:s|ing)? (?:only )?(?:the |any |no |all |five )?(?:letters? [\"'“‘]?[a-z]\b|vowels?\b)",
        ),
        (
            "initial",
            rf"\b(?:start|begin|end)(?:s|ing|ed)? (?:with|in|on) {_LETTER}(?=\W|$)|\b(?:start|begin|end)(?:s|ing)? (?:with|in) (?:the )?(?:same )?(?:letters?|sounds?|vowels?|consonants?|suffix|prefix)\b|\b(?:start|begin|end)(?:s|ing)? (?:with|in) [\"'“‘]-?[a-z]{{1,4}}-?[\"'”’]|\b(?:start|begin|end)(?:s|ing)? (?:with|in) -[a-z]{{2,4}}\b|\bletter of the alphabet\b|\b(?:put|arrange|sort|list|order|organi[sz]e|write|rank)\b[^.?!\n]{{0,60}}\balphabetical order\b|\balphabeti[sz]e\b|\bsort\b[^.?!\n]{{0,30}}\balphabetically\b",
        ),
        (
            "spelling",
            r"\bhow (?:do|would|should|can) (?:you|i|we|one) (?:correctly )?(?:spell|pronounce)\b|\bhow (?:is|are|to) [^.?!\n]{0,40}\b(?:spelled|spelt|pronounced|spell|pronounce)\b|\bspell(?:ed|s|ing)?\b[^.?!\n]{0,20}[\"'“‘]|\b(?:correct|right|proper|american|british|english|phonetic) (?:spelling|pronunciation)s?\b|\bspelling (?:of|mistakes?|errors?|for|test|words)\b|\bmisspell\w*\b|\bmis-spelled\b|\b(?:correctly|incorrectly) spelled\b|\bspelled (?:correctly|right|wrong|backwards?|incorrectly)\b|\bspell (?:it|the word|this|that|out the word|these|the following|my|your name)\b|\bspell [a-z]{4,}\?|\bbackwards?\b[^.?!\n]{0,15}\bspell|\bspell[^.?!\n]{0,25}\bbackwards?\b|\btypos?\b[^.?!\n]{0,30}\b(?:fix|correct|find)|\b(?:fix|correct|find)\b[^.?!\n]{0,40}\b(?:typos?|spelling|punctuation|capitali[sz]ation)\b|\bspell(?:ing)? check\b|\bproofread\b|\bpronunciation of\b",
        ),
        (
            "wordplay",
            r"\bacrostics?\b|\banagrams?\b|\bpalindrom\w+\b|\bunscrambl\w*\b|\bscrambled (?:word|letters)\b|\b(?:rearrang\w+|jumbl\w+|scrambl\w+)\b[^.?!\n]{0,20}\b(?:letters|word)\b|\bpig latin\b|\bportmanteaus?\b|\bcrossword (?:clues?|answers?|hints?)\b|\b(?:play|solve|make|help with)\b[^.?!\n]{0,20}\b(?:crosswords?|hangman|wordle|scrabble|word (?:ladder|search|scramble|chain))\b|\bword (?:ladder|scramble)\b|\bscrabble words?\b|\blipogram\b|\bpangrams?\b|\bspoonerism\b|\balliterat\w+\b|\bbackronym\b|\b(?:make|write|tell|give|create|generate|need|know|come up with|any|some|good)\b[^.?!\n]{0,25}\bpuns?\b|\bplay on words\b|\breverse the (?:word|string|letters)\b|\bwords? (?:can|could) (?:you|i|be) (?:make|made|form|formed)[^.?!\n]{0,20}\b(?:from|out of|with)\b|\b(?:spells?|reads?) the same (?:backwards?|forwards?)",
        ),
        (
            "sound",
            r"\bhomophones?\b|\bhomonyms?\b|\bhomographs?\b|\bheteronyms?\b|\bsounds? (?:the same|alike|like the (?:word|letter))\b|\bsilent [a-z]\b|\b(?:their|there|they're|it's|its|your|you're|affect|effect|then|than|who|whom|to|too|lay|lie|fewer|less)[\"'”’]?,? (?:and|vs\.?|versus|or) [\"'“‘]?(?:their|there|they're|it's|its|your|you're|affect|effect|then|than|whom|too|two|lie|less|fewer)\b(?=[^\w]|$)|\bminimal pairs?\b|\b(?:long|short) vowels?\b|\bstressed syllable\b|\bwhich syllable\b|\bsame sound\b|\bassonance\b",
        ),
        (
            "grammar",
            r"\bgrammar (?:mistakes?|errors?|issues?|problems?|check\w*)\b|\bgrammatical(?:ly)? (?:mistakes?|errors?|correct|incorrect|issues?|wrong|problems?)\b|\b(?:correct|fix|check|improve|edit|proofread|find|identify|spot)\b[^.?!\n]{0,40}\bgrammar\b|\bgrammar\b[^.?!\n]{0,20}\b(?:of|in) (?:this|the following|my|these)\b|\b(?:past|present|future) (?:perfect |simple |continuous |progressive )?(?:tense|participle)\b|\b(?:irregular|phrasal|modal|auxiliary) verbs?\b|\bplural(?: form)? (?:of|for)\b|\b(?:passive|active) voice\b|\bparts? of speech\b|\b(?:identify|underline|find|circle|name|what is|which word is)\b[^.?!\n]{0,20}\b(?:the |an? |all )?(?:nouns?|verbs?|adjectives?|adverbs?|pronouns?|prepositions?|conjunctions?|subject|predicate|direct object|clause|gerund|dangling modifier)\b|\bconjugat\w+\b|\b(?:correct|right|proper) (?:article|preposition|punctuation|tense|verb form|form of the verb|capitalization|use of (?:commas?|apostrophes?|semicolons?))\b|\bsubject[- ]verb agreement\b|\b(?:comma|semicolon|apostrophe|hyphen)s?\b[^.?!\n]{0,25}\b(?:go|correct\w*|needed|belong|right place|missing)\b|\b(?:insert|add|put|place|where)\b[^.?!\n]{0,20}\b(?:commas?|apostrophes?|punctuation|quotation marks)\b|\b(?:run-on|comma splice|sentence fragment)s?\b|\b[\"'“‘]a[\"'”’] or [\"'“‘]an[\"'”’]|\bdouble negatives?\b|\bwho or whom\b|\b(?:comparative|superlative) (?:form|of|degree)\b|\b(?:suffix|prefix)(?:es)? (?:to|of|for|in|that|does|do|mean)\b|\bcontractions? for\b|\b(?:prefix|suffix|root word)\b|\bwhich (?:one |of these |sentence |spelling |form )?is (?:right|correct|proper|grammatical)[^.?!\n]{0,5}[\"'“‘][^?\n]{1,60} or [\"'“‘]|\bis it [\"'“‘][^?\n]{1,40} or [\"'“‘]",
        ),
        (
            "case",
            r"\b(?:convert|change|rewrite|put|type|write|print|turn)\b[^.?!\n]{0,50}\b(?:(?:all )?caps|upper ?case|lower ?case|capital letters|title case)\b|\bcapitali[sz]e (?:the|each|every|all|this|these|my)\b",
        ),
    )
)
_QUICK = re.compile(
    r"rhym|limerick|twister|iambic|letter|vowel|consonant|syllab|start|begin|end(?:s|ing)? (?:with|in)|alphabet|spell|spelt|pronounc|pronunc|typo|proofread|punctuat|capital|acrostic|anagram|palindrom|scrambl|rearrang|jumbl|pig latin|portmanteau|crossword|word (?:ladder|search)|hangman|scrabble|lipogram|pangram|spoonerism|alliterat|backronym|wordle|\bpuns?\b|play on words|reverse the|words? c(?:an|ould) |homo|heteronym|sounds? (?:the same|alike|like)|silent|their|there|it's|its|your|affect|effect|whom|too|fewer|minimal pair|assonance|same sound|gramma|tense|participle|verbs?\b|plural|voice|of speech|noun|adjective|adverb|pronoun|preposition|conjunction|subject|predicate|clause|gerund|modifier|conjugat|article|comma|semicolon|apostrophe|hyphen|run-on|fragment|\ban[\"'”’]|negative|comparative|superlative|suffix|prefix|contraction|root word|which|is it|caps|upper ?case|lower ?case|title case|same (?:backward|forward)|\"a\"|quotation marks"
)
_PROGRAMMING = re.compile(
    r"\b(?:function|python|javascript|java|c\+\+|program|code|script|algorithm|regex|sql|string|method|class|array|boolean|input|compiler|parser|css|html|query|excel|spreadsheet|bash|linux|list of (?:integers|numbers)|dataframe|column|unit test|recursi\w+|implement)\b|`"
)
_INNOCENT: Final = re.compile(
    r"\b(?:cast|casts|casting|magic(?:al)?|dry|cold|under (?:a|the|his|her)|love|dizzy|fainting|wizard|witch)\W(?:\w+\W){0,2}spells?\b|\bspells? (?:of|book|caster|trouble|disaster|doom)\b|\bspell(?:s|ed)? out (?:the|your|my|what|in|how|exactly)(?! word)|\bnursery rhymes?\b|\brhyme (?:n?or) reason\b|\bno rhyme\b|\b(?:cover|love|business|resignation|recommendation|open|thank[- ]you|reference|formal|complaint|french|red|scarlet|dead|news) letters?\b|\bletters? (?:to|from|of (?:recommendation|resignation|reference|complaint|intent|apology|support|credit|the law))\b|\bletter[- ]?(?:box|head|writing|opener|sized?|carrier)\b|\bspelling bee\b|\bcapital (?:city|gains|punishment|one|of)\b|\barticle about\b|\bcommas? separated\b|\bcomma[- ]separated\b|\bdouble negative balance\b|\bblood vowel\b|\bhaving a spell\b"
)
_LITERATURE: Final = re.compile(r"\b(?:who|when|where) (?:wrote|invented|won)\b")


def language_task(source: str) -> str:
    """Return the kind of task if it has no meaning after translation, else an empty string.

    >>> language_task("What rhymes with orange?"), language_task("He cast a spell on the frog.")
    ('rhyme', '')
    >>> language_task("Write a Python function that checks for palindromes.")
    ''
    """
    text = _instruction(source).lower().replace("’", "'")
    if not _QUICK.search(text):
        return ""
    text = _INNOCENT.sub(" ", text)
    for name, pattern in _PATTERNS:
        found = pattern.search(text)
        if found is None:
            continue
        if _PROGRAMMING.search(text) and name not in ("rhyme", "limerick"):
            return ""
        if not _LITERATURE.search(text):
            return name
    return ""


def _instruction(source: str) -> str:
    """Return the beginning and the end of a long text: what lies between is what the task is about."""
    return source if len(source) <= 700 else f"{source[:350]}\n{source[-250:]}"
