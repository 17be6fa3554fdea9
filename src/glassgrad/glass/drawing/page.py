"""A picture as a page of its own: modules open and close by a click, a box tells its details; one file, no network."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

from ..canvas import plain_text
from ..pages import colours, html_page
from . import placing
from .boxes import Scene
from .layout import Item, plan
from .placing import place
from .svg import STYLE, curves, escape, extent, n, placed, tips

MOST = 2000  # vertices that lie hidden in closed modules, ready to be opened


def page(scene: Scene, name: str) -> str:
    """The whole page. A content security policy lets only this script run and forbids to load anything."""
    plan(scene.root, scene.nets)
    wires = place(scene.root)
    script = read("placing.js") + read("page.js")
    ids = {item: k for k, item in enumerate([scene.root, *scene.boxes])}
    seen = set(scene.root.boxes())
    frames: list[tuple[int, str]] = []
    boxes: list[tuple[int, str]] = []
    for item, box in scene.boxes.items():
        role = ' tabindex="0" role="button"' if item.children else ""
        for drawn, open_, letter in ((frames, True, "f"), (boxes, False, "b")):
            if open_ and not item.children:
                continue
            hidden = "" if item in seen and item.open == open_ else " hidden"
            drawn.append((len(item.path()), placed(item, box, open_, f' id="{letter}{ids[item]}"{role}{hidden}')))
    frames.sort(key=lambda pair: pair[0])
    width, height = extent(Scene(scene.root, {}, [], []))
    notes = "".join(f"<p>{escape(plain_text(note, 600))}</p>" for note in scene.notes)
    lines = "".join(curves(wire) for wire in wires), "".join(tips(wire) for wire in wires)
    title = name[:1].upper() + name[1:]
    body = f"""<header><h1>{escape(title)}</h1>
<button id="open">Open all</button><button id="close">Close all</button>
<button id="smaller" aria-label="smaller">−</button><button id="larger" aria-label="larger">+</button>
<button id="fit">Fit</button>
<input id="find" type="search" placeholder="Find a name, Enter" aria-label="find a name">
</header>
<main id="view">
<svg id="picture" xmlns="http://www.w3.org/2000/svg" class="gg-graph" width="{n(width)}" height="{n(height)}"
 viewBox="0 0 {n(width)} {n(height)}" role="group" aria-label="{escape(name)}">
<g transform="translate(12 12)">
{chr(10).join(text for _, text in frames)}
<g id="wires"><path class="wire" d="{lines[0]}"/><path class="tip" d="{lines[1]}"/></g>
{chr(10).join(text for _, text in boxes)}
</g></svg>
</main>
<footer>{notes}<pre id="tip">Click a module to open it, its name to close it, any box for its details.
Double border: gets a gradient. Round: an operation. Dashed: a constant. Stack: a closed module.
Blue bars: its numbers from least to largest; orange: its gradient's. a ± b: mean and standard deviation.</pre></footer>
<script type="application/json" id="scene">{json.dumps(layout(scene, ids), separators=(",", ":"))}</script>
<script>{script}</script>"""
    policy = f"style-src 'unsafe-inline'; script-src '{digest(script)}'"
    return html_page(title, f"{STYLE}\n{PAGE}", body, policy=policy, kind="gg-graph")


def digest(text: str) -> str:
    """As a policy names what it allows."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def read(name: str, package: str = __package__) -> str:
    """A script of this folder, or of another."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def layout(scene: Scene, ids: dict[Item, int]) -> dict[str, Any]:
    """The scene's sizes and plans, for placing.js; no text of others."""

    def told(item: Item) -> dict[str, Any]:
        made = item.plan
        return {"width": item.width, "height": item.height} | {
            key: value for key, value in {
                "label": round(item.label, 2), "open": item.open, "title": item.title,
                "children": [ids[child] for child in item.children],
                "around": None if item.around is None else ids[item.around],
                "plan": made and {
                    "nets": made.nets, "rows": made.rows, "lines": made.lines,
                    "enters": list(made.enters.items()), "leaves": list(made.leaves.items()),
                    "light": sorted(made.light),
                },
            }.items() if item.children or key == "around"
        }  # fmt: skip

    gaps = {
        word: getattr(placing, word)
        for word in ("GAP", "LINE_GAP", "ROW_GAP", "PAD", "TITLE", "SPREAD", "BEND", "WIDE")
    }
    weights = {word: getattr(placing, word) for word in ("WEIGHTS", "LEAF", "HELD", "ALONE")}
    return {"items": [told(item) for item in ids], "gaps": gaps, "weights": weights}


PAGE = f"""{colours()}[hidden]{{display:none}}
body{{margin:0;height:100vh;display:flex;flex-direction:column;background:var(--paper);color:var(--ink);
  font:14px/1.4 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif}}
header{{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;padding:.5rem .9rem;
  border-bottom:1px solid var(--line)}}
h1{{font-size:1rem;margin:0 auto 0 0;overflow-wrap:anywhere}}
button,input{{font:inherit;color:inherit;background:none;border:1px solid var(--soft);border-radius:5px;
  padding:.15rem .6rem}}
main{{flex:1;overflow:auto}}
main svg{{display:block;margin:0 auto}}
footer{{border-top:1px solid var(--line);padding:.4rem .9rem;height:7.4rem;overflow:auto;flex:none}}
footer p,pre{{margin:0;color:var(--soft)}}
pre{{color:var(--ink);font:12px/1.45 ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;white-space:pre-wrap;
  overflow-wrap:anywhere}}
[role=button]{{cursor:pointer;outline:none}}
[role=button]:focus-visible>path,.chosen>path:first-of-type{{stroke-width:2.6!important}}
"""
