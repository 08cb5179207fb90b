"""Reflection lists in CIF files: loops, embedded SHELX files, files that are themselves lists."""

from __future__ import annotations

from crystalsym.diffraction import Coverage
from crystalsym.reflections._cif_about import Items, about_of, count_of, items_of, text_of
from crystalsym.reflections._cif_scan import FCF_TEXTS, HKL_TEXTS, INSTRUCTIONS, Block, scan
from crystalsym.reflections._found import About, Found, Misread
from crystalsym.reflections._free_columns import read_free_columns
from crystalsym.reflections._refln_loops import preferred, read_loop
from crystalsym.reflections._shelx_hkl import read_shelx_hkl
from crystalsym.reflections._shelx_instructions import read_instructions
from crystalsym.reflections._text_columns import as_text

_MOST_OTHERS = 100  # blocks in which a cell is looked for
COVERAGE_TAG = "_crystalsym_coverage"


def read_cif_list(data: bytes, block: str | int | None = None) -> Found:
    """Read the reflections of one block.

    Raises
    ------
    ValueError
        If there are none, or several lists and none is chosen; names the blocks.
    """
    blocks = scan(data)
    with_lists = [one for one in blocks if one.has_reflections]
    if not with_lists:
        raise ValueError(
            "a CIF file without reflections: needs a _refln loop with measured values or"
            " _shelx_hkl_file"
        )
    chosen = _choose(with_lists, block)
    notes: list[str] = []
    items = items_of(chosen.rest, notes)
    found = _read_block(data, chosen, items)
    about = about_of(items, "")
    if about.cell is None:
        _take_cell_of_others(about, blocks, chosen)
    about.notes += notes
    _complete(about, found.about)
    found.about = about
    if found.coverage is None:
        found.coverage = _coverage(items, found)
    return found


def read_about(data: bytes, where: str) -> About:
    """What a CIF file says of a crystal whose reflections stand elsewhere: its first cell."""
    about = About()
    for block in scan(data):
        about = about_of(items_of(block.rest, []), where)
        if about.cell is not None:
            break
    return about


def _choose(blocks: list[Block], wanted: str | int | None) -> Block:
    names = ", ".join(repr(one.name) for one in blocks[:12])
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        if not 1 <= wanted <= len(blocks):
            raise ValueError(f"block={wanted}: there are {len(blocks)} with reflections, {names}")
        return blocks[wanted - 1]
    if wanted is not None:
        for one in blocks:
            if one.name.lower() == str(wanted).lower():
                return one
        raise ValueError(f"block={wanted!r}: none of the blocks with reflections, {names}")
    if len(blocks) > 1:
        raise ValueError(
            f"{len(blocks)} lists of reflections, in the blocks {names}: choose one by block=, its"
            " name or its place from 1"
        )
    return blocks[0]


def _read_block(data: bytes, block: Block, items: Items) -> Found:
    """The list of a block that is closest to the measurement; another one is noted."""
    loops = preferred(block.loops)
    texts = [name for name in HKL_TEXTS if name in block.texts]
    fcf = [name for name in FCF_TEXTS if name in block.texts]
    others = [f"the _{loop.family} loop" for loop in loops] + [*texts, *fcf]
    for name in texts:
        found = _read_text(data, *block.texts[name], name)
        if isinstance(found, Found):
            _apply_instructions(found, data, block)
            _note_others(found, [one for one in others if one != name])
            return found
        if not loops and not fcf:
            raise ValueError(f"{name}: {found.reason}")
    if loops:
        found = read_loop(data, loops[0])
        _note_others(found, others[1:])
        if "_shelx_refln_list_code" in items:
            found.coverage = _of_shelxl(found, text_of(items, "_shelx_refln_list_code"))
        return found
    for name in fcf:
        begin, end = block.texts[name]
        found = read_cif_list(data[begin:end])
        found.format = f"{name} ({found.format})"
        return found
    tags = ", ".join(block.loops[0].tags[:8])
    raise ValueError(
        f"block {block.name!r}: the loop with {tags} has no measured values (needs"
        " _refln_F_squared_meas, _refln_intensity_meas or _refln_F_meas)"
    )


def _read_text(data: bytes, begin: int, end: int, name: str) -> Found | Misread:
    """An embedded file, HKLF 4 or free columns; in IUCr files it can be a CIF of its own."""
    text = data[begin:end]
    if text.lstrip()[:5].lower() in (b"data_", b"loop_"):
        found: Found | Misread = read_cif_list(text)
    else:
        found = read_shelx_hkl(data, begin, end)
        if isinstance(found, Misread) and found.part < 0.5:
            free = read_free_columns(text)
            found = free if isinstance(free, Found) else found
    if isinstance(found, Found):
        found.format = f"{name}, {found.format}"
    return found


def _apply_instructions(found: Found, data: bytes, block: Block) -> None:
    """Take HKLF from the instructions that SHELXL puts beside the list."""
    for name in INSTRUCTIONS:
        if name in block.texts:
            begin, end = block.texts[name]
            said = read_instructions(as_text(data[begin : min(end, begin + 2_000_000)]), name)
            found.about.hklf, found.about.matrix = said.hklf, said.matrix
            return


def _note_others(found: Found, others: list[str]) -> None:
    if others:
        found.notes.append(f"{', '.join(others)} of the same block is not read")


def _take_cell_of_others(about: About, blocks: list[Block], chosen: Block) -> None:
    """The cell of another block, if all that have one agree."""
    cells = []
    for one in blocks if len(blocks) <= _MOST_OTHERS else []:
        if one is not chosen and len(one.rest) > 20:
            other = about_of(items_of(one.rest, []), f"block {one.name}")
            if other.cell is not None:
                cells.append((one.name, other))
    if not cells:
        return
    if any(other.cell != cells[0][1].cell for _, other in cells[1:]):
        names = ", ".join(repr(name) for name, _ in cells[:6])
        about.notes.append(f"the blocks {names} have different cells: none is used")
        return
    name, other = cells[0]
    _complete(about, other)
    about.notes.append(f"the cell is that of block {name!r}")


def _complete(about: About, other: About) -> None:
    """Fill what one does not say from another."""
    for name in ("cell", "wavelength", "radiation"):
        if getattr(about, name) is None and getattr(other, name) is not None:
            setattr(about, name, getattr(other, name))
            about.where[name] = other.where[name]
    about.carried = {**other.carried, **about.carried}
    about.notes += other.notes
    about.hklf, about.matrix = other.hklf, other.matrix


def _of_shelxl(found: Found, code: str) -> tuple[Coverage, str]:
    return (
        Coverage.OBSERVED,
        f"a SHELXL list (LIST {code or '?'}), from which the reflections that its space group"
        " forbids are left out",
    )


def _coverage(items: Items, found: Found) -> tuple[Coverage, str] | None:
    """Does the file say that only observed reflections are listed?"""
    if said := text_of(items, COVERAGE_TAG):
        if said in (Coverage.LISTED.name, Coverage.OBSERVED.name):
            return Coverage[said], f"{COVERAGE_TAG} {said}"
        raise ValueError(f"{COVERAGE_TAG} is {said!r}: needs LISTED or OBSERVED")
    total = count_of(items, "_reflns_number_total", "_reflns_number_all")
    observed = count_of(items, "_reflns_number_gt", "_reflns_number_observed", "_reflns_number_obs")
    n = 0 if found.hkl is None else len(found.hkl)
    if total and observed and observed < total and n == observed:
        return (
            Coverage.OBSERVED,
            f"it lists the {observed} observed of {total} reflections"
            " (_reflns_number_gt, _reflns_number_total)",
        )
    return None
