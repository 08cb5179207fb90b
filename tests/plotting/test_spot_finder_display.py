"""What the display of found spots draws."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from crystalsym import DiffractionSimulator
from crystalsym.cli import main
from crystalsym.datasets import example_crystals
from crystalsym.measurement import CameraImages, SpotFinder
from crystalsym.plotting import SpotFinderDisplay


@pytest.fixture(scope="module")
def images():
    spots = DiffractionSimulator(output="spots").transform([example_crystals()["TiO2-rutile"]])
    camera = CameraImages(
        256, spot_sigma=1.2, background=0.005, off_center=4, rotate=True, random_state=0
    )
    return camera.render(spots)


def test_a_row_for_each_image(images):
    found = SpotFinder(q_max=1.457).find(images)[0]
    display = SpotFinderDisplay(found).plot()
    assert display.axes_.shape == (3, 3)
    for image, axes in zip(found.images, display.axes_[:, 2], strict=True):
        assert f"({image.lattice.n_explained} spots)" in axes.get_title()
    plt.close(display.figure_)


def test_refused_images_are_drawn_as_well():
    noise = np.random.default_rng(0).poisson(10.0, (1, 3, 128, 128))
    found = SpotFinder(q_per_pixel=0.01).find(noise)[0]
    display = SpotFinderDisplay(found).plot()
    assert display.axes_.shape == (3, 3)
    plt.close(display.figure_)


def test_the_command_takes_camera_images(images, tmp_path, capsys):
    files = [tmp_path / f"{name}.npy" for name in "abc"]
    for file, pattern in zip(files, images[0], strict=True):
        np.save(file, pattern.image)
    scale = str(images[0][0].q_per_pixel)
    command = ["identify", *map(str, files), "--camera", "--q-per-pixel", scale]
    assert main([*command, "--model", "72-small"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    (first,) = [row for row in rows if row[:1] == ["1"]]
    assert first[1] == "136"
