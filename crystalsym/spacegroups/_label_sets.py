"""The label sets of Tiong et al. (2020), with the number of materials in each group."""

from __future__ import annotations

# Materials per group in the paper's data, supplementary tables 2 (72 groups trained on) and 3 (30
# groups never trained on) of Tiong et al., npj Comput. Mater. 6, 196 (2020).
_TRAINED_72 = {
    1: 7328, 2: 6356, 4: 1430, 5: 1340, 6: 1148, 7: 860, 8: 2305, 9: 1120, 10: 462, 11: 1753,
    12: 4324, 13: 612, 14: 8592, 15: 4050, 19: 885, 25: 330, 29: 302, 31: 494, 33: 897, 36: 622,
    38: 1022, 44: 392, 47: 365, 55: 611, 57: 366, 58: 394, 59: 456, 60: 556, 61: 946, 62: 5691,
    63: 2463, 64: 561, 65: 735, 70: 313, 71: 2827, 74: 946, 82: 349, 87: 348, 88: 326, 107: 317,
    115: 328, 122: 406, 123: 2510, 127: 602, 129: 1026, 136: 468, 139: 3367, 140: 635, 141: 719,
    146: 826, 148: 1160, 156: 1381, 160: 1034, 164: 1270, 166: 2637, 173: 431, 176: 518, 186: 900,
    187: 1094, 189: 997, 191: 803, 193: 583, 194: 3423, 198: 441, 205: 319, 216: 1644, 221: 3267,
    223: 295, 225: 8367, 227: 1407, 229: 299, 230: 307,
}  # fmt: skip
_UNSEEN_30 = {
    3: 198, 69: 146, 76: 44, 86: 98, 95: 60, 102: 46, 109: 91, 111: 38, 113: 139, 128: 142,
    130: 121, 131: 75, 137: 133, 142: 190, 145: 59, 150: 146, 162: 155, 163: 137, 165: 134,
    182: 69, 185: 152, 188: 44, 197: 45, 200: 86, 203: 68, 212: 83, 214: 52, 215: 150, 218: 95,
    226: 56,
}  # fmt: skip
PAPER_COUNTS: dict[int, int] = dict(sorted({**_TRAINED_72, **_UNSEEN_30}.items()))
"""Materials per space group in the paper's data: the 72 trained groups and the 30 unseen ones."""

_LABEL_SETS: dict[str, tuple[int, ...]] = {
    "8": (139, 141, 166, 194, 221, 225, 227, 229),  # Ziletti et al., Nat. Commun. 9, 2775 (2018)
    "20": tuple(sorted(sorted(_TRAINED_72, key=_TRAINED_72.__getitem__)[-20:])),
    "49": tuple(n for n, count in _TRAINED_72.items() if count >= 500),
    "72": tuple(_TRAINED_72),
    "230": tuple(range(1, 231)),
    "unseen30": tuple(_UNSEEN_30),
}


def label_set(name: str) -> tuple[int, ...]:
    """Return the sorted space groups of one of the label sets of the paper.

    Parameters
    ----------
    name : {"8", "20", "49", "72", "230", "unseen30"}
        "72": the groups with at least 295 materials, "49": with at least 500, "20": the most
        populous, "8": those of Ziletti et al., "unseen30": the groups never trained on, "230": all.

    References
    ----------
    L. C. O. Tiong et al., "Identification of crystal symmetry from noisy diffraction patterns by a
    shape analysis and deep learning", npj Comput. Mater. 6, 196 (2020).

    Examples
    --------
    >>> label_set("8")
    (139, 141, 166, 194, 221, 225, 227, 229)
    """
    try:
        return _LABEL_SETS[str(name)]
    except KeyError:
        raise ValueError(
            f"unknown label set {name!r}; known are {', '.join(map(repr, _LABEL_SETS))}"
        ) from None
