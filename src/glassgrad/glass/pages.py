"""What the tools leave behind: pages that need nothing from elsewhere, and files by their endings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path

from ..io.files import atomic_write
from .canvas import THEME, plain_text


def colours(scope: str = ":root") -> str:
    """The theme's tokens as CSS variables, light and, where the reader's system is, dark."""
    light, dark = ("".join(f"--{token}:{pair[k]};" for token, pair in THEME.items()) for k in (0, 1))
    return f"{scope}{{color-scheme:light dark;{light}}}\n@media (prefers-color-scheme:dark){{{scope}{{{dark}}}}}\n"


def html_page(title: str, style: str, body: str, *, policy: str = "style-src 'unsafe-inline'", kind: str = "") -> str:
    """A whole page, in the theme's colours. style, body: markup. kind: the body's class.

    The policy names what the page may do; to load anything else, or to run another script, is forbidden.
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; {policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(plain_text(title, 2000))}</title>
<style>{style}</style>
</head>
<body{f' class="{kind}"' if kind else ""}>
{body.strip()}
</body>
</html>
"""


def saved(path: str | os.PathLike[str], forms: Mapping[str, Callable[[], str | bytes]], what: str) -> Path:
    """Write what the form of the path's ending gives, whole or not at all. what: whose file, "draw: a picture".

    Raises ValueError for another ending, FileNotFoundError where there is no such folder, OSError.
    """
    path = Path(path)
    form = forms.get(path.suffix.lower())
    if form is None:
        raise ValueError(f"{what}'s file ends in {', '.join(forms)}; got {path.name!r}")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"{what.partition(':')[0]}: there is no folder {str(path.parent)!r} to save {path.name} in"
        )
    atomic_write(path, form())
    return path
