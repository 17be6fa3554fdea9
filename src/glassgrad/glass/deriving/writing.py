"""A derivation in each of its forms: LaTeX, Markdown, a terminal's text, a page with MathML, a picture."""

from __future__ import annotations

import io
import unicodedata
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from ..canvas import THEME, plain_text, style
from ..pages import colours, html_page
from . import forms, maths
from .maths import Math, words

if TYPE_CHECKING:
    from .derivation import Derivation
    from .lines import Step

WRAP = 80  # characters of a line; in a longer one each equality has its own, and each term of a longer sum


def _lines(step: Step) -> list[tuple[Math | None, list[tuple[str, Math]]]]:
    """A step as lines."""
    if len(str(step)) <= WRAP or any(m.kind == "matrix" for _, m in step.right):
        return [(step.left, list(step.right))]
    rights = [
        part for how, m in step.right for part in (maths.terms(how, m) if len(forms.text(m)) > WRAP else [(how, m)])
    ]
    return [(step.left if k == 0 else None, [right]) for k, right in enumerate(rights)]


def _remark(step: Step) -> str:
    """The words beside a line: what is missing, or could not be checked."""
    said = "" if step.check is None else step.check.remark if step.check.passed else step.check.words
    return "; ".join(filter(None, [step.note, said]))


# --- LaTeX and Markdown ------------------------------------------------------------------------------------


def _tex_rows(steps: list[Step]) -> list[str]:
    rows = []
    for step in steps:
        for k, (left, rights) in enumerate(_lines(step)):
            row = ("" if left is None else forms.latex(left)) + " "
            row += " ".join(
                f"{'&' if j == 0 else ''}{forms.SIGNS[how][0]} {forms.latex(m)}" for j, (how, m) in enumerate(rights)
            )
            row += "" if rights else "&"
            remark = _remark(step) if k == 0 else ""
            rows.append(row + (rf" \quad {forms.latex(maths.words(remark))}" if remark else ""))
    return rows


def latex(d: Derivation) -> str:
    """All of it as one aligned block."""
    parts = [" \\\\\n".join(_tex_rows(steps)) for _, steps in d.sections]
    return "\\begin{aligned}\n" + " \\\\[1.2ex]\n".join(parts) + "\n\\end{aligned}"


def markdown(d: Derivation) -> str:
    parts = []
    for heading, steps in d.sections:
        rows = " \\\\\n".join(_tex_rows(steps))
        parts.append(f"**{heading}**\n\n$$\n\\begin{{aligned}}\n{rows}\n\\end{{aligned}}\n$$\n")
    if d.legend:
        parts.insert(
            0, ", ".join(f"${forms.latex(m)}$ is `{plain_text(name).replace('`', '')}`" for m, name in d.legend) + "\n"
        )
    return "\n".join([*parts, d.verdict + ".\n"])


def document(d: Derivation) -> str:
    """A whole LaTeX document."""
    legend = "".join(
        rf"\noindent ${forms.latex(m)}$ is ${forms.latex(maths.words(name))}$\\" + "\n" for m, name in d.legend
    )
    return (
        "\\documentclass{article}\n\\usepackage{amsmath}\n\\usepackage{amssymb}\n\\begin{document}\n"
        f"{legend}\\[\n{latex(d)}\n\\]\n\\noindent ${forms.latex(maths.words(d.verdict))}$\n\\end{{document}}\n"
    )


# --- a terminal --------------------------------------------------------------------------------------------


def _wide(text: str) -> int:
    """The columns of a text: what stands above a letter takes none."""
    return sum(not unicodedata.combining(c) for c in text)


def text(d: Derivation) -> str:
    blocks = []
    if d.legend:
        blocks.append("\n".join(f"{forms.text(m)} is {plain_text(name, 100)}" for m, name in d.legend))
    for _, steps in d.sections:
        lefts = [forms.text(s.left) for s in steps]
        width = max(map(_wide, lefts))
        lines = []
        for step in steps:
            remark = _remark(step)
            for k, (left, rights) in enumerate(_lines(step)):
                name = "" if left is None else forms.text(left)
                row = name + " " * (width - _wide(name))
                row += "".join(f" {forms.SIGNS[how][1]} {forms.text(m)}" for how, m in rights)
                lines.append((row + (f"    {remark}" if remark and k == 0 else "")).rstrip())
        blocks.append("\n".join(lines))
    return "\n\n".join([*blocks, d.verdict])


# --- a page ------------------------------------------------------------------------------------------------


def tables(d: Derivation) -> str:
    """The lines as MathML: a table for each heading."""
    made = []
    for heading, steps in d.sections:
        rows = []
        for step in steps:
            lines = _lines(step)
            for k, (left, rights) in enumerate(lines):
                equal = "".join(f"<mo>{forms.SIGNS[how][1]}</mo>{forms.mathml(m)}" for how, m in rights)
                rows.append(
                    f'<tr><td class="left">{_math("" if left is None else forms.mathml(left))}</td>'
                    f"<td>{_math(equal)}</td>{_beside(step) if k == 0 else '<td></td><td></td>'}</tr>"
                )
        made.append(f"<h2>{heading}</h2>\n<div><table>\n" + "\n".join(rows) + "\n</table></div>")
    return "\n".join(made)


