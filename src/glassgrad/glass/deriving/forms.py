"""The forms of mathematics: LaTeX, a line of text, MathML. Each is a table with a row for each kind of tree."""

from __future__ import annotations

import re
from typing import Any
from unicodedata import normalize
from xml.sax.saxutils import escape

from .maths import APPLIED, ATOM, GREEK, PRODUCT, Math, sign

SIGNS = {  # text -> (LaTeX that matplotlib reads as well, the sign)
    "*": (r"\cdot", "·"), "odot": (r"\odot", "⊙"), "+": ("+", "+"), "-": ("-", "−"), "=": ("=", "="),
    "approx": (r"\approx", "≈"), "<": ("<", "<"), "<=": (r"\leq", "≤"), ">": (">", ">"), ">=": (r"\geq", "≥"),
    "==": ("=", "="), "!=": (r"\neq", "≠"), "and": (r"\wedge", "∧"), "or": (r"\vee", "∨"), "not": (r"\neg", "¬"),
    "sum": (r"\sum", "Σ"), "prod": (r"\prod", "Π"), "dots": (r"\cdots", "⋯"), "partial": (r"\partial", "∂"),
    "top": (r"\top", "ᵀ"), "one": (r"\mathbf{1}", "𝟏"), "inf": (r"\infty", "∞"), "norm": (r"\|", "‖"), "d": ("d", "d"),
    "abs": ("|", "|"), ",": (",", ","), "[": ("[", "["), "]": ("]", "]"), "(": ("(", "("), ")": (")", ")"),
    "gap": (r"\quad", "  "),
}  # fmt: skip
DOTTED = {Math("letter", (), i): Math("letter", (), less) for i, less in ("iı", "jȷ")}  # under a bar
BIG = (sign("sum"), sign("prod"))
KNOWN_WORDS = {"sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "ln", "min", "max", "det"}  # LaTeX has them


# --- LaTeX -------------------------------------------------------------------------------------------------

TEX = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "$": r"\$", "%": r"\%", "#": r"\#", "_": r"\_", "&": r"\&",
    "^": r"\wedge ", "~": r"\sim ", " ": r"\ ", "<": "<", ">": ">", "'": r"\text{'}", '"': r'\text{"}',
    "`": r"\text{`}", "|": "|", "*": r"\ast ", "-": "-", "=": "=",
}  # fmt: skip


def tex_name(text: str) -> str:
    """Any text as the name of a variable: nothing in it is a command."""
    if text in GREEK:
        return rf"\{text}"
    if len(text) == 1 and text.isascii() and text.isalpha():
        return text
    parts = re.findall(r"[^\\{}$%#_&^~ <>'\"`|*=-]+|.", text)
    return "".join(TEX[part] if part in TEX else rf"\mathrm{{{part}}}" for part in parts)


def latex(m: Math, plain: bool = False) -> str:
    """plain: only what matplotlib's mathtext reads; a matrix is in brackets then."""
    parts = [latex(part, plain) for part in m.parts]
    if m.kind == "matrix":
        cells = [[latex(x, plain) for x in row.parts] for row in m.parts]
        if plain:
            lines = ["[" + r",\ ".join(f"{{{x}}}" for x in row) + "]" for row in cells]
            return lines[0] if len(lines) == 1 else "[" + r",\ ".join(lines) + "]"
        return r"\begin{bmatrix} " + r" \\ ".join(" & ".join(row) for row in cells) + r" \end{bmatrix}"
    made: str = _LATEX[m.kind](m, parts)
    return made.replace(r"\&", "&").replace(r"\frac{", r"\dfrac{") if plain else made


def _tex_words(m: Math, _: list[str]) -> str:
    parts = re.findall(r"[^\\{}$%#_&^~<>'\"`|*=]+|.", m.text)
    return "".join(TEX[part] if part in TEX and part != " " else rf"\text{{{part}}}" for part in parts)


def _tex_bar(m: Math, parts: list[str]) -> str:
    if m.parts[0] in DOTTED:
        return rf"\bar{{\{m.parts[0].text}math}}"
    return rf"\{'bar' if len(m.parts[0].text) == 1 or m.parts[0].text in GREEK else 'overline'}{{{parts[0]}}}"


