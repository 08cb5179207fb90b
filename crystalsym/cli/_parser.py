"""The command line's arguments."""

from __future__ import annotations

import argparse
import importlib
import math
from collections.abc import Callable
from typing import Any, NoReturn

from crystalsym import __version__

_ORDERS = ("xyz", "xzy", "yxz", "yzx", "zxy", "zyx", "any")


class _Parser(argparse.ArgumentParser):
    """A parser that reports a wrong call in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())} (see {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the ``crystalsym`` command."""
    parser = _Parser(
        prog="crystalsym",
        description="Space groups of crystals from their diffraction patterns.",
    )
    parser.add_argument("--version", action="version", version=f"crystalsym {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    identify = commands.add_parser(
        "identify",
        help="rank the space groups of crystals, or of three images of one crystal",
        description="Rank the space groups of crystal structures (CIF, POSCAR, ...), whose three"
        " patterns are simulated, or of one crystal from three 16-bit images (TIFF, PNG) of its"
        " zone axes x, y and z in this order; or of reflection lists (SHELX .hkl with its .ins,"
        " .fcf, CIF, MTZ, XDS, PETS2). A folder stands for the structures in it, and a table of"
        " crystals (.npz) for its rows. With --output any number of them go to a table, and a"
        " run that was cut off goes on where it was.",
        epilog="Examples: crystalsym identify NaCl.cif Fe2O3.cif --plot ranking.png;"
        " crystalsym identify x.tif y.tif z.tif --json; crystalsym identify structures/ --output"
        " answers.parquet --jobs 8; crystalsym identify ylid.hkl. Without FILES the bundled example"
        " crystals are identified.",
    )
    identify.add_argument("files", nargs="*", metavar="FILES", help="structures, a folder or a"
                          " table of them, three images, or reflection lists")  # fmt: skip
    identify.add_argument("--examples", action="store_true", help="take the bundled crystals")
    identify.add_argument(
        "--top", type=_count, default=5, metavar="K", help="groups shown (%(default)s)"
    )
    identify.add_argument("--coverage", type=_fraction, metavar="C", help="also give the groups"
                          " that hold the true one this often, such as 0.95")  # fmt: skip
    identify.add_argument(
        "--plot",
        metavar="FILE",
        help="draw patterns and rankings (.png, .pdf, .svg), of more than"
        " four inputs on several pages, or into FILE-1.png and so on",
    )
    identify.add_argument("--report", metavar="FILE", help="write a page that a browser shows"
                          " (.html): patterns, what was found in images, ranking, evidence; the"
                          " first 24 inputs with pictures")  # fmt: skip
    identify.add_argument("--json", action="store_true", help="print JSON instead of tables")
    identify.add_argument("-o", "--output", metavar="FILE", help="write a table with a row for each"
                          " structure instead (.csv, .parquet)")  # fmt: skip
    identify.add_argument("-j", "--jobs", type=int, metavar="N", help="jobs with --output, -1 for"
                          " all cores (1)")  # fmt: skip
    identify.add_argument("--model", metavar="NAME", help="bundled model, or a folder that train"
                          " wrote (72; of reflection lists 230-lists, of images along"
                          " other zones than symmetry directions 230-zones)")  # fmt: skip
    _add_q_per_pixel(identify)
    _add_camera(identify)
    identify.add_argument("--cell", type=float, nargs=6, metavar=("A", "B", "C", "AL", "BE", "GA"),
                          help="cell of reflection lists in Å and degrees, where no file beside"
                          " them tells it")  # fmt: skip
    identify.add_argument("--reflections", action="store_true", help="take FILES for reflection"
                          " lists, whatever else they hold")  # fmt: skip
    _add_block(identify)
    identify.add_argument("--symprec", type=_positive, default=0.1, metavar="Å",
                          help="tolerance of the symmetry finder, for its own answer and for the"
                          " standard cell that is simulated (%(default)s)")  # fmt: skip
    identify.add_argument(
        "--strict", action="store_true", help="stop at the first input that fails"
    )
    _finish(identify, "identify")

    simulate = commands.add_parser(
        "simulate",
        help="write the patterns of crystals as 16-bit images",
        description="Simulate the three patterns of each crystal structure and write them as 16-bit"
        " gray images that carry their q scale: NaCl.cif gives NaCl_x.tif, NaCl_y.tif, NaCl_z.tif.",
        epilog="Example: crystalsym simulate NaCl.cif --output patterns --format png",
    )
    simulate.add_argument("files", nargs="*", metavar="FILES", help="structures")
    simulate.add_argument("--examples", action="store_true", help="take the bundled crystals")
    simulate.add_argument("-o", "--output", required=True, metavar="DIR", help="folder to write to")
    simulate.add_argument("--format", choices=("tiff", "png"), default="tiff", help="(%(default)s)")
    simulate.add_argument("--image-size", type=_count, metavar="N", help="pixels per side (256)")
    simulate.add_argument(
        "--q-max", type=_positive, metavar="Q", help="q at the edge in 1/Å (1.457)"
    )
    simulate.add_argument(
        "--views", choices=("zone-axes", "symmetry-directions", "cartesian", "rotations"),
        default="symmetry-directions",
        help="beam directions (%(default)s, those of the bundled models)",
    )  # fmt: skip
    simulate.add_argument("--radiation", choices=("xray", "electron"), help="(xray)")
    simulate.add_argument(
        "--voltage", type=_positive, metavar="KV", help="of the electrons, sets their wavelength"
    )
    simulate.add_argument(
        "--engine", choices=("bragg", "lattice"), help="spots, or a block of cells (bragg)"
    )
    simulate.add_argument("--ewald", choices=("flat", "sphere"), help="(flat)")
    simulate.add_argument(
        "--strict", action="store_true", help="stop at the first input that fails"
    )
    _add_block(simulate)
    _finish(simulate, "simulate")

    shape = commands.add_parser(
        "shape",
        help="write patterns as the network sees them",
        description="Shape the patterns of crystal structures, or three images of one crystal, as"
        " a model's own pipeline does, and write them as 8-bit color PNG images.",
        epilog="Example: crystalsym shape NaCl.cif --output shaped",
    )
    shape.add_argument("files", nargs="+", metavar="FILES", help="structures, or three images")
    shape.add_argument("-o", "--output", required=True, metavar="DIR", help="folder to write to")
    _add_model(shape)
    shape.add_argument("--scale", type=_count, metavar="N", help="picture's pixels along the edge"
                       " of one of the network's (as many as make about 256)")  # fmt: skip
    shape.add_argument("--strict", action="store_true", help="stop at the first input that fails")
    _add_q_per_pixel(shape)
    _add_block(shape)
    _finish(shape, "shape")

    train = commands.add_parser(
        "train",
        help="train a model from a table of crystals",
        description="Train a pipeline on a table of labeled crystals as a TOML file says, and"
        " measure it on the crystals held out. Cut off at any moment and called again, it goes on"
        " from the last checkpoint with the same order of samples.",
        epilog="Example: crystalsym train benchmarks/train-72.toml --structures crystals.npz"
        " --output runs/72",
    )
    train.add_argument("config", metavar="CONFIG", help="TOML file")
    train.add_argument("--structures", metavar="FILE", help="table of crystals (.npz), instead of"
                       " the one that CONFIG names")  # fmt: skip
    train.add_argument("-o", "--output", required=True, metavar="DIR", help="folder to write to")
    train.add_argument(
        "--refit",
        action="store_true",
        help="once trained: again with the held-out crystals, into DIR/refitted",
    )
    train.add_argument("-j", "--jobs", type=int, metavar="N", help="jobs for standardizing")
    train.add_argument("--quiet", action="store_true", help="show no progress")
    _finish(train, "train")

    evaluate = commands.add_parser(
        "evaluate",
        help="measure a model on labeled crystals",
        description="Measure a model on a labeled table of crystals: on those held out from its"
        " training if this is the table it learned from, on all crystals of its groups otherwise."
        " Figures for all its groups, and for the paper's smaller label sets.",
        epilog="Example: crystalsym evaluate --structures crystals.npz --rows all --output figures",
    )
    evaluate.add_argument("--structures", required=True, metavar="FILE", help="table (.npz)")
    _add_model(evaluate)
    evaluate.add_argument(
        "--all", action="store_true", help="take all crystals of its groups, learned from or not"
    )
    evaluate.add_argument("--rows", metavar="NAMES", help="further figures, separated by commas:"
                          " unidealized, electrons, symprec-0.01, axes-permuted, scale-jittered,"
                          " unseen-30; or all")  # fmt: skip
    evaluate.add_argument("--limit", type=_count, metavar="N", help="take N crystals only, the"
                          " same every time")  # fmt: skip
    evaluate.add_argument("-o", "--output", metavar="DIR", help="write figures.json,"
                          " figures.txt and failures.csv, the crystals it got wrong")  # fmt: skip
    evaluate.add_argument("--cache", metavar="DIR", help="where standardized crystals are kept"
                          " (beside the table)")  # fmt: skip
    evaluate.add_argument("-j", "--jobs", type=int, default=-1, metavar="N",
                          help="jobs (all cores)")  # fmt: skip
    evaluate.add_argument("--json", action="store_true", help="print JSON instead of a table")
    evaluate.add_argument("--quiet", action="store_true", help="show no progress")
    _finish(evaluate, "evaluate")

    info = commands.add_parser(
        "info", help="show versions and bundled models", epilog="Example: crystalsym info"
    )
    _finish(info, "info")
    return parser


