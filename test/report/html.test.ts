import { expect, test } from 'vitest';
import { rulesetHits } from '../../src/report/hits.ts';
import { htmlReport } from '../../src/report/html.ts';
import { makeOutput } from './fixture.ts';

const output = makeOutput({ damaged: true });
const page = htmlReport(output, rulesetHits(output, false), '0.1.0');

test('needs nothing from elsewhere', () => {
  expect(page).not.toMatch(/<link|<img|<script[^>]+src|url\(|@import|https?:/);
});

test('nothing of a ruleset is taken for markup', () => {
  expect(page).not.toContain('<b>');
  expect(page).toContain('&lt;b&gt;\\&quot;a &amp; b\\&quot;&lt;/b&gt;');
});

test('says what it is about', () => {
  expect(page).toContain(
    '1,234 packets · 1,234,567 bytes on the wire · 2 captures · 2023-11-14 22:13:20.999999 UTC',
  );
});

test('shows rules with their counters, and every end', () => {
  expect(page).toContain('-A INPUT -p tcp -m tcp --dport 80 -j web');
  expect(page).toContain('11,000');
  expect(page).toContain('dropped by the network stack: no route to the destination');
  expect(page).toContain('damaged at byte 4096');
});

test('tags are balanced', () => {
  for (const tag of ['table', 'tbody', 'tr', 'td', 'section', 'details', 'div', 'ul', 'li']) {
    const opened = page.match(new RegExp(`<${tag}[ >]`, 'g'))?.length ?? 0;
    const closed = page.match(new RegExp(`</${tag}>`, 'g'))?.length ?? 0;
    expect(closed, tag).toBe(opened);
  }
});
