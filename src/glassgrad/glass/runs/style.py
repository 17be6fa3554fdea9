"""How a report looks: its style sheet, light and dark, and the policy that forbids scripts and loading."""

from __future__ import annotations

from ..pages import colours

__all__ = ["POLICY", "STYLE"]


POLICY = "img-src data:; style-src 'unsafe-inline'"
STYLE = (
    colours()
    + """
*{box-sizing:border-box}
body{margin:0 auto;padding:2.5rem 1.25rem 4rem;max-width:1120px;background:var(--paper);color:var(--ink);
  font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif}
h1{font-size:1.8rem;line-height:1.2;margin:0 0 1rem;overflow-wrap:anywhere}
h2{font-size:1.3rem;margin:3rem 0 1rem;padding-bottom:.35rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1.5rem 0 .5rem;overflow-wrap:anywhere}
dl{display:flex;flex-wrap:wrap;gap:.75rem 2.5rem;margin:0}
dl div{display:flex;flex-direction:column}
dd{order:0;margin:0;font-size:1.55rem;font-weight:600;font-variant-numeric:tabular-nums}
dt{order:1;color:var(--soft);font-size:.85rem}
.note{margin:0 0 1rem;padding:.5rem .9rem;border-left:4px solid var(--orange);background:var(--line)}
.row{display:flex;flex-wrap:wrap;gap:0 3rem;align-items:flex-start}
.row>*{min-width:0;max-width:100%}
figure{margin:0 0 1.5rem}
figcaption{color:var(--soft);font-size:.85rem;max-width:34rem;margin-top:.4rem}
.scroll+.row,details+.row{margin-top:1.5rem}
.missing{margin:0;padding:1.5rem;border:1px dashed var(--soft);color:var(--soft)}
.scroll{overflow-x:auto}
svg{display:block;max-width:100%;height:auto}
svg *{stroke-linejoin:round;stroke-linecap:butt}
svg text{font-family:inherit!important}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .9rem .3rem 0;text-align:right;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:500;white-space:nowrap}
td+td,th+th{padding-left:.9rem}
.left{text-align:left;overflow-wrap:anywhere}
.strong td{font-weight:600}
summary{cursor:pointer;color:var(--blue);padding:.4rem 0}
pre{padding:.8rem 1rem;background:var(--line);font-size:.9rem;margin:0 0 1rem}
@media print{details>*{display:block}}
"""
)
