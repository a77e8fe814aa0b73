"""image_masks and image_boxes: pictures with what is in them."""

import numpy as np
import pytest

from tests.worker.datasets import files
from worker.datasets import FORMATS, DataRoot
from worker.errors import BadSample

pytest.importorskip("PIL", reason="needs Pillow: pip install 'bptrain[images]'")
PIXELS = files.pixels(6, 8, 10, 3)
MASKS = np.random.default_rng(1).integers(0, 3, (6, 8, 10)).astype(np.uint8)


@pytest.fixture
def masks(tmp_path):
    for i in range(6):
        files.picture(tmp_path / "x" / f"{i}.png", PIXELS[i])
        files.picture(tmp_path / "y" / f"{i}.tif", np.array([0, 100, 255], np.uint8)[MASKS[i]])
    return lambda **more: FORMATS.build({"image_masks": {"path": "x", "masks": "y", "values": [0, 100, 255]} | more}).open(DataRoot(tmp_path))


def test_a_mask_is_the_class_of_each_pixel(masks):
    data = masks()
    batch = data.read(np.array([5, 2]))
    assert (batch["x"] == (PIXELS[[5, 2]] / 255).astype(np.float32)).all() and (batch["y"] == MASKS[[5, 2]]).all()
    assert data.fields["y"].classes == 3


def test_scaling_mixes_no_classes(masks):
    assert masks(size=[5, 7]).read(np.arange(6))["y"].shape == (6, 5, 7)


def test_a_pixel_of_no_class_is_named(masks):
    with pytest.raises(BadSample, match="^y/0.tif: expected pixels of 0, 255, got 100"):
        masks(values=[0, 255]).read(np.arange(1))


def test_a_picture_without_a_mask_is_named(masks, tmp_path, refused):
    (tmp_path / "y" / "3.tif").unlink()
    assert refused(masks) == ["masks: expected a mask for each picture, but x/3.png stands alone"]


@pytest.fixture
def boxes(tmp_path):
    def open(lines, learned={}, **more):
        for i in range(6):
            files.picture(tmp_path / "x" / f"{i}.png", PIXELS[i])
        (tmp_path / "boxes.tsv").write_text("".join("\t".join(map(str, line)) + "\n" for line in lines))
        component = {"image_boxes": {"path": "x", "boxes": "boxes.tsv", "grid": [2, 5]} | more}
        return FORMATS.build(component).open_with(DataRoot(tmp_path), learned)

    return open


@pytest.mark.parametrize("more", [{}, {"size": [16, 5]}])
def test_a_box_is_in_the_cell_of_its_middle(boxes, more):
    """Left 4, top 1, 3 wide, 2 high, in 10 × 8: the middle is at 5.5, 2, so in row 0, column 2, half down and ¾ across."""
    data = boxes([("1.png", "dog", 4, 1, 3, 2), ("1.png", "cat", 0, 5, 1, 1), ("3.png", "cat", 8, 6, 2, 2)], **more)
    batch = data.read(np.arange(6))
    assert batch["class"][1].tolist() == [[0, 0, 2, 0, 0], [1, 0, 0, 0, 0]] and batch["mask"].sum() == 3
    assert np.allclose(batch["box"][1, 0, 2], [0.5, 0.75, 2 / 8, 3 / 10]) and batch["class"][0].sum() == 0
    assert data.learned == {"classes": ["cat", "dog"]}


def test_the_largest_box_of_a_cell_is_kept(boxes):
    data = boxes([("0.png", "a", 0, 0, 2, 4), ("0.png", "b", 0, 0, 2, 2)])
    assert data.read(np.array([0]))["class"][0, 0, 0] == 1


@pytest.mark.parametrize(("line", "text"), [
    (("0.png", "a", 1, 2, 3), 'boxes: boxes.tsv, line 1: expected picture, class, left, top, width, height, with tabs between them, got "0.png\\ta\\t1\\t2\\t3"'),
    (("9.png", "a", 1, 2, 3, 4), 'boxes: boxes.tsv: expected pictures of the folder, but "x/9.png" is not there'),
])
def test_a_line_that_does_not_fit(boxes, refused, line, text):
    assert refused(lambda: boxes([line])) == [text]


def test_a_box_beside_its_picture_is_named(boxes):
    with pytest.raises(BadSample, match="^x/1.png: expected boxes whose middle is in the picture, 10 wide and 8 high, "
                                        r"got \(left 40, top 1, width 3, height 2\)"):
        boxes([("1.png", "dog", 40, 1, 3, 2)]).read(np.arange(6))
