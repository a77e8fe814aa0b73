"""Samples and contributions in characters."""

import numpy as np

from coordinator.terminal.picture import picture


def test_an_image_stands_beside_its_contributions():
    """By hand: shares 1, −1, ⅓ and 0 of the largest, 4 marks each."""
    image, given = np.array([[0.0, 1.0], [0.5, 0.25]]), np.array([[3.0, -3.0], [1.0, 0.0]])
    assert list(picture(image, given)) == ["  @@  |  ##==", "++::  |  ''"]


def test_channels_are_averaged_and_their_contributions_added():
    image, given = np.zeros((1, 2, 2)), np.array([[[1.0, 1.0], [-2.0, 0.0]]])
    image[0, 1] = 0, 2
    assert list(picture(image, given)) == ["  @@  |  ##=="]


def test_features_are_lines_with_bars():
    assert list(picture(np.array([1.0, 2.0]), np.array([0.5, -1.0]))) == [
        "   0           1        +0.5  ##########", "   1           2          -1  ===================="]


def test_what_is_all_the_same_is_blank():
    assert list(picture(np.ones((1, 2)), np.zeros((1, 2)))) == ["      |"]
