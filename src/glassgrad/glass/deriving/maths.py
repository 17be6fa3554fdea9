"""Mathematics as a small tree.

The constructors put parentheses where they are needed and do what a person does without a word: 1 x is x, x x is x^2,
(W^T)^T is W.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from ..canvas import plain_text

RELATION, SUM, PRODUCT, MATRICES, APPLIED, ATOM = range(6)  # how tightly something holds together


class Math(NamedTuple):
    """kind: a row of KINDS; parts: of Maths; text: what a name, number or sign says."""

    kind: str
    parts: tuple[Math, ...] = ()
    text: str = ""
    level: int = ATOM


WITH_POWERS = ("sin", "cos", "tan", "sinh", "cosh", "tanh")  # tanh²(x) is the square of tanh(x)
OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
GREEK = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega "
        "Phi Gamma Delta Theta Lambda Sigma Psi Omega".split(),
        "αβγδϵζηθκλμνξπρστϕχψωΦΓΔΘΛΣΨΩ",
        strict=True,
    )
)


def sign(text: str) -> Math:
    return Math("sign", (), text)


def words(text: str) -> Math:
    return Math("words", (), plain_text(text, 200))


PRIME = words("'")  # of a symbol that others have already


def letter(text: str) -> Math:
    return Math("letter", (), text)


def name(text: str) -> Math:
    """A variable's name: w_1 and w1 have an index, alpha is a Greek letter, whatever else is upright.

    >>> name("w_1").kind, name("loss").kind
    ('sub', 'letter')
    """
    text = plain_text(text, 40) or "?"
    split = re.fullmatch(r"([A-Za-z]+)_?(\d+)|([A-Za-z]+)_([A-Za-z0-9]+)", text)
    if split:
        base, index = split[1] or split[3], split[2] or split[4]
        if len(base) == 1 or base in GREEK:
            return Math("sub", (letter(base), name(index) if not index.isdigit() else Math("number", (), index)))
    return letter(text)


def number(x: float) -> Math:
    """To six digits; a negative one is a sum's, so that a product puts it in parentheses."""
    x = float(x)
    if math.isinf(x) or math.isnan(x):
        said = sign("inf") if math.isinf(x) else words("NaN")
        return said if x > 0 or x != x else negative(said)
    text = f"{abs(x):.6g}"
    if "e" in text:
        digits, power = text.split("e")
        tens = Math("sup", (Math("number", (), "10"), number(int(power))))
        made = tens if digits == "1" else Math("row", (Math("number", (), digits), sign("*"), tens), "", PRODUCT)
    else:
        made = Math("number", (), text)
    return negative(made) if x < 0 else made


def is_number(m: Math) -> bool:
    return m.kind == "number" or (m.kind == "minus" and m.parts[0].kind == "number")


def exact(x: float) -> bool:
    """Whether what number() shows is all of it."""
    return float(f"{float(x):.6g}") == float(x) or x != x


def held(m: Math, level: int) -> Math:
    """m, in parentheses if it holds together less tightly."""
    return m if m.level >= level else fenced(m)


def fenced(m: Math, left: str = "(", right: str = ")") -> Math:
    return Math("fence", (sign(left), m, sign(right)))


def negative(m: Math) -> Math:
    if m.kind == "minus":
        return m.parts[0]
    return Math("minus", (m if is_sum(m) else held(m, PRODUCT),), "", SUM)


def bare(m: Math) -> Math:
    """Without its minus."""
    return m.parts[0] if m.kind == "minus" else m


def is_sum(m: Math) -> bool:
    """Whether it is one big sum: no sign in front is misread."""
    return m.kind == "row" and sign("sum") in (m.parts[0], *m.parts[0].parts)


def added(a: Math, b: Math) -> Math:
    if Math("number", (), "0") in (a, b):
        return a if b.text == "0" and b.kind == "number" else b
    if b.kind == "minus":
        return Math("row", (a, sign("-"), b.parts[0]), "", SUM)
    return Math("row", (a, sign("+"), held(b, SUM)), "", SUM)