def _tex_sub(m: Math, parts: list[str]) -> str:
    base, index = m.parts[0], parts[1]
    if _of_a_letter(base):
        return f"{latex(base.parts[0])}_{{{latex(base.parts[1])}, {index}}}"
    if base.kind == "sub":
        return rf"\left( {parts[0]} \right)_{{{index}}}"
    return f"{{{parts[0]}}}_{{{index}}}" if base.kind == "sup" else f"{parts[0]}_{{{index}}}"


def _of_a_letter(m: Math) -> bool:
    """Whether it has a letter for an index: the gate i, to which a step t may come."""
    return m.kind == "sub" and m.parts[1].kind == "letter"


def _tex_fence(m: Math, parts: list[str]) -> str:
    return rf"\left{parts[0]} {parts[1]} \right{parts[2]}"


_LATEX: dict[str, Any] = {
    "letter": lambda m, p: tex_name(m.text),
    "number": lambda m, p: m.text,
    "words": _tex_words,
    "sign": lambda m, p: SIGNS[m.text][0],
    "function": lambda m, p: rf"\{m.text}" if m.text in KNOWN_WORDS else rf"\operatorname{{{_plain(m.text)}}}",
    "row": lambda m, p: " ".join(p),
    "minus": lambda m, p: f"-{p[0]}",
    "product": lambda m, p: (f" {SIGNS[m.text][0]} " if m.text else r" \, ").join(p),
    "relation": lambda m, p: f" {SIGNS[m.text][0]} ".join(p),
    "fence": _tex_fence,
    "over": lambda m, p: rf"\frac{{{p[0]}}}{{{p[1]}}}",
    "sup": lambda m, p: f"{p[0]}^{{{p[1]}}}",
    "sub": _tex_sub,
    "root": lambda m, p: rf"\sqrt{{{p[0]}}}",
    "bar": _tex_bar,
}


def _plain(function: str) -> str:
    return re.sub("[^A-Za-z0-9]", "", function) or "f"


# --- a line of text ----------------------------------------------------------------------------------------

RAISED = str.maketrans("0123456789+-−()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ⁿ")
LOWERED = str.maketrans("0123456789+-−()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎")


def text(m: Math) -> str:
    """In one line of Unicode, for a terminal."""
    parts = [text(part) for part in m.parts]
    if m.kind == "matrix":
        rows = ", ".join(map(_row_text, m.parts))
        return f"[{rows}]" if len(m.parts) > 1 else rows
    return _TEXT[m.kind](m, parts)


def _row_text(row: Math) -> str:
    return "[" + ", ".join(map(text, row.parts)) + "]"


def _inside(m: Math, parts: list[str]) -> list[str]:
    """A fraction in a product is in parentheses, but a derivative: nobody misreads that."""
    return [
        f"({p})" if part.kind == "over" and part.text != "slope" else p for part, p in zip(m.parts, parts, strict=True)
    ]


def _text_row(m: Math, parts: list[str]) -> str:
    out = ""
    for part, p in zip(m.parts, parts, strict=True):
        if part.kind == "sign" and part.text in ("+", "-", "*"):
            p = f" {p} "
        elif part.kind == "sign" and part.text == ",":
            p = ", "
        elif (
            out
            and part.kind not in ("sign", "fence")
            and part.text[:1] != "'"
            and m.parts[0] != sign("d")
            and m.parts[0] != sign("partial")
        ):
            p = p if out.endswith(" ") else f" {p}"
        out += p
    return out


def _text_over(m: Math, parts: list[str]) -> str:
    if m.text == "slope":
        return "/".join(parts)
    a, b = m.parts
    top = f"({parts[0]})" if a.level < PRODUCT else parts[0]
    return f"{top} / " + (f"({parts[1]})" if b.level < APPLIED or b.kind == "over" else parts[1])


def _text_sup(m: Math, parts: list[str]) -> str:
    base = f"({parts[0]})" if m.parts[0].kind == "over" else parts[0]
    power = parts[1]
    if power == "ᵀ":
        return base + power
    return (
        base + power.translate(RAISED)
        if re.fullmatch("[0-9−()+]+", power)
        else f"{base}^" + (power if re.fullmatch(r"[\w.]+", power) else f"({power})")
    )


def _text_index(index: str, second: bool) -> str:
    """second: what it belongs to has one already."""
    index = re.sub(" ([+−]) ", r"\1", index)
    if index.startswith("["):
        return index
    if re.fullmatch("[0-9−()+]+", index) and not second:
        return index.translate(LOWERED)
    return f"_{index}" if re.fullmatch(r"\w+", index) and not second else f"[{index}]"


