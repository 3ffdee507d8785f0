"""Crops of tracks: the best frame is there at the end, in whatever order frames come and whoever is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.errors import BadInput
from emendo.image.encode import jpeg_bytes
from emendo.image.load import read_image
from emendo.pages.tracks import Track, quality, take_frame, take_frames, take_picture
from emendo.tools.files import PARTIAL

from ..plates import plate

FRAMES = [
    jpeg_bytes(plate("KTR4821", size=size, blur=blur))
    for size, blur in (((80, 40), 0), ((320, 160), 0), ((320, 160), 3.0), ((400, 60), 0), ((160, 80), 1.0))
]
BEST = 1


def test_sharp_large_and_plate_shaped_wins() -> None:
    scores = [quality(plate("KTR4821", size=size, blur=blur)).score for size, blur in (((80, 40), 0), ((320, 160), 0))]
    assert scores[0] < scores[1]
    assert quality(plate("KTR4821", blur=3.0)).sharpness < quality(plate("KTR4821")).sharpness
    assert quality(plate("KTR4821", size=(320, 320))).aspect < 1 == quality(plate("KTR4821")).aspect
    assert quality(plate("KTR4821", size=(400, 40))).aspect < 1


@pytest.mark.parametrize("order", [*permutations(range(3)), (4, 3, 2, 1, 0), (1, 0, 1, 2, 1, 3)])
def test_the_best_frame_wins_in_any_order(tmp_path: Path, order: tuple[int, ...]) -> None:
    target = tmp_path / "CAM1_track7.jpg"
    for at in order:
        take_frame(FRAMES[at], target)
    assert target.read_bytes() == FRAMES[BEST]
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == [target.name]


def test_what_is_there_and_damaged_gives_way_and_what_comes_damaged_does_not(tmp_path: Path) -> None:
    target = tmp_path / "CAM1_track7.jpg"
    target.write_bytes(b"\xff\xd8\xff cut short")
    assert take_frame(FRAMES[0], target)
    with pytest.raises(BadInput):
        take_frame(b"\xff\xd8\xff cut short", target)
    assert target.read_bytes() == FRAMES[0] and not list(tmp_path.glob(f"{PARTIAL}*"))


def test_frames_are_taken_from_folders_and_bad_ones_named(tmp_path: Path) -> None:
    day = tmp_path / "in" / "2026-11-20"
    day.mkdir(parents=True)
    for at, data in enumerate(FRAMES):
        (day / f"CAM-2_track12_{at:03}.jpg").write_bytes(data)
    loose = tmp_path / "CAM1_track3.jpg"
    loose.write_bytes(FRAMES[0])
    os.utime(loose, (1_795_000_000, 1_795_000_000))
    (day / "holiday.jpg").write_bytes(FRAMES[0])
    (day / "CAM-2_track13.jpg").write_bytes(b"no picture")
    out = tmp_path / "crops"
    taken = take_frames([tmp_path / "in", loose, tmp_path / "CAM1_track9.jpg"], out)
    assert (out / "2026-11-20" / "CAM-2_track12.jpg").read_bytes() == FRAMES[BEST]
    assert (out / "2026-11-18" / "CAM1_track3.jpg").read_bytes() == FRAMES[0]
    assert len(taken.tracks) == 2 and taken.better + taken.kept == 6
    assert len(taken.failures) == 3
    assert any("holiday.jpg: the name does not say camera and track" in one for one in taken.failures)
    assert any("CAM-2_track13.jpg" in one and "no image" in one for one in taken.failures)
    again = take_frames([tmp_path / "in"], out)
    assert (again.better, again.kept) == (0, 5)


def test_a_camera_program_gives_pictures_in_memory(tmp_path: Path) -> None:
    track = Track("CAM1", 7, "2026-11-20")
    assert take_picture(plate("KTR4821"), track, tmp_path)
    assert not take_picture(plate("KTR4821", blur=2.0), track, tmp_path)
    assert not take_picture(plate("KTR4821"), track, tmp_path)
    assert read_image(tmp_path / track.file).shape == (160, 320, 3)


@given(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_a_name_never_leads_out_of_the_folder(name: str) -> None:
    try:
        track = Track.of(Path("2026-11-20") / f"{name}_track5.jpg")
    except BadInput:
        return
    assert Path(track.file).parts[0] == "2026-11-20" and len(Path(track.file).parts) == 2
    assert not Path(track.file).name.startswith(".")


@given(st.integers(1, 900), st.integers(1, 900), st.integers(0, 255))
@settings(max_examples=40, deadline=None)
def test_a_score_is_a_share_whatever_the_picture(height: int, width: int, grey: int) -> None:
    one = quality(np.full((height, width, 3), grey, np.uint8))
    assert 0 <= one.score <= 1 and 0 < one.aspect <= 1 and 0 < one.size <= 1


WRITER = """
import sys
from pathlib import Path
from emendo.pages.tracks import take_frame
frames = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
print("ready", flush=True)
while True:
    for number in range(40):
        take_frame(frames[number % len(frames)], Path(sys.argv[2]) / f"CAM1_track{number % 4}.jpg")
"""


def test_kill_and_many_writers_leave_only_whole_and_best_crops(tmp_path: Path) -> None:
    frames, out = tmp_path / "frames", tmp_path / "2026-11-20"
    frames.mkdir()
    for at, data in enumerate(FRAMES):
        (frames / f"{at}.jpg").write_bytes(data)
    command = [sys.executable, "-c", WRITER, str(frames), str(out)]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    rng = random.Random(1)
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    for writer in writers:
        time.sleep(rng.uniform(0.05, 0.3))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        for path in out.glob("CAM*.jpg"):
            assert path.read_bytes() in FRAMES
    for number in range(4):
        for data in rng.sample(FRAMES, len(FRAMES)):
            take_frame(data, out / f"CAM1_track{number}.jpg")
        assert (out / f"CAM1_track{number}.jpg").read_bytes() == FRAMES[BEST]
    assert not list(out.glob(f"{PARTIAL}*"))
