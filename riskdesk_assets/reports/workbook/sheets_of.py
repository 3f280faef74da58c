"""Which part of a workbook file holds which sheet, and whether that sheet can be seen."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskdesk_assets.common.errors import InputError, Problem
from riskdesk_assets.reports.workbook.package import Package

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"


@dataclass(frozen=True)
class SheetPart:
    """The part of one sheet; ``visible`` is whether a person sees its tab."""

    part: str
    visible: bool


def sheet_parts(package: Package) -> Mapping[str, SheetPart]:
    """Sheet name -> its part, in the workbook's order.

    Raises:
        InputError: the workbook does not say, or names one sheet twice.
    """
    if _RELATIONS not in package.parts:
        raise _damaged(package, "it does not say where its sheets are")
    targets = {
        _attribute(element, "Id"): _part_name(_attribute(element, "Target"))
        for element in _elements(package, _RELATIONS, "Relationship")
    }
    found: dict[str, SheetPart] = {}
    for element in _elements(package, _WORKBOOK, "sheet"):
        name, relation = _attribute(element, "name"), _attribute(element, "id")
        if name in found or relation not in targets:
            raise _damaged(package, f"its sheet {name[:40]!r} is there twice or nowhere")
        found[name] = SheetPart(targets[relation], _attribute(element, "state") not in ("hidden", "veryHidden"))
    return found


def _elements(package: Package, part: str, tag: str) -> list[Element]:
    """The elements of a part by their plain name, in its order."""
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(package.parts[part], forbid_dtd=True)
    except ParseError as error:
        raise _damaged(package, f"{part} is not well-formed") from error
    return [element for element in root.iter() if element.tag.rpartition("}")[2] == tag]


def _attribute(element: Element, name: str) -> str:
    """An attribute by its plain name, whatever its namespace."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return value
    return ""


def _part_name(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")


def _damaged(package: Package, why: str) -> InputError:
    return InputError(Problem(package.file, None, "", f"is damaged: {why}"))