def terms(how: str, m: Math) -> list[tuple[str, Math]]:
    """A sum as its terms, each with its sign; the first has the relation."""
    if m.kind == "row" and m.level == SUM and len(m.parts) == 3 and m.parts[1].text in ("+", "-"):
        return [*terms(how, m.parts[0]), (m.parts[1].text, m.parts[2])]
    return [(how, m)]


def less(a: Math, b: Math) -> Math:
    if b.kind == "minus":
        return added(a, b.parts[0])
    return Math("row", (a, sign("-"), held(b, PRODUCT)), "", SUM)


def times(a: Math, b: Math, between: str = "") -> Math:
    """between: "" side by side, "odot" or "*"; numbers come first, equal factors become a power."""
    if one_of(a) and a.kind == "minus":
        return negative(b)
    if "minus" in (a.kind, b.kind) and between != "*":
        made = times(bare(a), bare(b), between)
        return negative(made) if (a.kind == "minus") != (b.kind == "minus") else made
    if one_of(a) or one_of(b):
        return b if one_of(a) else a
    numbered = a.kind == "number" or (a.kind == "product" and a.parts[0].kind == "number")
    if between != "*" and not numbered and b.kind == "product" and b.parts[0].kind == "number":  # x (2 y) is 2 x y
        return times(
            b.parts[0], times(a, Math("product", b.parts[1:], b.text, PRODUCT) if b.parts[2:] else b.parts[1], between)
        )
    if not between and a.kind == "number" and b.kind == "product" and b.text:  # 2 x ⊙ y
        return Math("product", (times(a, b.parts[0]), *b.parts[1:]), b.text, PRODUCT)
    factors = [*(a.parts if a.kind == "product" and a.text == between else (held(a, PRODUCT),))]
    factors += b.parts if b.kind == "product" and b.text == between else (held(b, MATRICES),)
    if between != "*":
        factors.sort(key=lambda m: m.kind != "number")
    made_of: list[Math] = []
    for factor in factors:
        base, power = _powered(made_of[-1]) if made_of else (None, 0)
        other, more = _powered(factor)
        if base == other and between != "*" and not is_number(factor):
            made_of[-1] = raised(other, Math("number", (), str(power + more)))
        else:
            made_of.append(factor)
    return made_of[0] if len(made_of) == 1 else Math("product", tuple(made_of), between, PRODUCT)


def one_of(m: Math) -> bool:
    """Whether it is 1 or -1."""
    return bare(m) == Math("number", (), "1")


def has_letters(m: Math) -> bool:
    return m.kind in ("letter", "bar") or any(map(has_letters, m.parts))


def _powered(m: Math) -> tuple[Math, int]:
    if m.kind == "sup" and m.parts[1].kind == "number" and m.parts[1].text.isdigit():
        base = m.parts[0]
        return (base.parts[1] if base.kind == "fence" and base.parts[0].text == "(" else base), int(m.parts[1].text)
    return (m.parts[1] if m.kind == "fence" and m.parts[0].text == "(" else m), 1


def over(a: Math, b: Math) -> Math:
    if a.kind == "minus" and not is_number(a):
        return negative(over(a.parts[0], b))
    if b == Math("number", (), "1"):
        return a
    if a.kind == "over":
        return over(a.parts[0], times(a.parts[1], b, "" if has_letters(b) else "*"))
    return Math("over", (a, b))


def raised(a: Math, b: Math) -> Math:
    if b == Math("number", (), "1"):
        return a
    if b == Math("number", (), "2") and a.kind == "row" and a.parts[0].text in WITH_POWERS:
        return a._replace(parts=(Math("sup", (a.parts[0], b)), *a.parts[1:]))
    return Math("sup", (held(a, ATOM) if a.kind not in ("sup", "over", "bar_sup") else fenced(a), b))


