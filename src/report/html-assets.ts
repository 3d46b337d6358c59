/** Style and script of the HTML report, inlined into the page. Both are fixed text: nothing of a capture enters them. */
export const HTML_STYLE = `
:root { --bg: #fbfbfa; --card: #fff; --ink: #1c2024; --dim: #68707a; --line: #e3e5e8; --bar: #5b8def; --drop: #b3362b; --ok: #25784a; }
@media (prefers-color-scheme: dark) {
  :root { --bg: #14171a; --card: #1c2024; --ink: #e5e8eb; --dim: #98a1ab; --line: #2e343a; --bar: #5b8def; --drop: #ff8579; --ok: #6fcf97; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 1.5rem; background: var(--bg); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.35rem; margin: 0 0 .2rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0 0 .6rem; }
h2.ruleset { margin: 2rem 0 .6rem; font-size: 1.15rem; }
h3 { font: 600 .95rem ui-monospace, monospace; margin: 1rem 0 .3rem; }
small, header p, footer, .idle { color: var(--dim); }
header p { margin: .2rem 0; }
.warn, .o-dropped, .o-rejected, .o-stack { color: var(--drop); }
.o-delivered, .o-forwarded, .o-sent, .o-looped { color: var(--ok); }
.cards { display: flex; flex-wrap: wrap; gap: 1rem; margin-top: 1rem; align-items: flex-start; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .9rem 1rem; max-width: 100%; overflow-x: auto; }
.card ul { margin: 0; padding-left: 1.1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.chain table { width: 100%; }
th { text-align: left; font-weight: 500; color: var(--dim); font-size: .82rem; }
th, td { padding: .18rem .6rem .18rem 0; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
th.n, td.n { text-align: right; padding-right: .8rem; }
.chain th:nth-child(1), .chain td:nth-child(1) { width: 3.5rem; } .chain td:nth-child(2), .chain td:nth-child(3) { width: 8rem; }
td.bar { width: 7rem; min-width: 5rem; padding-top: .5rem; } td.bar i { display: block; height: .55rem; border-radius: 2px; background: var(--bar); }
td.rule { font: 13px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
details > summary { cursor: pointer; font-weight: 600; margin-top: 1rem; }
details { overflow-x: auto; }
.filter { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; }
.filter input[type=search] { flex: 1; min-width: 16rem; padding: .45rem .6rem; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 6px; }
footer { margin-top: 2rem; font-size: .85rem; }
[hidden] { display: none; }
`;

export const HTML_SCRIPT = `
for (const section of document.querySelectorAll('section.rules')) {
  const search = section.querySelector('input[type=search]');
  const onlyHit = section.querySelector('input[type=checkbox]');
  const update = () => {
    const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
    for (const chain of section.querySelectorAll('.chain')) {
      const name = chain.querySelector('h3').textContent.toLowerCase();
      let shown = 0;
      for (const row of chain.querySelectorAll('tbody tr')) {
        const text = name + ' ' + row.lastElementChild.textContent.toLowerCase();
        row.hidden = (onlyHit.checked && row.className === 'idle') || !words.every((word) => text.includes(word));
        if (!row.hidden) shown++;
      }
      chain.hidden = shown === 0;
    }
  };
  search.addEventListener('input', update);
  onlyHit.addEventListener('change', update);
}
`;
