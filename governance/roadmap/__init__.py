"""A community's roadmap document in, roadmap items and a report out. Pure: bytes in, values out.

The rooms, in the order of the work:
    encoding    bytes → lines, with mis-decoded UTF-8 repaired
    outline     lines → sections and blocks (CommonMark, and the bullets people paste)
    text        inline Markdown → plain words; what in a line is the title
    marks       status, time and effort as people write them
    headings    what a heading says about the list below it
    context     everything the headings above a line say together
    features    items written as a section, a YAML block or a table
    items       the walk: which lines are items, and why the others are not
    keys        stable ids
    report      the preview as lines of text
"""

from governance.roadmap.importer import import_roadmap
from governance.roadmap.model import ImportedItem, Repair, RoadmapImport, Unplaced
from governance.roadmap.report import summary

__all__ = ["ImportedItem", "Repair", "RoadmapImport", "Unplaced", "import_roadmap", "summary"]
