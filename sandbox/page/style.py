"""How the page looks."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #f6f7f9; --card: #ffffff;
  --line: #dfe3e9; --accent: #0b62c4; --warn: #7a4b00; --warn-paper: #fff3d9; --fill: #0b62c422; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa6b6; --paper: #12161c;
  --card: #1a2029; --line: #2d3643; --accent: #6fb1ff; --warn: #ffd58a;
  --warn-paper: #33270f; --fill: #6fb1ff26; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .25rem; }
h3 { font-size: 1rem; margin: 0; font-weight: 600; }
p { margin: .4rem 0; max-width: 46rem; }
.soft { color: var(--soft); }
.notice { background: var(--warn-paper); color: var(--warn); border-radius: .5rem; padding: .7rem 1rem;
  margin: 1.25rem 0; max-width: none; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.15rem;
  margin: .8rem 0; }
dl.facts { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .75rem 1.5rem;
  margin: 0; }
@media (max-width: 40rem) { dl.facts { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
dl.facts dt { color: var(--soft); font-size: .82rem; } dl.facts dd { margin: 0; font-weight: 600; }
.call { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem .7rem; }
.call code { font-size: .95rem; overflow-wrap: anywhere; }
.method { font: 700 .72rem/1 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; letter-spacing: .04em;
  color: var(--accent); border: 1px solid currentColor; border-radius: .3rem; padding: .25rem .4rem; }
code, pre, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--paper); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; margin: .6rem 0 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin-top: .7rem; font-size: .92rem; }
th { text-align: left; color: var(--soft); font-weight: 600; font-size: .82rem; }
th, td { padding: .4rem .9rem .4rem 0; border-top: 1px solid var(--line); vertical-align: top; }
tr:first-child th { border-top: 0; } td.number { text-align: right; white-space: nowrap; }
th.number { text-align: right; white-space: nowrap; } th, .line { white-space: nowrap; }
a { color: var(--accent); } td code { font-size: .85rem; }
#apps td { vertical-align: middle; } #apps .mono { font-size: .8rem; }
#channels .mono, #channels code { overflow-wrap: anywhere; } #channels p { max-width: none; }
#channels td:nth-child(1) { min-width: 11rem; } #channels td:nth-child(2) { min-width: 18rem; }
svg { display: block; width: 11rem; height: 2.25rem; }
svg path { fill: var(--fill); stroke: var(--accent); stroke-width: 1; vector-effect: non-scaling-stroke; }
"""