def _finish(parser: argparse.ArgumentParser, module: str) -> None:
    """Add what all commands share, and what runs them."""
    parser.add_argument("--debug", action="store_true", help="show tracebacks and libraries' logs")
    parser.set_defaults(run=_runner(module))


def _runner(module: str) -> Callable[[argparse.Namespace], int]:
    """The ``run`` of a command's module, imported when it is called and not before."""

    def run(args: argparse.Namespace) -> int:
        return int(importlib.import_module(f"crystalsym.cli._{module}").run(args))

    return run


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="72", metavar="NAME", help="bundled model, or a folder"
                        " that train wrote (%(default)s)")  # fmt: skip


def _add_q_per_pixel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--q-per-pixel", type=_positive, metavar="Q",
                        help="length of an image's pixel in 1/Å, where the files do not tell or"
                        " tell wrongly")  # fmt: skip


def _add_camera(parser: argparse.ArgumentParser) -> None:
    """Add what is to be known of images that a camera recorded."""
    group = parser.add_argument_group("images of a camera")
    group.add_argument("--camera", action="store_true", help="the images are a camera's: find the"
                       " beam, take off the ground, turn them, or refuse them")  # fmt: skip
    group.add_argument("--zones", nargs=3, metavar=("UVW", "UVW", "UVW"), help="zone axes of the"
                       " three images, such as 100 1-10 001 or [-1-10], where they are known;"
                       " implies --camera")  # fmt: skip
    group.add_argument("--order", choices=_ORDERS, metavar="ORDER", help="which zone each image is"
                       " where --zones are not given: zxy means z first, then x, then y; any: as"
                       " their lattices tell (xyz)")  # fmt: skip
    group.add_argument("--camera-length", type=_positive, metavar="MM", help="with --pixel-size and"
                       " --voltage or --wavelength, instead of --q-per-pixel")  # fmt: skip
    group.add_argument("--pixel-size", type=_positive, metavar="MM", help="of the detector")
    group.add_argument("--voltage", type=_positive, metavar="KV", help="of the electrons;"
                       " of structures: they scatter many times in them (200)")  # fmt: skip
    group.add_argument("--wavelength", type=_positive, metavar="Å", help="of the radiation")
    group.add_argument("--center", type=float, nargs=2, metavar=("COLUMN", "ROW"), help="direct"
                       " beam in pixels, where it is known (found by Friedel pairs)")  # fmt: skip
    group.add_argument("--mask", metavar="FILE", help="image that is not 0 where the others hold"
                       " no measurement")  # fmt: skip


def _add_block(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--block", metavar="NAME", help="data block of a CIF file, by name or by"
                        " its place among those with atoms (the first)")  # fmt: skip


def _count(text: str) -> int:
    return int(_number(text, int, "a whole number of at least 1", 1))


def _positive(text: str) -> float:
    return float(_number(text, float, "a positive number", math.ulp(0.0)))


def _fraction(text: str) -> float:
    value = _number(text, float, "a number between 0 and 1", math.ulp(0.0))
    if value >= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return float(value)


def _number(text: str, kind: Any, wanted: str, least: float) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= least):
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
    return value
