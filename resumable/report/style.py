"""How a report looks: one style sheet for light and dark, for a phone and a desk, and for paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --raised: #f6f7f9; --ink: #16191d; --muted: #5a6470; --faint: #b4bcc6; --grid: #e8ebef;
  --line: #dfe3e8; --complete: #2f9e63; --provisional: #8fc9a8; --open: #e0a100; --planned: #d9dee4;
  --quarantined: #d6336c; --pages: #4c7fd6; --cap: #d9480f; --p50: #2f9e63; --p90: #e0a100; --p99: #d6336c;
  --retries: #e0a100; --limited: #d6336c; --tokens: #7048b6; --records: #5f8fae;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --raised: #1c2026; --ink: #e7eaee; --muted: #9aa5b1; --faint: #525b66; --grid: #272c33;
    --line: #2c323a; --complete: #3fb57a; --provisional: #2b6b4c; --open: #e3b341; --planned: #323a43;
    --quarantined: #f0618f; --pages: #5b8def; --cap: #ff8b50; --p50: #3fb57a; --p90: #e3b341; --p99: #f0618f;
    --retries: #e3b341; --limited: #f0618f; --tokens: #b79bf0; --records: #7fb0d0;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 24px 16px 64px; max-width: 1200px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 40px 0 12px; }
h3 { font-size: 15px; margin: 0 0 2px; }
p { margin: 4px 0; }
.muted { color: var(--muted); }
.state { display: inline-block; padding: 1px 10px; border-radius: 12px; font-size: 15px; font-weight: 600;
  border: 2px solid var(--open); vertical-align: 3px; white-space: nowrap; }
.state.complete { border-color: var(--complete); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(156px, 1fr)); gap: 8px; margin: 20px 0 0; }
.tile { background: var(--raised); border-radius: 8px; padding: 10px 12px; }
.tile b { display: block; font-size: 19px; font-variant-numeric: tabular-nums; line-height: 1.3; }
.tile span { color: var(--muted); font-size: 14px; }
.tile.bad b { color: var(--quarantined); }
.legend {
  display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 12px; padding: 0; list-style: none; font-size: 14px;
}
.legend li { color: var(--muted); }
.legend svg { width: 12px; height: 12px; margin-right: 6px; vertical-align: -1px; }
.months { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 18px 22px; }
.month h3 { font-weight: 600; color: var(--muted); }
.month svg { display: block; width: 100%; max-width: 186px; height: auto; }
.k-complete { fill: var(--complete); } .k-provisional { fill: var(--provisional); }
.k-open { fill: var(--open); } .k-planned { fill: var(--planned); } .k-quarantined { fill: var(--quarantined); }
.k-cross { stroke: var(--paper); stroke-width: 2; stroke-linecap: round; }
.k-pages { fill: var(--pages); } .k-cap { fill: var(--cap); } .k-p50 { fill: var(--p50); } .k-p90 { fill: var(--p90); }
.k-p99 { fill: var(--p99); } .k-retries { fill: var(--retries); } .k-limited { fill: var(--limited); }
.k-records { fill: var(--records); } .k-tokens { fill: var(--tokens); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr)); gap: 28px 24px; }
.drawn svg { display: block; width: 100%; height: auto; overflow: visible; }
.chart p { font-size: 14px; }
.narrow { display: none; }
@media (max-width: 620px) { .wide { display: none; } .narrow { display: block; } }
table { border-collapse: collapse; width: 100%; font-size: 15px; }
th, td { text-align: left; padding: 6px 16px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--muted); font-weight: 600; font-size: 14px; }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.when { white-space: nowrap; color: var(--muted); font-variant-numeric: tabular-nums; }
.tight td:not(:last-child), .tight th:not(:last-child) { width: 1%; white-space: nowrap; }
code, pre { font: 14px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
pre { background: var(--raised); border-radius: 8px; padding: 12px; overflow-x: auto; white-space: pre-wrap; }
details { margin-top: 12px; }
summary { cursor: pointer; color: var(--muted); }
footer { margin-top: 48px; color: var(--muted); font-size: 14px; }
@media (max-width: 620px) {
  body { font-size: 17px; }
  table.stacked, .stacked tbody, .stacked tr, .stacked td { display: block; }
  .stacked thead { display: none; }
  .stacked td, .tight.stacked td:not(:last-child) { border: 0; padding: 0; width: auto; white-space: normal; }
  .stacked tr { border-bottom: 1px solid var(--line); padding: 8px 0; }
}
@media print { body { max-width: none; padding: 0; } .tile, pre { border: 1px solid var(--line); } }
"""