def _math(inner: str) -> str:
    return f'<math display="inline" displaystyle="true"><mrow>{inner}</mrow></math>' if inner else ""


def _beside(step: Step) -> str:
    mark = ""
    if step.check is not None:
        said = escape(step.check.words, {'"': "&quot;"})
        mark = f'<span class="yes" title="{said}">✓</span>' if step.check.passed else ""
    return f'<td class="note">{escape(plain_text(_remark(step), 300))}</td><td>{mark}</td>'


def page(d: Derivation) -> str:
    """One file without a script; it forbids to load anything."""
    title = escape(plain_text(d.title, 120))
    legend = "".join(
        f"<li>{_math(forms.mathml(m))} is <code>{escape(plain_text(name, 100))}</code></li>" for m, name in d.legend
    )
    body = f"""<h1>{title}</h1>
{f"<ul>{legend}</ul>" if legend else ""}
{tables(d)}
<p>{escape(d.verdict)}.</p>"""
    return html_page(d.title, colours() + PAGE, body)


PAGE = """body{margin:2rem auto;max-width:72rem;padding:0 1.2rem;background:var(--paper);color:var(--ink);
  font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif}
h1{font-size:1.15rem;overflow-wrap:anywhere} h2{font-size:.95rem;color:var(--soft);margin:1.6rem 0 .4rem}
div{overflow-x:auto} table{border-collapse:collapse} td{padding:.38rem .3rem;vertical-align:middle;white-space:nowrap}
td.left{text-align:right} td.note{color:var(--soft);font-size:.85rem;padding-left:1.2rem;white-space:normal;
  min-width:13rem;max-width:24rem}
math{font-size:1.12rem} .bar{border-top:1px solid;padding-top:.13em}
.matrix{border-left:1.5px solid;border-right:1.5px solid;padding:.1em .15em;margin:0 .15em;--end:linear-gradient(
  currentColor,currentColor);background:var(--end) 0 0/.3em 1.5px no-repeat,var(--end) 100% 0/.3em 1.5px no-repeat,
  var(--end) 0 100%/.3em 1.5px no-repeat,var(--end) 100% 100%/.3em 1.5px no-repeat} .yes{color:var(--green)}
p,ul{color:var(--soft);font-size:.9rem} ul{padding-left:1.1rem}
"""


# --- a picture ---------------------------------------------------------------------------------------------


def _picture(d: Derivation, form: str) -> bytes:
    """Line by line in matplotlib's mathtext, the equals signs below each other."""
    with style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 4), facecolor=THEME["paper"][0])
        canvas: Any = FigureCanvasAgg(figure)
        rows = [("", _tex(m), _tex(words(f" is {name}")), "") for m, name in d.legend]  # heading, left, right, remark
        for heading, steps in d.sections:
            rows.append((heading, "", "", ""))
            for step in steps:
                for k, (left, rights) in enumerate(_lines(step)):
                    right = "".join(f"{forms.SIGNS[how][0]} {forms.latex(m, plain=True)} " for how, m in rights)
                    remark = _remark(step) if k == 0 else ""
                    rows.append(("", "" if left is None else _tex(left), f"${right}$" if right else "", remark))
        rows.append((d.verdict, "", "", ""))
        drawn = []
        for title, name, equal, remark in rows:
            texts = [
                figure.text(0, 0, said, fontsize=size, color=THEME[colour][0], parse_math=parse)
                for said, size, colour, parse in (
                    (title, 10, "soft", False), (name, 13, "ink", True), (equal, 13, "ink", True),
                    (remark, 9, "soft", False),
                )
            ]  # fmt: skip
            drawn.append((texts, [t.get_window_extent(canvas.get_renderer()) if t.get_text() else None for t in texts]))
        wide = [max(_width(boxes[k]) for _, boxes in drawn) for k in range(4)]
        margin, gap = 18.0, 8.0
        at = margin + wide[1]
        total = max(at + gap + wide[2] + (3 * gap + wide[3] if wide[3] else 0), margin + wide[0]) + margin
        up, down = (
            [max([side(box) for box in boxes if box is not None], default=8.0) for _, boxes in drawn]
            for side in (lambda box: box.y1, lambda box: -box.y0)
        )
        height = sum(up) + sum(down) + 11 * len(drawn) + 2 * margin
        figure.set_size_inches(total / figure.dpi, height / figure.dpi)
        y = height - margin
        for (texts, boxes), above, below in zip(drawn, up, down, strict=True):
            y -= above + 5.5
            starts = (margin, at - _width(boxes[1]), at + gap, at + 4 * gap + wide[2])
            for t, x in zip(texts, starts, strict=True):
                t.set_position((x / total, y / height))
            y -= below + 5.5
        buffer = io.BytesIO()
        metadata = {"Software": None} if form == "png" else {"Date": None, "Creator": None}
        figure.savefig(
            buffer, format=form, dpi=200 if form == "png" else 100, metadata=metadata, facecolor=THEME["paper"][0]
        )
    return buffer.getvalue()


def _width(box: Any) -> float:
    return 0.0 if box is None else float(box.width)


def _tex(m: Math) -> str:
    return f"${forms.latex(m, plain=True)}$"


def png(d: Derivation) -> bytes:
    return _picture(d, "png")


def svg(d: Derivation) -> bytes:
    return _picture(d, "svg")
