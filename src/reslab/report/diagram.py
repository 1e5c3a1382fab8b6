"""A network drawn as in the paper's Figure 3: layers, shortcuts solid and dotted, sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from reslab.errors import ConfigError
from reslab.files.atomic import write_atomically
from reslab.networks.complexity import describe_network
from reslab.networks.config import NetworkConfig
from reslab.report.diagram_parts import Part, Shortcut, fold, list_parts

MARGIN = 12
BOX_LEFT, BOX_WIDTH, BOX_HEIGHT = 92, 150, 22
BOX_GAP, BLOCK_GAP = 12, 22
ARC_OUT, CORNER = 26, 12
WIDTH = 430
CENTRE = BOX_LEFT + BOX_WIDTH / 2
FOLD_BEYOND = 60
"""Drawn layers; longer networks leave out blocks that are like their neighbours."""
NOTES = (
    ("solid", "identity shortcut, or one that keeps the dimensions"),
    ("dotted", "shortcut where the dimensions change"),
)


@dataclass(frozen=True, kw_only=True)
class DiagramColours:
    """Colours of a diagram; a box's text is dark, since all boxes are light."""

    ink: str
    muted: str
    plain: str = "#eceff3"
    """Boxes of stem and head."""
    stages: tuple[str, ...] = ("#ddd3ee", "#d3e8cf", "#f6d3d0", "#cfe3f3")
    """Boxes of the stages, as in the paper."""
    box_ink: str = "#1d2430"


LIGHT = DiagramColours(ink="#1d2430", muted="#535d6c")
DARK = DiagramColours(ink="#e6e9ee", muted="#a7b0bd")


def draw_network(
    config: NetworkConfig, *, colours: DiagramColours = LIGHT, whole: bool = False
) -> str:
    """Draw a network from top to bottom.

    Args:
        config: the network.
        colours: for a light page by default; the background is left clear.
        whole: draw every block of long networks too.

    Returns:
        An SVG document. Shortcuts are drawn to the right of each block, solid where the dimensions
        stay and dotted where they change (He et al. 2016, Fig. 3); the size of the maps stands to
        the left where it changes.

    Raises:
        ConfigError: if the block or shortcut is unknown.
    """
    description = describe_network(config)
    parts = list_parts(config, description)
    if not whole and sum(len(part.boxes) for part in parts) > FOLD_BEYOND:
        parts = fold(parts)
    return _Drawing(colours).draw(
        parts,
        title=config.name,
        summary=(
            f"{description.weighted_layers} weighted layers, {description.params:,} parameters",
            f"{description.macs:,} multiply-adds for one image",
        ),
    )


def save_diagram(config: NetworkConfig, path: Path) -> None:
    """Write the drawing of a network as an SVG file, on white.

    Raises:
        ConfigError: if the file cannot be written, or the block or shortcut is unknown.
    """
    drawing = draw_network(config).replace("<svg ", '<svg style="background:white" ', 1)
    try:
        write_atomically(path, drawing.encode())
    except OSError as error:
        raise ConfigError(
            f"cannot write {path}: {error.strerror}. Give a file in a folder that exists."
        ) from error


