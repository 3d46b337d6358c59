import path from 'node:path';
import { describeDamage } from '../capture/damage.ts';
import type { ReplayOutput } from '../workers/config.ts';
import { familyName, groupDigits, plural, protocolText, utcText } from './format.ts';
import type { ChainHits, RulesetHits, TableHits } from './hits.ts';
import { HTML_SCRIPT, HTML_STYLE } from './html-assets.ts';
import { refusalRows } from './refusals.ts';
import { policyText, ruleText } from './rule-forms.ts';
import { endRows, timeSpan } from './summary.ts';
import { etherTypeText } from './text-summary.ts';

/**
 * `--html FILE`: the report as one page that needs nothing else: no network, no fonts, no scripts from elsewhere.
 * Every text from rulesets and captures passes through `escapeHtml`.
 */
export function htmlReport(output: ReplayOutput, rulesets: readonly RulesetHits[], version: string): string {
  const files = [...new Set(output.sources.map((source) => source.file))];
  const names = files.map((file) => path.basename(file));
  const title = `iptables-replay: ${names.slice(0, 3).join(', ')}${names.length > 3 ? `, and ${names.length - 3} more` : ''}`;
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeHtml(title)}</title>`,
    `<style>${HTML_STYLE}</style></head><body>`,
    `<header><h1>${escapeHtml(title)}</h1>${overview(output, files)}</header>`,
    '<main>',
    summary(output),
    rulesets.map(rulesetSection).join('\n'),
    '</main>',
    `<footer>iptables-replay ${escapeHtml(version)}</footer>`,
    `<script>${HTML_SCRIPT}</script></body></html>`,
    '',
  ].join('\n');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}

function overview(output: ReplayOutput, files: readonly string[]): string {
  const { totals } = output.result;
  const facts = [
    plural(totals.packets, 'packet'),
    `${plural(totals.wireBytes, 'byte')} on the wire`,
    plural(files.length, 'capture'),
  ];
  const span = timeSpan(output);
  if (span !== undefined) facts.push(`${utcText(span.firstNs)} – ${utcText(span.lastNs)}`);
  const warning = output.interrupted
    ? '<p class="warn">Interrupted: this is about the packets read until then.</p>'
    : '';
  return `${warning}<p>${escapeHtml(facts.join(' · '))}</p>`;
}

/** `rule`: the text of a rule, which may wrap. */
type Cell = string | number | bigint | { readonly rule: string };

/** A table: numbers are right-aligned with their digits grouped. */
function table(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const head = headings
    .map((heading, i) => headCell(heading, /number|bigint/.test(typeof rows[0]?.[i])))
    .join('');
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  return `<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

function headCell(heading: string, isNumber: boolean): string {
  return `<th${isNumber ? ' class="n"' : ''}>${escapeHtml(heading)}</th>`;
}

function cell(value: Cell): string {
  if (typeof value === 'string') return `<td>${escapeHtml(value)}</td>`;
  if (typeof value === 'object') return `<td class="rule">${escapeHtml(value.rule)}</td>`;
  return `<td class="n">${groupDigits(value)}</td>`;
}

function card(heading: string, content: string): string {
  return `<section class="card"><h2>${escapeHtml(heading)}</h2>${content}</section>`;
}

function listCard(heading: string, items: readonly string[]): string {
  if (items.length === 0) return '';
  return card(heading, `<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`);
}

function summary(output: ReplayOutput): string {
  const { result } = output;
  const cards = [
    card('What became of the packets', endsTable(output)),
    tableCard(
      'What refused packets',
      ['packets', 'bytes', 'family', '', 'table', '#', 'rule'],
      refusalRows(output).map((row) => [
        row.packets,
        row.bytes,
        familyName(row.family),
        row.outcome,
        row.table,
        row.number === 0 ? '' : row.number,
        { rule: row.text },
      ]),
    ),
    listCard('Damaged captures', output.damage.map(describeDamage)),
    listCard('Rules that never match here', output.unsupported),
    tableCard(
      'Connections',
      ['new', 'at the end', 'family', 'protocol'],
      result.connections.map((row) => [
        row.confirmed,
        row.standing,
        familyName(row.family),
        protocolText(row.l4proto),
      ]),
    ),
    tableCard(
      'Packets by state',
      ['packets', 'bytes', 'family', 'protocol', 'state'],
      result.states.map((row) => [
        row.packets,
        row.bytes,
        familyName(row.family),
        protocolText(row.l4proto),
        row.state,
      ]),
    ),
    tableCard(
      'Why packets were INVALID',
      ['packets', 'family', 'reason'],
      result.invalid.map((row) => [row.packets, familyName(row.family), row.reason]),
    ),
    tableCard(
      'Not IP',
      ['packets', 'bytes', 'ethertype'],
      result.notIp.map((row) => [row.packets, row.bytes, etherTypeText(row.etherType)]),
    ),
    listCard('Assumed', result.assumptions),
  ];
  return `<div class="cards">${cards.join('\n')}</div>`;
}

