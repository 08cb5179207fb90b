"""Pages of answers: complete, self-contained, escaped, and the same every time."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from crystalsym import DiffractionSimulator, pretrained
from crystalsym.datasets import example_crystals
from crystalsym.identification import (
    Identification,
    identify,
    identify_images,
    identify_reflections,
    model_pipeline,
)
from crystalsym.measurement import CameraImages, ReflectionSimulator, SpotFinder
from crystalsym.reports import write_report
from crystalsym.reports._html_page import DARK, LIGHT

pytestmark = pytest.mark.skipif(not pretrained.available(), reason="no model is in this tree")

HOSTILE = '<script>alert("x")</script>&$\\frac{1}{2}$.cif'
PLAIN = Identification("salt.cif", "Cl4Na4", 225, True, ((225, 0.9), (216, 0.1)), (216, 225), 1.0)


class Reader(HTMLParser):
    """Collect tags and texts, and check that what is opened is closed."""

    VOID = {"meta", "img", "source", "br"}  # noqa: RUF012

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def written(tmp_path, answers, **options):
    path = write_report(tmp_path / "out.html", answers, **options)
    text = path.read_text(encoding="utf-8")
    return text, Reader(text)


@pytest.fixture(scope="module")
def structure():
    crystals = [example_crystals()["TiO2-rutile"]]
    return identify(crystals), model_pipeline("72")["simulate"].transform(crystals)


@pytest.fixture(scope="module")
def images():
    views = [[1, 0, 0], [1, -1, 0], [0, 0, 1]]
    spots = DiffractionSimulator(views=views, output="spots").transform(
        [example_crystals()["TiO2-rutile"]]
    )
    return CameraImages(256, spot_sigma=1.0, rotate=True).render(spots)[0]


def test_sections_are_named_by_their_headings(tmp_path, structure):
    answers, spots = structure
    _, page = written(tmp_path, answers, patterns=spots)
    named = [section["aria-labelledby"] for section in page.all("section")]
    assert named == [heading["id"] for heading in page.all("h2")] == ["answer-1", "provenance"]


def test_a_structure_has_ranking_patterns_and_provenance(tmp_path, structure):
    answers, spots = structure
    text, page = written(tmp_path, answers, patterns=spots)
    alts = [image["alt"] for image in page.all("img")]
    assert len(alts) == 2
    assert alts[0].startswith("Bars of probability; the first groups are P4_2/mnm (136)")
    assert "what the network saw" in text
    card = pretrained.model_card("72")
    assert card["weights_sha256"] in text
    assert f"{100 * card['evaluation'][0]['top1']:.2f} %" in text
    assert "P4<sub>2</sub>/mnm (136)" in text


def test_nothing_is_loaded_and_no_script_runs(tmp_path, structure):
    answers, spots = structure
    text, page = written(tmp_path, answers, patterns=spots)
    links = [value for _, attrs in page.tags for key, value in attrs.items()
             if key in ("src", "href", "srcset")]  # fmt: skip
    assert links
    assert all(link.startswith(("data:image/", "#")) for link in links)
    assert "url(" not in text
    assert not page.all("script")
    assert not page.all("link")
    (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none'")


def test_anchors_lead_somewhere_and_headings_do_not_skip(tmp_path, structure):
    answers, spots = structure
    _, page = written(tmp_path, answers, patterns=spots)
    places = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    assert {a["href"][1:] for a in page.all("a")} <= places
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(np.diff(levels)) <= 1
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("meta")[-1]["name"] == "viewport"


def test_pictures_are_for_light_and_dark(tmp_path, structure):
    answers, spots = structure
    _, page = written(tmp_path, answers, patterns=spots)
    dark = [source for source in page.all("source") if "dark" in source["media"]]
    assert len(dark) == len(page.all("img")) == 2
    drawn = (page.all("img")[1]["src"], dark[1]["srcset"])  # of pixels
    corners = [
        Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))
        .convert("RGB")
        .getpixel((0, 0))
        for uri in drawn
    ]
    shown = ["#" + "".join(f"{value:02x}" for value in corner) for corner in corners]
    assert shown == [LIGHT["ground"], DARK["ground"]]


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_read_on_its_ground(colors):
    from matplotlib.colors import to_rgb

    from crystalsym.plotting._palette import luminance

    ground = luminance(to_rgb(colors["ground"]))
    for name in ("text", "faint"):
        low, high = sorted((luminance(to_rgb(colors[name])), ground))
        assert (high + 0.05) / (low + 0.05) > 4.5


def test_names_are_text_whatever_they_hold(tmp_path):
    hostile = replace(PLAIN, source=HOSTILE, warnings=(f"see {HOSTILE}",), formula='"><img src=x>')
    failed = Identification(HOSTILE, error=f"{HOSTILE}: no such file")
    _, page = written(tmp_path, [hostile, failed], title=HOSTILE)
    assert not page.all("script")
    assert not [image for image in page.all("img") if image["src"] == "x"]
    assert "".join(page.texts).count('<script>alert("x")</script>') >= 5


def test_the_same_answers_give_the_same_page(tmp_path):
    first, _ = written(tmp_path, [PLAIN])
    second, _ = written(tmp_path, [PLAIN])
    assert first == second


def test_many_answers_have_bounded_pictures(tmp_path):
    answers = [replace(PLAIN, source=f"{i}.cif") for i in range(7)]
    text, page = written(tmp_path, answers, most=2)
    assert len(page.all("img")) == 2
    assert "the first 2 have sections of their own" in text
    assert all(f"{i}.cif" in text for i in range(7))
    assert len([a for a in page.all("a") if a["href"].startswith("#answer")]) == 2


def test_a_list_brings_layers_and_evidence(tmp_path):
    (measured,) = ReflectionSimulator(random_state=0).transform([example_crystals()["TiO2-rutile"]])
    answers = identify_reflections([measured])
    text, page = written(tmp_path, answers)
    assert len(page.all("img")) == 3  # ranking, layers, evidence
    assert "Laue class" in text
    assert len(page.all("details")) == 1
    first = answers[0].evidence.table().splitlines()[0].strip()
    assert first in "".join(page.texts)


def test_images_show_what_was_found(tmp_path, images):
    finder = SpotFinder(zones=["100", "1-10", "001"])
    answers = identify_images([images], finder=finder, names=["rutile"])
    text, page = written(tmp_path, answers)
    assert "[100] [1-10] [001] (as given)" in text
    assert len([f for f in page.all("figure") if f.get("class") == "panel"]) == 9
    shown = page.all("img")[1]["src"]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown.split(",", 1)[1]))))
    assert min(picture.shape[:2]) > 200
    assert picture.std() > 5


def test_a_refused_image_says_why_on_itself(tmp_path, images):
    noise = np.random.default_rng(0).poisson(10.0, (256, 256)).astype(np.uint16)
    color = np.zeros((64, 64, 3), np.uint8)
    color[20:30, 20:30, 0] = 200
    finder = SpotFinder(0.0114)
    answers = identify_images([[images[0], noise, color]], finder=finder, names=["mixed"])
    assert not answers[0].ranking
    text, page = written(tmp_path, answers)
    for reason in ("Refused: too few spots (0)", "Refused: a color picture"):
        assert reason in text
    panels = [f for f in page.all("figure") if f.get("class") == "panel"]
    assert len(panels) == 3 + 1 + 1  # the noise has no spots to show, the picture nothing at all


def test_what_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"out\.txt: the name of a report ends in \.html"):
        write_report(tmp_path / "out.txt", [PLAIN])
    with pytest.raises(ValueError, match="no answer"):
        write_report(tmp_path / "out.html", [])
    with pytest.raises(ValueError, match="patterns has 1 entries for 2 answers"):
        write_report(tmp_path / "out.html", [PLAIN, PLAIN], patterns=[None])
    with pytest.raises(OSError):
        write_report(tmp_path / "nowhere" / "out.html", [PLAIN])
