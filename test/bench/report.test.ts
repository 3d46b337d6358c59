import { describe, expect, it } from 'vitest';
import type { GroupFigures, RowFigures } from '../../bench/replay/rounds.ts';
import { medianRate, medianRatio } from '../../bench/replay/rounds.ts';
import type { Reference, Sample } from '../../bench/replay/row.ts';
import { chart } from '../../bench/report/chart.ts';
import type { RunFigures } from '../../bench/report/figures.ts';
import { goals } from '../../bench/report/goals.ts';
import { spread } from '../../bench/report/panels.ts';
import { decades, LogScale } from '../../bench/report/svg.ts';
import { figuresTable, goalsTable } from '../../bench/report/table.ts';

/** A row that takes so many seconds a round, two of which (if it is that slow) are the start. */
function row(name: string, seconds: readonly number[], reference?: Reference): RowFigures {
  const samples = seconds.map(
    (wallSeconds): Sample => ({
      packets: 1_000_000,
      wallSeconds,
      startSeconds: wallSeconds > 2 ? 2 : 0,
      cpuSeconds: wallSeconds,
      maxRssBytes: 100 * 2 ** 20,
    }),
  );
  return { name, label: `row <${name}>`, reference, samples };
}

function group(name: string, ...rows: RowFigures[]): GroupFigures {
  return { name, title: `group ${name}`, rows, notes: ['as noted'] };
}

function run(...groups: GroupFigures[]): RunFigures {
  return { machine: 'a machine', packets: 1_000_000, rounds: 3, seed: 1, workers: [1, 2], groups };
}

const measured = (figures: RunFigures, text: string) => goals(figures).find((goal) => goal.text === text)!;

describe('figures of rows', () => {
  it('are medians of the ratios within rounds, not ratios of medians', () => {
    const [fast, slow] = [row('fast', [1, 4, 16]), row('slow', [4, 8, 16])];
    expect(medianRatio(fast, slow, 'whole')).toBe(2);
    expect(medianRate(slow, 'whole')).toBe(125_000);
    expect(medianRate(slow, 'after start')).toBeCloseTo(1e6 / 6);
  });
});

describe('goals', () => {
  it('takes the shape that suffers most, with the number of workers that is fastest with few rules', () => {
    const shape = (name: string, many: number) =>
      group(
        `rules-${name}`,
        row('10-workers-1', [12]),
        row('10-workers-2', [7]),
        row('10000-workers-1', [12]),
        row('10000-workers-2', [many]),
      );
    const good = measured(run(shape('acl', 7.5), shape('kube', 7.2)), '10,000 rules beside 10');
    expect(good.isReached).toBe(true);
    expect(good.measured).toBe('0.91 x');
    const bad = measured(run(shape('acl', 9), shape('kube', 7.2)), '10,000 rules beside 10');
    expect(bad.isReached).toBe(false);
    expect(bad.detail).toContain('acl 0.71, kube 0.96');
  });

  it('compares with the kernel by whole processes, and with the faster back end', () => {
    const kernel = group(
      'kernel',
      row('legacy-1000', [100]),
      row('nft-1000', [300]),
      row('1000-workers-1', [4]),
      row('1000-workers-2', [2]),
    );
    expect(measured(run(kernel), '1,000 rules beside the kernel')).toMatchObject({
      measured: '50.0 x',
      isReached: true,
    });
  });

  it('says what was not measured', () => {
    for (const goal of goals(run())) {
      expect(goal.measured).toBeUndefined();
      expect(goal.isReached).toBeUndefined();
    }
    expect(goalsTable(run()).match(/not measured/g)).toHaveLength(goals(run()).length);
  });

  it('tells a profile whose output differs', () => {
    const identical = { workers: [0, 1], packets: 10, same: ['a'], different: ['b (0 | 1)'] };
    const goal = measured({ ...run(), identical }, 'profiles with the same output for all workers');
    expect(goal).toMatchObject({ asked: '2', measured: '1', isReached: false });
    expect(goal.detail).toContain('not b (0 | 1)');
  });
});

const ALL = run(
  group('beside', row('workers-1', [3]), row('tcpdump', [1], { row: 'tcpdump', basis: 'whole' })),
  group('rules-acl', row('10-workers-1', [4]), row('100000-workers-1', [40])),
  group('kernel', row('legacy-10', [10]), row('legacy-10000', [500])),
  group('traffic', row('normal', [4]), row('syn-flood', [40], { row: 'normal', basis: 'after start' })),
);

describe('table', () => {
  it('has a line for each row, with its ratio on the basis that the row names', () => {
    const lines = figuresTable(ALL).split('\n');
    const flood = lines.find((text) => text.includes('syn-flood'))!;
    // (4 - 2) / (40 - 2) by time without start, 4 / 40 by CPU time.
    expect(flood).toMatch(/40\.00 +2\.00 +40\.00 +0\.0250 +0\.0263 +100 +0\.0526 +0\.10$/);
  });
});

describe('picture', () => {
  const svg = chart(ALL);

  it('has its labels, escaped, and no place that is not a number', () => {
    expect(svg).toContain('row &lt;syn-flood&gt;');
    expect(svg).toContain('0.0526 x');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(svg.match(/<text /g)!.length).toBe(svg.match(/<\/text>/g)!.length);
  });

  it('leaves out what was not measured', () => {
    expect(chart(run())).not.toContain('Worst cases');
    expect(svg).toContain('Worst cases');
  });

  it('has logarithmic axes of whole decades', () => {
    expect(decades([0.02, 5])).toEqual({ low: 0.01, high: 10 });
    expect(decades([1])).toEqual({ low: 1, high: 10 });
    const scale = new LogScale(0.01, 10, 100, 400);
    expect([0.01, 0.1, 10].map((value) => Math.round(scale.at(value)))).toEqual([100, 200, 400]);
    expect(scale.ticks()).toHaveLength(4);
  });

  it('moves labels apart and keeps their order', () => {
    const moved = spread([50, 10, 52, 54], 10);
    const sorted = [...moved].sort((a, b) => a - b);
    for (let i = 1; i < sorted.length; i++) expect(sorted[i]! - sorted[i - 1]!).toBeGreaterThan(9.9);
    expect(moved.indexOf(Math.max(...moved))).toBe(3);
    expect(moved.indexOf(Math.min(...moved))).toBe(1);
  });
});
