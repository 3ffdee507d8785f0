"""How large a light installation is, on x86-64 and on a Raspberry Pi class machine (aarch64), and what a page costs.

    emendo bench install                    both wheels built, resolved and measured for both platforms
    emendo bench install --run              also installed here in fresh environments, which read a page and a crop

Both distributions (`emendo`, `emendo-device`) are built from this checkout; then pip resolves them for each platform
with wheels only (nothing could be compiled), and what the wheels unpack to is added up, in megabytes of 10^6 bytes.
`compiled` estimates what pip adds when it compiles: as much as the Python sources take, which is near what was seen.
With `--run` the peak memory (RSS) of reading one page is taken from the kernel (wait4), and the page is read once more
under a limit on data memory (RLIMIT_DATA).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
MEGABYTE = 1e6
LIMITS = {"emendo": 350, "emendo-device": 170}
FOLDERS = {"emendo": TREE, "emendo-device": TREE / "deploy" / "device"}
PLATFORMS = ("x86_64", "aarch64")
GLIBC = ("2_28", "2_27", "2_26", "2_24", "2_17")
UNWANTED = {"torch", "opencv_python_headless", "opencv_python", "onnx", "rapidocr", "wordfreq"}
MEMORY = 512 * 2**20


@dataclass(frozen=True)
class Size:
    """Bytes of one distribution's wheel, unpacked, and how many of them are Python sources."""

    name: str
    version: str
    unpacked: int
    sources: int


def built(name: str, folder: Path) -> Path:
    """The wheel of a distribution, built from this checkout with what is installed here."""
    command = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(FOLDERS[name])]
    _pip(*command)
    return next(folder.glob(f"{name.replace('-', '_')}-[0-9]*.whl"))


def resolved(wheel: Path, platform: str, folder: Path) -> list[Path]:
    """The wheel and all that it needs, as wheels for CPython 3.11 on Linux; fails where one would have to be built."""
    tags = [part for glibc in GLIBC for part in ("--platform", f"manylinux_{glibc}_{platform}")]
    tags += ["--platform", f"manylinux2014_{platform}"]
    pins = ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "abi3", "--abi", "none"]
    _pip("download", "--quiet", "--only-binary=:all:", *tags, *pins, "--dest", str(folder), str(wheel))
    return sorted(folder.glob("*.whl"))


def size_of(wheel: Path) -> Size:
    """What a wheel unpacks to."""
    name, version = wheel.name.split("-")[:2]
    with zipfile.ZipFile(wheel) as held:
        entries = held.infolist()
    sources = sum(one.file_size for one in entries if one.filename.endswith(".py"))
    return Size(name, version, sum(one.file_size for one in entries), sources)


def show(name: str, sizes: dict[str, list[Size]]) -> bool:
    """A table by distribution; whether both platforms are within the limit as installed (without compiled files)."""
    held = {platform: {one.name: one for one in found} for platform, found in sizes.items()}
    names = Counter[str]()
    for found in held.values():
        for one in found.values():
            names[one.name] = max(names[one.name], one.unpacked)
    print(f"\n{name}: megabytes unpacked\n{'':28}" + "".join(f"{platform:>12}" for platform in held))
    for key, _ in names.most_common():
        cells = (f"{found[key].unpacked / MEGABYTE:.1f}" if key in found else "-" for found in held.values())
        print(f"{key:28}" + "".join(f"{cell:>12}" for cell in cells))
    good = True
    totals = {platform: sum(one.unpacked for one in found.values()) for platform, found in held.items()}
    compiled = {platform: sum(one.sources for one in found.values()) for platform, found in held.items()}
    print(f"{'all':28}" + "".join(f"{total / MEGABYTE:12.1f}" for total in totals.values()))
    print(f"{'all, compiled':28}" + "".join(f"{(totals[p] + compiled[p]) / MEGABYTE:12.1f}" for p in totals))
    for platform, found in held.items():
        unwanted = UNWANTED & set(found)
        good = good and totals[platform] <= LIMITS[name] * MEGABYTE and not unwanted
        print(f"{platform}: {len(found)} wheels, asked <= {LIMITS[name]} MB; unwanted: {', '.join(unwanted) or 'none'}")
    return good