def below(a: Math, b: Math) -> Math:
    return Math("sub", (a, b))


def stepped(name: str, by: int) -> Math:
    """An index so many further: i, i - 1, t + 1."""
    return Math("row", (letter(name), sign("+" if by > 0 else "-"), number(abs(by))), "", SUM) if by else letter(name)


def root(a: Math) -> Math:
    return Math("root", (a,))


def turned(a: Math) -> Math:
    """The transpose."""
    top = sign("top")
    if a.kind == "sup" and a.parts[1] == top:
        base = a.parts[0]
        return base.parts[1] if base.kind == "fence" and base.parts[0].text == "(" else base
    return Math("sup", (held(a, ATOM) if a.kind not in ("sup", "over") else fenced(a), top))


def product(a: Math, b: Math) -> Math:
    """Of matrices: neither reordered nor joined; signs and numbers come out in front."""
    if a.kind == "minus" or b.kind == "minus":
        made = product(bare(a), bare(b))
        return negative(made) if (a.kind == "minus") != (b.kind == "minus") else made
    return Math("product", (held(a, MATRICES), held(b, MATRICES)), "", MATRICES)


def related(a: Math, how: str, b: Math) -> Math:
    level = SUM if how in OPPOSITE else RELATION
    return Math("relation", (held(a, level), held(b, level)), how, RELATION)


def denied(m: Math) -> Math:
    if m.kind == "relation" and m.text in OPPOSITE:
        return m._replace(text=OPPOSITE[m.text])
    if m.kind == "relation" and m.text in ("and", "or"):
        return related(denied(m.parts[0]), "or" if m.text == "and" else "and", denied(m.parts[1]))
    if m.kind == "row" and m.parts[0] == sign("not"):
        return m.parts[1]
    return Math("row", (sign("not"), held(m, APPLIED)), "", APPLIED)


def bracket(m: Math) -> Math:
    """Iverson's: 1 where it holds, 0 elsewhere."""
    return fenced(m, "[", "]")


def applied(function: str, *args: Math) -> Math:
    return Math("row", (Math("function", (), function), listed(list(args), always=True)), "", APPLIED)


def listed(items: list[Math], always: bool = False) -> Math:
    """In parentheses, unless it is one alone; of many the first and the last."""
    shown = items if len(items) <= 6 else [*items[:3], sign("dots"), items[-1]]
    inner: list[Math] = []
    for a in shown:
        inner += [sign(","), a] if inner else [a]
    return fenced(Math("row", tuple(inner))) if always or len(items) != 1 else items[0]


def summed(m: Math, index: Math | None = None, kind: str = "sum") -> Math:
    """kind: "sum" or "prod"."""
    head = sign(kind) if index is None else below(sign(kind), index)
    return Math("row", (head, held(m, PRODUCT)), "", SUM)


def barred(m: Math) -> Math:
    """The gradient of m, in the notation of reverse mode; the bar is over the letter, not its index."""
    if m.kind == "sub":
        return Math("sub", (barred(m.parts[0]), m.parts[1]))
    if m.kind == "row" and m.parts[-1] == PRIME:
        return Math("row", (barred(m.parts[0]), PRIME))
    return Math("bar", (m,))


def primed(m: Math) -> Math:
    """Another of that name; the prime is at the letter, not its index."""
    return Math("sub", (primed(m.parts[0]), m.parts[1])) if m.kind == "sub" else Math("row", (m, PRIME))


def slope(y: Math, x: Math, total: bool = False) -> Math:
    """dy/dx, or the partial derivative."""
    d = sign("d" if total else "partial")
    return Math("over", (Math("row", (d, held(y, ATOM))), Math("row", (d, held(x, ATOM)))), "slope")


def matrix(rows: list[list[float]]) -> Math:
    return Math("matrix", tuple(Math("row", tuple(number(x) for x in row)) for row in rows))
