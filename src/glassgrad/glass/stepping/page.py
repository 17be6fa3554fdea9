"""The backward pass as a page: the graph, the source, the mathematics of each step; one file, no network.

Names, labels and source lines are others' words: they travel as compressed JSON, and the page writes them as text.
"""

from __future__ import annotations

import base64
import html
import json
import linecache
import os
import zlib
from functools import cache
from typing import Any

from ..canvas import plain_text
from ..drawing.boxes import BAR, CHAR, HEAD, LINE, SIDE, Box, scene
from ..drawing.layout import Item, plan
from ..drawing.page import digest, layout, read
from ..drawing.placing import TITLE
from ..drawing.svg import STYLE, note_at, outline
from ..pages import colours, html_page
from ..summary import HIGH, Known, measured
from ..words import text_of
from .cursor import Cursor, unswept
from .feed import arrays_of, told

LINES = 3000  # of a longer file what is around the lines in question
AROUND = 100
HEIGHT = 760  # of the page within a notebook


@unswept()
def page(cursor: Cursor, live: bool = False) -> str:
    """The whole page. A content security policy lets only this script run and, unless live, forbids to load anything.

    live: it is served by server.py, which is asked for exact entries.
    """
    script = read("placing.js") + "".join(read(name, __package__) for name in ("cursor.js", "graph.js", "page.js"))
    style = f"{STYLE}\n{colours()}{read('page.css', __package__)}"
    policy = f"style-src '{digest(style)}'; script-src '{digest(script)}'"
    policy += "; connect-src 'self'" * live
    known = json.dumps(given(cursor, live), separators=(",", ":"), allow_nan=False).encode()
    body = read("page.html", __package__)
    data = base64.b64encode(zlib.compress(known, 6)).decode()
    for word, text in {"script": script, "data": data, "title": html.escape(name_of(cursor))}.items():
        body = body.replace(f"%{word}%", text)
    return html_page(name_of(cursor), style, body, policy=policy, kind="gg-graph")


def framed(cursor: Cursor) -> str:
    """The page within a notebook's, from which it is walled off."""
    return (
        f'<iframe srcdoc="{html.escape(page(cursor))}" sandbox="allow-scripts" '
        f'style="width:100%;height:{HEIGHT}px;border:0" title="{html.escape(name_of(cursor))}"></iframe>'
    )


def name_of(cursor: Cursor) -> str:
    return f"The backward pass of {plain_text(text_of(cursor.graph.root), 60)}"


def given(cursor: Cursor, live: bool) -> dict[str, Any]:
    """All that the page knows."""
    known = measured(arrays_of(cursor.graph))
    drawn = scene(cursor.graph, limit=len(cursor.graph) + 1, hidden=10**9, pieces=True, known=known)
    plan(drawn.root, drawn.nets)
    ids = {item: k for k, item in enumerate([drawn.root, *drawn.boxes])}
    number = {v: k for k, v in enumerate(cursor.graph.vertices)}
    forms: dict[Any, int] = {}
    return numbers(cursor, known) | {
        "layout": layout(drawn, ids),
        "metrics": {"SIDE": SIDE, "HEAD": HEAD, "LINE": LINE, "CHAR": CHAR, "BAR": BAR, "HIGH": HIGH, "TITLE": TITLE},
        "boxes": [None, *[_box(item, box, number, forms) for item, box in drawn.boxes.items()]],
        "item_of": [ids[drawn.item_of[v]] if v in drawn.item_of else None for v in cursor.graph.vertices],
        "nets": [[ids[net.source], [ids[target] for target in net.targets]] for net in drawn.nets],
        "forms": [list(outline(Box(kind, "", last=last), *size)) for kind, last, *size in forms],
        "notes": [plain_text(note, 600) for note in drawn.notes],
        "live": live,
    }


def numbers(cursor: Cursor, known: Known | None = None) -> dict[str, Any]:
    """What the page's Cursor is made of, and the sources."""
    said = told(cursor, known)
    vertices = said["vertices"]
    files = {file: k for k, file in enumerate(sorted({v["line"][0] for v in vertices if v["line"]}))}
    used: list[list[int]] = [[] for _ in files]
    clean = cache(plain_text)
    for v in vertices:
        if v["line"]:
            v["line"][0] = files[v["line"][0]]
            used[v["line"][0]].append(v["line"][1])
        v["module"] = [clean(name, 80) for name in v["module"]]
        v |= {key: clean(v[key], 120) for key in ("text", "op", "title", "name")}
    tensors: dict[int, tuple[int, Any]] = {}  # each once; where it stands is [number]
    return {
        "at": cursor.at,
        "steps": said["steps"],
        "rules": said["rules"],
        "vertices": _columns(vertices, "text kind op title name module line value gradient", tensors),
        "degrees": [len(v["edges"]) for v in vertices],
        "edges": _columns([edge for v in vertices for edge in v["edges"]], "to flow local sum rule", tensors),
        "tensors": [x for _, x in tensors.values()],
        "sources": [_source(file, lines) for file, lines in zip(files, used, strict=True)],
    }


def _columns(rows: list[dict[str, Any]], keys: str, tensors: dict[int, tuple[int, Any]]) -> dict[str, list[Any]]:
    """Each key once: a tenth of the bytes."""

    def place(x: dict[str, Any]) -> list[int]:
        return [tensors.setdefault(id(x), (len(tensors), x))[0]]

    columns = {key: [row.get(key) for row in rows] for key in keys.split()}
    return {key: [place(x) if type(x) is dict else x for x in column] for key, column in columns.items()}


def _box(item: Item, box: Box, number: dict[Any, int], forms: dict[Any, int]) -> dict[str, Any]:
    """A box. late: row -> the vertex whose gradient the row tells, to be shown once it is there."""
    table = len(box.graded) > 1
    late = {
        k: number[box.graded[k - 1 if table else 0]]
        for k, row in enumerate(box.rows)
        if (1 <= k <= len(box.graded) if table else row.label == "grad" and box.graded)
    }
    made: dict[str, Any] = {
        "kind": box.kind, "title": box.title, "tip": box.tip, "late": late, "rows": box.rows,
        "form": forms.setdefault((box.kind, box.last, item.width, item.height), len(forms)),
    }  # fmt: skip
    if box.note:
        made["note"] = [note_at(box), box.note]
    if item.children:
        made["path"] = ".".join(box.path)
    else:
        made["members"] = [number[v] for v in box.members]
    return made


def _source(file: str, used: list[int]) -> dict[str, Any]:
    """A file's text, as the interpreter knows it."""
    lines = linecache.getlines(file)
    first, last = (1, len(lines)) if len(lines) <= LINES else (max(1, min(used) - AROUND), max(used) + AROUND)
    texts = [plain_text(text.rstrip("\n").expandtabs(4), 400) for text in lines[first - 1 : last][: 2 * LINES]]
    return {"name": plain_text(os.path.basename(file), 80), "first": first, "lines": texts}