def installed(wheel: Path, place: Path, *, compiled: bool) -> Path:
    """A fresh environment with the wheel in it; returns its Python."""
    venv.create(place, with_pip=False)
    python = place / "bin" / "python"
    options = [] if compiled else ["--no-compile"]
    _pip("--python", str(python), "install", "--quiet", "--only-binary=:all:", *options, str(wheel))
    files = [path for path in place.rglob("*") if path.is_file() and not path.is_symlink()]
    total = sum(path.stat().st_size for path in files)
    bytecode = sum(path.stat().st_size for path in files if path.suffix == ".pyc")
    print(f"\n{wheel.name} installed: {total / MEGABYTE:.1f} MB, of which {bytecode / MEGABYTE:.1f} MB compiled files")
    return python


def peak(python: Path, arguments: list[str], cache: Path, *, limit: int = 0) -> tuple[int, float, str]:
    """Exit status, peak RSS in MB and output of one command; with `limit` bytes of data memory at most."""
    environment = {"PATH": os.environ["PATH"], "EMENDO_CACHE": str(cache), "OMP_NUM_THREADS": "1", "HOME": str(cache)}
    if limit:
        environment["MALLOC_ARENA_MAX"] = "1"
    confined = ["prlimit", f"--data={limit}"] if limit else []
    command = [*confined, str(python), "-m", "emendo", *arguments]
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(command, stdout=said, stderr=said, env=environment, cwd=cache)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return child.returncode, used.ru_maxrss / 1024, said.read().strip()


def run(wheels: dict[str, Path], work: Path) -> bool:
    """Install both, read pages with the one and crops with the other."""
    cache = work / "cache"
    cache.mkdir()
    data = Path(os.environ["EMENDO_DATA"])
    pages = {}
    for what, place in (("typed page", "pages_typed/images"), ("Peraire page", "peraire/raw_alto")):
        source = sorted((data / place).glob("*.jpg"))[0]
        pages[what] = Path(shutil.copy(source, work))  # without the layout file beside it
    python = installed(wheels["emendo"], work / "full", compiled=True)
    good = True
    for model in ("base", "auto"):
        for what, page in pages.items():
            read = ["read", str(page), "--model", model, "--threads", "1", "--out"]
            peak(python, [*read, str(work / f"warm-{model}")], cache)  # the first run converts the models
            for limit in (0, MEMORY):
                target = work / f"{model}-{page.stem}-{limit}"
                status, megabytes, said = peak(python, [*read, str(target)], cache, limit=limit)
                good = good and status == 0
                told = f"data memory <= {limit >> 20} MB" if limit else "no limit"
                print(f"{what}, {model}, {told}: exit {status}, peak {megabytes:.0f} MB; {said.splitlines()[-1][:90]}")
    python = installed(wheels["emendo-device"], work / "device", compiled=False)
    bundle = next(path for path in cache.glob("base-*") if path.name.count("-") == 1)
    rows = [json.loads(line) for line in (data / "plates" / "lines.jsonl").read_text().splitlines()]
    crops = [str(data / "plates" / row["image"]) for row in rows if row["split"] == "val"][:10]
    status, megabytes, said = peak(python, ["read", *crops, "--crops", "--model", str(bundle), "--json"], cache)
    readings = said.count("confidence")
    print(f"{len(crops)} plates on the device: exit {status}, peak {megabytes:.0f} MB; {readings} readings")
    return good and status == 0


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", *arguments], check=True, stderr=subprocess.DEVNULL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", action="store_true", help="install both here and read with them")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="emendo-install-") as held:
        work = Path(held)
        wheels = {name: built(name, work / "built") for name in LIMITS}
        good = True
        for name, wheel in wheels.items():
            found = {p: resolved(wheel, p, work / f"{name}-{p}") for p in PLATFORMS}
            good &= show(name, {p: [size_of(one) for one in some] for p, some in found.items()})
        if asked.run:
            good &= run(wheels, work)
    print("\nall within what was asked" if good else "\nNOT within what was asked")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