class _Drawing:
    """Pen and paper: `y` is how far down the drawing has come."""

    def __init__(self, colours: DiagramColours) -> None:
        self.colours = colours
        self.root = Element("svg", xmlns="http://www.w3.org/2000/svg", role="img")
        self.y = float(MARGIN)
        self.size: int | None = None

    def draw(self, parts: Sequence[Part], title: str, summary: Sequence[str]) -> str:
        """Draw all parts between title and notes."""
        SubElement(self.root, "title").text = _printable(f"{title}: {', '.join(summary)}")
        self._define_arrow()
        self.y += 14
        self._write(MARGIN, self.y, title, size=15, bold=True)
        for line in summary:
            self.y += 17
            self._write(MARGIN, self.y, line, colour=self.colours.muted)
        self.y += 12
        self._write(CENTRE, self.y + 10, "image", anchor="middle")
        self.y += 14
        for part in parts:
            self._draw_part(part)
        self.y += BLOCK_GAP
        if any(part.shortcut for part in parts):
            self._draw_notes()
        height = self.y + MARGIN
        self.root.attrib |= {
            "viewBox": f"0 0 {WIDTH} {height:g}",
            "width": str(WIDTH),
            "height": f"{height:g}",
            "font-family": "system-ui, sans-serif",
            "font-size": "12",
        }
        return tostring(self.root, encoding="unicode")

    def _draw_part(self, part: Part) -> None:
        if part.left_out:
            self._draw_left_out(part)
            return
        joint = self.y + BLOCK_GAP / 2 - 2
        if part.size != self.size:
            self._write(MARGIN, self.y + BLOCK_GAP + 15, f"{part.size}×{part.size}")
            self.size = part.size
        for i, text in enumerate(part.boxes):
            gap = BLOCK_GAP if i == 0 else BOX_GAP
            self._line(f"M{CENTRE:g} {self.y:g}V{self.y + gap - 1:g}", arrow=True)
            self.y += gap
            self._draw_box(text, part.stage)
        if part.shortcut is not None:
            self._draw_shortcut(part.shortcut, joint, self.y + BLOCK_GAP / 2 - 2)

    def _draw_box(self, text: str, stage: int | None) -> None:
        stages = self.colours.stages
        fill = self.colours.plain if stage is None else stages[stage % len(stages)]
        SubElement(
            self.root,
            "rect",
            x=f"{BOX_LEFT}",
            y=f"{self.y:g}",
            width=f"{BOX_WIDTH}",
            height=f"{BOX_HEIGHT}",
            rx="3",
            fill=fill,
            stroke=self.colours.ink,
        )
        self._write(CENTRE, self.y + 15, text, colour=self.colours.box_ink, anchor="middle")
        self.y += BOX_HEIGHT

    def _draw_left_out(self, part: Part) -> None:
        end = self.y + 3 * BLOCK_GAP
        self._line(f"M{CENTRE:g} {self.y:g}V{end:g}", dots="2 5")
        noun = "block" if part.left_out == 1 else "blocks"
        self._write(CENTRE + 14, self.y + 40, f"{part.left_out} more {noun} like these")
        self.y = end

    def _draw_shortcut(self, shortcut: Shortcut, start: float, end: float) -> None:
        right = BOX_LEFT + BOX_WIDTH + ARC_OUT
        self._line(
            f"M{CENTRE:g} {start:g}H{right - CORNER}Q{right} {start:g} {right} {start + CORNER:g}"
            f"V{end - CORNER:g}Q{right} {end:g} {right - CORNER} {end:g}H{CENTRE + 3:g}",
            arrow=True,
            dots="2 4" if shortcut.changes_dimensions else None,
        )
        if shortcut.text:
            middle = (start + end) / 2
            self._write(right + 7, middle + 4, shortcut.text, colour=self.colours.muted)

    def _draw_notes(self) -> None:
        for kind, text in NOTES:
            self.y += 18
            self._line(f"M{MARGIN} {self.y:g}h28", dots="2 4" if kind == "dotted" else None)
            self._write(MARGIN + 36, self.y + 4, text, colour=self.colours.muted)

    def _define_arrow(self) -> None:
        marker = SubElement(
            SubElement(self.root, "defs"),
            "marker",
            id="tip",
            viewBox="0 0 6 6",
            refX="5",
            refY="3",
            markerWidth="6",
            markerHeight="6",
            orient="auto",
        )
        SubElement(marker, "path", d="M0 0L6 3L0 6Z", fill=self.colours.ink)

    def _line(self, path: str, *, arrow: bool = False, dots: str | None = None) -> None:
        line = SubElement(self.root, "path", d=path, fill="none", stroke=self.colours.ink)
        if arrow:
            line.set("marker-end", "url(#tip)")
        if dots:
            line.attrib |= {"stroke-dasharray": dots, "stroke-width": "1.5"}

    def _write(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: int | None = None,
        bold: bool = False,
        colour: str | None = None,
        anchor: str | None = None,
    ) -> None:
        word = SubElement(self.root, "text", x=f"{x:g}", y=f"{y:g}")
        word.set("fill", colour or self.colours.ink)
        word.text = _printable(text)
        if size is not None:
            word.set("font-size", str(size))
        if bold:
            word.set("font-weight", "bold")
        if anchor is not None:
            word.set("text-anchor", anchor)


def _printable(text: str) -> str:
    """Without control characters, which XML cannot hold: names come from files too."""
    return "".join(character for character in text if character.isprintable())