_TEXT: dict[str, Any] = {
    "letter": lambda m, p: GREEK.get(m.text, m.text),
    "number": lambda m, p: m.text,
    "words": lambda m, p: m.text,
    "sign": lambda m, p: SIGNS[m.text][1],
    "function": lambda m, p: m.text,
    "row": _text_row,
    "minus": lambda m, p: f"−{_inside(m, p)[0]}",
    "product": lambda m, p: (f" {SIGNS[m.text][1]} " if m.text else " ").join(_inside(m, p)),
    "relation": lambda m, p: f" {SIGNS[m.text][1]} ".join(p),
    "fence": lambda m, p: "".join(p),
    "over": _text_over,
    "sup": _text_sup,
    "sub": lambda m, p: p[0] + _text_index(p[1], m.parts[0].kind == "sub"),
    "root": lambda m, p: f"√{p[0]}" if m.parts[0].level == ATOM and m.parts[0].kind != "over" else f"√({p[0]})",
    "bar": lambda m, p: normalize("NFC", "".join(c + ("\u0304" if len(p[0]) == 1 else "\u0305") for c in p[0])),
}


# --- MathML ------------------------------------------------------------------------------------------------


def mathml(m: Math) -> str:
    """Presentation MathML, which browsers show without a script."""
    parts = [mathml(part) for part in m.parts]
    if m.kind == "matrix":
        rows = "".join(f"<mtr>{''.join(f'<mtd>{mathml(x)}</mtd>' for x in row.parts)}</mtr>" for row in m.parts)
        return f'<mtable class="matrix">{rows}</mtable>'
    return _MATHML[m.kind](m, parts)


def _mathml_sign(text: str) -> str:
    if text in ("d", "partial", "one"):
        return f'<mi mathvariant="normal">{SIGNS[text][1]}</mi>'
    return f"<mo>{ {'top': '⊤', 'sum': '∑', 'prod': '∏'}.get(text) or escape(SIGNS[text][1]) }</mo>"


def _mathml_sub(m: Math, parts: list[str]) -> str:
    base, index = m.parts[0], parts[1]
    if base in BIG:
        return f'<munder>{parts[0]}<mrow><mspace height="1em"/>{index}</mrow></munder>'
    if _of_a_letter(base):
        return f"<msub>{mathml(base.parts[0])}<mrow>{mathml(base.parts[1])}<mo>,</mo>{index}</mrow></msub>"
    return (
        f"<msub>{_joined(['<mo>(</mo>', parts[0], '<mo>)</mo>'], '') if base.kind == 'sub' else parts[0]}{index}</msub>"
    )


def _joined(parts: list[str], between: str) -> str:
    return f"<mrow>{between.join(parts)}</mrow>"


_MATHML: dict[str, Any] = {
    "letter": lambda m, p: f"<mi>{escape(GREEK.get(m.text, m.text))}</mi>",
    "number": lambda m, p: f"<mn>{m.text}</mn>",
    "words": lambda m, p: f"<mtext>{escape(m.text)}</mtext>",
    "sign": lambda m, p: _mathml_sign(m.text),
    "function": lambda m, p: f"<mi>{escape(m.text)}</mi>",
    "row": lambda m, p: _joined(p, ""),
    "minus": lambda m, p: f'<mrow><mo form="prefix">−</mo>{p[0]}</mrow>',
    "product": lambda m, p: _joined(p, f"<mo>{SIGNS[m.text][1]}</mo>" if m.text else '<mspace width="0.17em"/>'),
    "relation": lambda m, p: _joined(p, f"<mo>{escape(SIGNS[m.text][1])}</mo>"),
    "fence": lambda m, p: _joined(p, ""),
    "over": lambda m, p: f"<mfrac>{p[0]}{p[1]}</mfrac>",
    "sup": lambda m, p: (
        f"<msubsup>{p[0][6:-7]}{p[1]}</msubsup>" if m.parts[0].kind == "sub" else f"<msup>{p[0]}{p[1]}</msup>"
    ),
    "sub": _mathml_sub,
    "root": lambda m, p: f"<msqrt>{p[0]}</msqrt>",
    "bar": lambda m, p: f'<mrow class="bar">{mathml(DOTTED.get(m.parts[0], m.parts[0]))}</mrow>',
}
