"""Where blocks, long texts and loops of reflections stand in a CIF file, by one pass over lines.

A parser makes an object of every value; files of reflections have millions. What is long is
therefore found and taken out here, and the rest goes to the parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# What begins a line and means something. Inside a text field only the closing ";" does.
_EVENT = re.compile(rb"^(?:;|[ \t]*(?:data_\S*|loop_|save_\S*|global_|stop_|_\S+))", re.M | re.I)
_INDEX = re.compile(r"_(\w*refln|hkl_oxdiff)_(?:index_)?h")
_LONG_LOOP = 500_000  # the same of a loop of something else
_MOST_BLOCKS = 5000
_LONG = 300  # characters of a text that the parser does not need


@dataclass(slots=True)
class Loop:
    """A loop of reflections: its items, and where its values stand."""

    tags: list[str]
    begin: int
    end: int
    family: str  # "refln", "diffrn_refln", "hkl_oxdiff"
    has_texts: bool = False


@dataclass(slots=True)
class Block:
    """A data block: its loops of reflections, its long texts by item, and what is left of it."""

    name: str
    loops: list[Loop] = field(default_factory=list)
    texts: dict[str, tuple[int, int]] = field(default_factory=dict)
    rest: bytes = b""

    @property
    def has_reflections(self) -> bool:
        """Is there any list in it?"""
        return bool(self.loops or any(name in self.texts for name in HKL_TEXTS + FCF_TEXTS))


HKL_TEXTS = ("_shelx_hkl_file", "_iucr_refine_reflections_details")
INSTRUCTIONS = ("_shelx_res_file", "_iucr_refine_instructions_details")
FCF_TEXTS = ("_shelx_fcf_file", "_iucr_refine_fcf_details")


def key_of(tag: bytes | str) -> str:
    """A tag in one spelling: lower case, ``_`` for ``.``."""
    text = tag.decode("ascii", "replace") if isinstance(tag, bytes) else tag
    return text.strip().lower().replace(".", "_")


def scan(data: bytes) -> list[Block]:
    """Find the blocks of a CIF file; what comes before the first has a nameless one."""
    return _Scanner(data).blocks()


class _Scanner:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.found: list[Block] = [Block("")]
        self.pieces: list[list[tuple[int, int]]] = [[]]
        self.kept_from = 0
        self.tags: list[str] | None = None  # of the loop whose head or values these are
        self.loop_begin = self.values_begin = 0
        self.has_texts = False
        self.last_tag = ""

    def blocks(self) -> list[Block]:
        text_begin = -1
        for event in _EVENT.finditer(self.data):
            word = event[0].lstrip()
            if text_begin >= 0:
                if word == b";":
                    self._text(text_begin, event.start())
                    text_begin = -1
                continue
            if word == b";":
                text_begin = event.end()
                self.has_texts = True
            else:
                self._word(word, event.start(), event.end())
        if text_begin >= 0:  # never closed
            self._text(text_begin, len(self.data))
        self._end_loop(len(self.data))
        self._keep(len(self.data))
        for block, pieces in zip(self.found, self.pieces, strict=True):
            block.rest = b"".join(self.data[begin:end] for begin, end in pieces)
        return self.found

    def _word(self, word: bytes, begin: int, end: int) -> None:
        lower = word.lower()
        if lower.startswith(b"_"):
            if self.tags is not None and (more := self._more_tags(begin)) is not None:
                self.tags += [*more, key_of(word)]
                self.values_begin = end
                return
            self._end_loop(begin)
            self.last_tag = key_of(word)
            return
        self._end_loop(begin)
        if lower == b"loop_":
            self.tags, self.loop_begin, self.values_begin = [], begin, end
            self.has_texts = False
        elif lower.startswith(b"data_"):
            self._keep(begin)
            if len(self.found) > _MOST_BLOCKS:
                raise ValueError(f"more than {_MOST_BLOCKS} data blocks")
            self.found.append(Block(word[5:].decode("utf-8", "replace")))
            self.pieces.append([])

    def _more_tags(self, begin: int) -> list[str] | None:
        """The tags since the last one, on its line; None if there are values."""
        if begin - self.values_begin > 4000:
            return None
        between = self.data[self.values_begin : begin]
        words = [word for line in between.split(b"\n") for word in line.partition(b"#")[0].split()]
        return [key_of(word) for word in words] if _all_tags(words) else None

    def _text(self, begin: int, end: int) -> None:
        in_loop = self.tags is not None and bool(self.tags)
        name = self.last_tag
        if not in_loop and name in HKL_TEXTS + FCF_TEXTS + INSTRUCTIONS:
            self.found[-1].texts.setdefault(name, (begin, end))
        if not in_loop and end - begin > _LONG:
            self._keep(begin)
            self.kept_from = end - 1 if end < len(self.data) else end  # the line break before ";"

    def _end_loop(self, end: int) -> None:
        tags, self.tags = self.tags, None
        if not tags:
            return
        heads = [match for tag in tags if (match := _INDEX.fullmatch(tag))]
        if heads or end - self.values_begin > _LONG_LOOP:
            self._keep(self.loop_begin)
            self.kept_from = end
        if heads:
            self.found[-1].loops.append(
                Loop(tags, self.values_begin, end, heads[0][1], self.has_texts)
            )

    def _keep(self, end: int) -> None:
        if end > self.kept_from:
            self.pieces[-1].append((self.kept_from, end))
        self.kept_from = max(self.kept_from, end)


def _all_tags(words: list[bytes]) -> bool:
    return all(word.startswith(b"_") for word in words)