function tableCard(heading: string, headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return rows.length === 0 ? '' : card(heading, table(headings, rows));
}

function endsTable(output: ReplayOutput): string {
  const rows = endRows(output);
  const most = Math.max(1, ...rows.map((row) => row.packets));
  const body = rows.map((row) => {
    const text = row.reason === undefined ? row.sentence : `${row.sentence}: ${row.reason.sentence}`;
    const cells = [cell(row.packets), cell(row.bytes), cell(familyName(row.family)), cell(row.hook ?? '–')];
    return `<tr>${bar(row.packets / most)}${cells.join('')}<td class="o-${row.outcome}">${escapeHtml(text)}</td></tr>`;
  });
  return `<table><thead><tr><th></th><th class="n">packets</th><th class="n">bytes</th><th>family</th><th>hook</th><th>end</th></tr></thead><tbody>${body.join('\n')}</tbody></table>`;
}

/** A cell with a bar of this share, 0 to 1; what is not nothing shows at least a trace. */
function bar(share: number): string {
  const percent = share === 0 ? 0 : Math.max(1, Math.round(share * 100));
  return `<td class="bar"><i style="width:${percent}%"></i></td>`;
}

function rulesetSection({ family, file, tables }: RulesetHits): string {
  const heading = `<h2 class="ruleset">${familyName(family)} rules <small>${escapeHtml(file)}</small></h2>`;
  const filter =
    '<div class="filter"><input type="search" placeholder="filter rules: words that must occur" aria-label="filter rules">' +
    '<label><input type="checkbox"> only rules that were hit</label></div>';
  return `<section class="rules">${heading}${filter}${tables.map(tableSection).join('\n')}</section>`;
}

function tableSection(hits: TableHits): string {
  const chains = hits.chains.map((chain) => chainSection(hits, chain)).join('\n');
  return `<details open><summary>${hits.name}</summary>${chains}</details>`;
}

function chainSection(hits: TableHits, { chain, policy, rules }: ChainHits): string {
  const most = rules.reduce(
    (n, rule) => Math.max(n, Number(rule.packets)),
    Math.max(1, Number(policy?.packets ?? 0n)),
  );
  const row = (number: string, packets: bigint, bytes: bigint, text: string) =>
    `<tr class="${packets > 0n ? 'hit' : 'idle'}"><td class="n">${number}</td><td class="n">${groupDigits(packets)}</td>` +
    `<td class="n">${groupDigits(bytes)}</td>${bar(Number(packets) / most)}<td class="rule">${escapeHtml(text)}</td></tr>`;
  const lines = rules.map(({ rule, number, packets, bytes }) => {
    const text = ruleText({ family: hits.family, table: hits.name, chain: chain.name, rule });
    return row(String(number), packets, bytes, text);
  });
  if (policy !== undefined) lines.push(row('', policy.packets, policy.bytes, policyText(chain)));
  if (lines.length === 0) return '';
  const head =
    '<thead><tr><th class="n">#</th><th class="n">packets</th><th class="n">bytes</th><th></th><th>rule</th></tr></thead>';
  return `<section class="chain" id="${anchor(hits, chain.name)}"><h3>${escapeHtml(chain.name)}</h3><table>${head}<tbody>${lines.join('\n')}</tbody></table></section>`;
}

function anchor(hits: TableHits, chain: string): string {
  return escapeHtml(`${hits.family}-${hits.name}-${chain}`);
}
