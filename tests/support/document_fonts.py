"""Make the fonts of our PDF documents at set-up: one TrueType file a weight, of the web fonts that npm brought.

A PDF takes TrueType alone, and the web fonts are variable and cut by script. Figures get one width, as a column of
amounts needs: the PDF library asks a font for no features. The files say no time, so that they are the same everywhere.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from fontTools.merge import Merger, Options
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

SCRIPTS = ("latin", "latin-ext", "cyrillic", "cyrillic-ext", "greek")
WEIGHTS = {"regular": 400, "semibold": 600}
DIGITS = "0123456789"
NO_TIME = 3_850_070_400  # 2026-01-01, in seconds since 1904
FEATURES = ["GSUB", "GPOS", "GDEF", "STAT", "prep", "gasp"]  # nothing reads them


def main(source: Path, target: Path) -> None:
    """Write ``inter-regular.ttf`` and ``inter-semibold.ttf`` into ``target``."""
    target.mkdir(parents=True, exist_ok=True)
    for name, weight in WEIGHTS.items():
        with tempfile.TemporaryDirectory() as folder:
            parts = [_instance(source, script, weight, Path(folder)) for script in SCRIPTS]
            whole = Merger(Options(drop_tables=FEATURES)).merge([str(part) for part in parts])
        whole.recalcTimestamp = False
        whole["head"].created = whole["head"].modified = NO_TIME
        whole.save(target / f"inter-{name}.ttf")


def _instance(source: Path, script: str, weight: int, folder: Path) -> Path:
    """Write one script in one weight, its figures as wide as each other."""
    with TTFont(source / f"inter-{script}-wght-normal.woff2", recalcTimestamp=False) as variable:
        font = instantiateVariableFont(variable, {"wght": weight}, static=True)
        figures = _tabular_figures(font)
        for table in font["cmap"].tables:
            plain = {ord(digit): table.cmap[ord(digit)] for digit in DIGITS if ord(digit) in table.cmap}
            table.cmap |= {char: figures.get(glyph, glyph) for char, glyph in plain.items()}
        font.flavor = None
        path = folder / f"{script}.ttf"
        font.save(path)
    return path


def _tabular_figures(font: TTFont) -> dict[str, str]:
    """Return which glyph takes the place of which where the feature ``tnum`` is on."""
    table = font["GSUB"].table
    places = {
        place
        for feature in table.FeatureList.FeatureRecord
        if feature.FeatureTag == "tnum"
        for place in feature.Feature.LookupListIndex
    }
    found: dict[str, str] = {}
    for place in places:
        for lookup in table.LookupList.Lookup[place].SubTable:
            single = getattr(lookup, "ExtSubTable", lookup)
            found |= getattr(single, "mapping", {})
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
