"""One small measurement as a file of every format that is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import gemmi
import numpy as np

CELL = (7.5, 9.25, 11.0, 90.0, 102.5, 90.0)
WAVELENGTH = 0.71073
HKL = np.array([[h, k, l] for h in range(-2, 3) for k in range(3) for l in (-11, -1, 2, 5)])  # noqa: E741
_draw = np.random.default_rng(10)
INTENSITY = np.round(_draw.exponential(900.0, len(HKL)) * (_draw.random(len(HKL)) > 0.3), 2)
INTENSITY = np.round(INTENSITY + _draw.normal(0, 2, len(HKL)), 2)
SIGMA = np.round(1.5 + 0.05 * np.abs(INTENSITY), 2)
BATCH = 1 + np.arange(len(HKL)) % 4
CELL_TEXT = " ".join(f"{value:g}" for value in CELL)

TRUE = {"symbol": "P 1 21/c 1", "number": "14", "operations": ["x,y,z", "-x,-y,-z"],
        "latt": "1", "symm": "-x,1/2+y,1/2-z", "atom": "C1 1 0.1 0.2 0.3 11.0 0.05"}  # fmt: skip
FALSE = {"symbol": "F d -3 m", "number": "227", "operations": ["y,x,z", "x+1/2,y,z"],
         "latt": "-4", "symm": "z,x,y", "atom": "U9 4 0.9 0.1 0.4 10.5 0.50"}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A file, those beside it, and what it says of itself."""

    name: str
    data: bytes
    beside: dict[str, bytes] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Put the files into a folder."""
        for name, data in {self.name: self.data, **self.beside}.items():
            (folder / name).write_bytes(data)
        return folder / self.name


def rows(template: str, *columns) -> str:
    """Lines of a file: h, k, l, intensity, uncertainty, batch by a template."""
    given = zip(HKL.tolist(), INTENSITY.tolist(), SIGMA.tolist(), BATCH.tolist(), strict=True)
    return "\n".join(
        template.format(h=hkl[0], k=hkl[1], l=hkl[2], i=i, s=s, b=b, f=np.sign(i) * abs(i) ** 0.5,
                        sf=s / max(2 * abs(i) ** 0.5, 1)) for hkl, i, s, b in given
    )  # fmt: skip


HKLF4 = "{h:4d}{k:4d}{l:4d}{i:8.2f}{s:8.2f}"
END = "\n   0   0   0    0.00    0.00\n"


def instructions(said: dict | None) -> bytes:
    lines = ["TITL x" + (f" in {said['symbol']}" if said else ""), f"CELL {WAVELENGTH} {CELL_TEXT}"]
    if said:
        lines += [f"LATT {said['latt']}", f"SYMM {said['symm']}", "SFAC C U", said["atom"]]
    return "\n".join([*lines, "HKLF 4", "END", ""]).encode()


def cif_head(said: dict | None, dot: str = "_") -> str:
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = ["data_x", *(f"_cell{dot}{n} {v:g}(2)" for n, v in zip(names, CELL, strict=True))]
    lines += [f"_diffrn_radiation_wavelength {WAVELENGTH}", "_diffrn_radiation_type 'Mo K\\a'"]
    if said:
        lines += [
            f"_symmetry_space_group_name_H-M '{said['symbol']}'",
            f"_space_group_IT_number {said['number']}",
            "loop_\n_space_group_symop_operation_xyz", *(f"'{one}'" for one in said["operations"]),
            "loop_\n_atom_site_label\n_atom_site_fract_x", "{0} {2}".format(*said["atom"].split()),
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def loop(tags: list[str], template: str, prefix: str = "_refln_", index: str = "index_") -> str:
    names = [*(f"{prefix}{index}{letter}" for letter in "hkl"), *(prefix + tag for tag in tags)]
    return "loop_\n" + "\n".join(names) + "\n" + rows("{h} {k} {l} " + template) + "\n"


def cif(*parts: str) -> Callable:
    return lambda said: Sample("x.cif", "".join([cif_head(said), *parts]).encode())


def xds(said: dict | None) -> Sample:
    head = ["!FORMAT=XDS_ASCII    MERGE=FALSE    FRIEDEL'S_LAW=TRUE"]
    head += [f"!SPACE_GROUP_NUMBER= {said['number']}"] if said else []
    head += [f"!UNIT_CELL_CONSTANTS= {CELL_TEXT}", f"!X-RAY_WAVELENGTH= {WAVELENGTH}"]
    items = ["H", "K", "L", "IOBS", "SIGMA(IOBS)", "XD", "YD", "ZD"]
    head += [f"!NUMBER_OF_ITEMS_IN_EACH_DATA_RECORD={len(items)}"]
    head += [f"!ITEM_{name}={place}" for place, name in enumerate(items, 1)]
    lines = rows("{h:6d}{k:6d}{l:6d} {i:10.3E} {s:10.3E} 100.5 200.5 {b}.5")
    text = "\n".join([*head, "!END_OF_HEADER", lines, "    1 1 1 5.0E+00 -1.0E+00 1 1 1"])
    return Sample("XDS_ASCII.HKL", (text + "\n!END_OF_DATA\n").encode())


def integrate(said: dict | None) -> Sample:
    head = ["!OUTPUT_FILE=INTEGRATE.HKL  DATE= 1-Jan-2026"]
    head += [f"!SPACE_GROUP_NUMBER= {said['number']}"] if said else []
    head += [f"!UNIT_CELL_CONSTANTS= {CELL_TEXT}", f"!X-RAY_WAVELENGTH= {WAVELENGTH}",
             "!NUMBER_OF_ITEMS_IN_EACH_DATA_RECORD=9",
             "!H,K,L,IOBS,SIGMA,XCAL,YCAL,ZCAL,RLP", "!Items are separated by a blank"]  # fmt: skip
    lines = rows(" {h} {k} {l} {i:.3E} {s:.3E} 100.5 200.5 {b}.5 0.7")
    text = "\n".join([*head, "!END_OF_HEADER", lines, "!END_OF_DATA", ""])
    return Sample("INTEGRATE.HKL", text.encode())


def mtz(said: dict | None, columns: str = "merged") -> Sample:
    made = gemmi.Mtz(with_base=True)
    group = {"P 1 21/c 1": "P 1 21 1", "F d -3 m": "F 4 3 2"}.get(said["symbol"] if said else "")
    made.spacegroup = gemmi.SpaceGroup(group or "P 1")
    made.set_cell_for_all(gemmi.UnitCell(*CELL))
    made.add_dataset("d").wavelength = WAVELENGTH
    hkl = HKL.astype(np.float32)
    if columns == "merged":
        kinds = [("FP", "F"), ("SIGFP", "Q"), ("IMEAN", "J"), ("SIGIMEAN", "Q")]
        root = np.sqrt(np.abs(INTENSITY))
        values = [root, SIGMA, INTENSITY, SIGMA]
    elif columns == "mates":
        kinds = [("I(+)", "K"), ("SIGI(+)", "M"), ("I(-)", "K"), ("SIGI(-)", "M")]
        values = [INTENSITY, SIGMA, np.full(len(HKL), np.nan), np.full(len(HKL), np.nan)]
    else:
        kinds = [("M/ISYM", "Y"), ("BATCH", "B"), ("I", "J"), ("SIGI", "Q")]
        values = [np.ones(len(HKL)), BATCH, INTENSITY, SIGMA]
    for label, kind in kinds:
        made.add_column(label, kind, dataset_id=1)
    made.set_data(np.column_stack([hkl, *values]).astype(np.float32))
    if columns == "moved":  # into the asymmetric unit of whatever group it is said to have
        made = gemmi.read_mtz_file(str(_on_disk(made.write_to_bytes())))
        made.switch_to_original_hkl()
        made.switch_to_asu_hkl()
    return Sample("x.mtz", made.write_to_bytes())


def _on_disk(data: bytes) -> Path:
    """A file for what gemmi reads from files alone."""
    path = Path(mkdtemp(), "x.mtz")
    path.write_bytes(data)
    return path


def tonto(said: dict | None) -> Sample:
    angles, edges = CELL[3:], CELL[:3]
    group = f'spacegroup= {{ hall_symbol= "{said["symbol"]}" }}\n' if said else ""
    text = (
        f"{{\ncrystal= {{\n{group}unit_cell= {{ angles= {angles[0]} {angles[1]} {angles[2]}"
        f" degree dimensions= {edges[0]} {edges[1]} {edges[2]} angstrom }}\n"
        "reflection_data= {\n keys= { h= k= l= i_exp= i_sigma= }\n data= {\n"
        + rows("{h} {k} {l} {i} {s}") + "\n }\n}\n}\n}\n"
    )  # fmt: skip
    return Sample("x.hkl", text.encode())


P4P = f"FILEID SAINT\nCELL {CELL_TEXT} 720.0\nSOURCE MO {WAVELENGTH} 0.7093 0.7136 2.0 50.0 40.0\n"

# Which of them is what is in the file exactly; the others hold rounded values.
FORMATS: dict[str, Callable[[dict | None], Sample]] = {
    "HKLF 4, .ins": lambda said: Sample(
        "x.hkl", (rows(HKLF4 + "{b:4d}") + END).encode(), {"x.ins": instructions(said)}),
    "HKLF 4, .res, cosines": lambda said: Sample(
        "x.hkl", rows(HKLF4 + "{b:4d}-0.66223-0.60253 0.67630").encode(),
        {"x.res": instructions(said)}),
    "HKLF 4, .cif": lambda said: Sample(
        "x.hkl", (rows(HKLF4) + END).encode(), {"x.cif": cif_head(said).encode()}),
    "HKLF 4, .p4p": lambda said: Sample(
        "x.hkl", (rows(HKLF4) + END).encode(),
        {"x.p4p": P4P.encode() + (f"SYMM {said['number']}\n".encode() if said else b"")}),
    "HKLF 4, tail": lambda said: Sample(
        "x.hkl", ("\n" + rows(HKLF4) + END).encode() + instructions(said)),
    "CIF, F squared": cif(loop(["F_squared_meas", "F_squared_sigma"], "{i} {s}")),
    "CIF, intensity": cif(loop(["intensity_meas", "intensity_meas_su"], "{i} {s}")),
    "CIF, F": cif(loop(["F_meas", "F_sigma", "F_calc"], "{f:.6f} {sf:.6f} ?")),
    "CIF, F squared with digits": cif(loop(["F_squared_meas", "observed_status"], "{i}(3) '<'")),
    "CIF, diffrn_refln": cif(
        loop(["intensity_net", "intensity_u"], "{i} {s}", "_diffrn_refln_")),
    "CIF, CrysAlisPro": cif(loop(["f2", "sig"], "{i} {s}", "_hkl_oxdiff_", "")),
    "CIF, hkl file": lambda said: Sample("x.cif", (
        cif_head(said) + "_shelx_hkl_file\n;\n" + rows(HKLF4) + END + ";\n_shelx_hkl_checksum 9\n"
        "_shelx_res_file\n;\n" + instructions(said).decode() + ";\n").encode()),
    "CIF, fcf in it": lambda said: Sample("x.cif", (
        cif_head(said) + "_shelx_fcf_file\n;\ndata_y\n"
        + loop(["F_squared_meas", "F_squared_sigma"], "{i} {s}") + ";\n").encode()),
    "mmCIF": lambda said: Sample("x-sf.cif", (
        cif_head(said, ".").replace("_diffrn_radiation_wavelength",
                                    "_diffrn_radiation_wavelength.wavelength")
        + loop(["F_squared_meas", "F_squared_sigma", "status"], "{i} {s} o", "_refln.")).encode()),
    "FCF, LIST 3": lambda said: Sample("x.fcf", (
        "#\n# h,k,l, Fo, sigma(Fo), A, B\n#\n" + cif_head(said) + "_shelx_refln_list_code 3\n"
        + loop(["F_meas", "F_sigma", "A_calc", "B_calc"], "{f:.6f} {sf:.6f} 1 2")).encode()),
    "FCF, LIST 4": lambda said: Sample("x.hkl", (
        "# h,k,l,Fc-squared\n" + cif_head(said) + "_shelx_refln_list_code 4\n" + loop(
        ["F_squared_calc", "F_squared_meas", "F_squared_sigma", "observed_status"],
        "1.00 {i} {s} o")).encode()),
    "FCF, LIST 6": lambda said: Sample("x.fcf", (
        cif_head(said) + "_shelx_refln_list_code 6\n" + loop(
        ["F_squared_meas", "F_squared_sigma", "F_calc", "phase_calc"], "{i} {s} 3 90")).encode()),
    "PETS2": lambda said: Sample("x.cif_pets", (
        cif_head(said) + "loop_\n_diffrn_zone_axis_id\n_diffrn_zone_axis_u\n1 0.5\n2 0.6\n" + loop(
        ["intensity_meas", "intensity_sigma", "zone_axis_id"], "{i} {s} {b}")).encode()),
    "XDS_ASCII": xds,
    "INTEGRATE": integrate,
    "MTZ": mtz,
    "MTZ, mates": lambda said: mtz(said, "mates"),
    "MTZ, unmerged": lambda said: mtz(said, "unmerged"),
    "MTZ, moved": lambda said: mtz(said, "moved"),
    "Tonto": tonto,
    "free columns": lambda said: Sample(
        "x.hkl", rows("  {h} {k}  {l} {i} {s} 8 17 1.5").encode(), {"x.ins": instructions(said)}),
    "commas": lambda said: Sample(
        "x.csv", ("h, k, l, F^2, sigma(F^2)\n" + rows("{h},{k},{l},{i},{s}")).encode(),
        {"x.ins": instructions(said)}),
    "F in columns": lambda said: Sample(
        "x.txt", ("# L H K F(obs) sigF\n" + rows("{l} {h} {k} {f:.6f} {sf:.6f}")).encode(),
        {"x.ins": instructions(said)}),
}  # fmt: skip
ROUNDED = ("F", "XDS_ASCII", "INTEGRATE", "MTZ", "FCF, LIST 3", "CIF, F", "F in columns")
