import { decimals } from '../base/numbers.ts';
import { ruleCountRow } from '../groups/rule-counts.ts';
import { medianOf, medianRate } from '../replay/rounds.ts';
import type { Basis } from '../replay/row.ts';
import { findGroup, findRow, type RunFigures, ratioIn } from './figures.ts';

/** A figure that the program is to reach. Never asserted: machines differ. */
export interface Goal {
  readonly text: string;
  readonly asked: string;
  /** Undefined where it was not measured. */
  readonly measured: string | undefined;
  readonly isReached: boolean | undefined;
  /** Which rows the figure is of. */
  readonly detail: string;
}

/** A measured figure and where it is from. */
interface Found {
  readonly value: number;
  readonly of: string;
}

const MIB = 2 ** 20;

/** All goals, in the order in which the groups are measured. */
export function goals(run: RunFigures): Goal[] {
  return [
    atLeast('1,000 rules, beside tcpdump', 1, slowestShape(run, 'tcpdump')),
    atLeast('1,000 rules, beside pcap-parser', 10, slowestShape(run, 'pcap-parser')),
    atLeast('10,000 rules beside 10', 0.85, ruleCounts(run, 10_000)),
    atLeast('100,000 rules beside 10', 0.7, ruleCounts(run, 100_000)),
    atLeast('1,000 rules beside the kernel', 50, besideKernel(run, 1000)),
    atLeast('10,000 rules beside the kernel', 300, besideKernel(run, 10_000)),
    atLeast('SYN flood beside normal', 0.2, ratio(run, 'traffic', 'syn-flood', 'normal', 'after start')),
    atLeast('one giant flow beside normal', 1, ratio(run, 'traffic', 'one-flow', 'normal', 'after start')),
    atLeast('IPv6 beside normal', 0.7, ratio(run, 'traffic', 'ipv6', 'normal', 'after start')),
    atLeast(
      'all translated beside normal',
      0.7,
      ratio(run, 'traffic', 'translated', 'normal', 'after start'),
    ),
    atLeast(
      'string search, 2 workers beside 1',
      1.6,
      ratio(run, 'string', 'workers-2', 'workers-1', 'after start'),
    ),
    atLeast('full frames beside tcpdump', 1.2, fastest(run, 'full-frames', 'tcpdump')),
    atLeast('full frames beside merely reading', 0.3, fastest(run, 'full-frames', 'read-blocks')),
    atLeast('2 workers beside 1', 1.3, ratio(run, 'beside', 'workers-2', 'workers-1', 'whole')),
    identical(run),
    atMost('MiB, normal', 512, mostMemory(run, 'beside', workerRows(run))),
    atMost('MiB, ten times the packets through a pipe', 512, mostMemory(run, 'stream', workerRows(run))),
    atMost('MiB, a connection for every ten packets', 1024, mostMemory(run, 'traffic', ['many-connections'])),
    atMost('seconds, --help', 0.25, seconds(run, ['help'])),
    atMost('seconds, 10 packets', 0.6, seconds(run, ['ten-packets'])),
    atMost(
      'seconds, 100,000 rules to the first packet',
      4,
      seconds(run, ['acl', 'acl-stateless', 'kube', 'kube-stateless']),
    ),
  ];
}

function atLeast(text: string, asked: number, found: Found | undefined): Goal {
  return goal(text, `>= ${decimals(asked)} x`, found, (value) => value >= asked, 'x');
}

function atMost(text: string, asked: number, found: Found | undefined): Goal {
  return goal(text, `<= ${asked}`, found, (value) => value <= asked, '');
}

function goal(
  text: string,
  asked: string,
  found: Found | undefined,
  isReached: (value: number) => boolean,
  unit: string,
): Goal {
  return {
    text,
    asked,
    measured: found === undefined ? undefined : `${decimals(found.value)} ${unit}`.trim(),
    isReached: found === undefined ? undefined : isReached(found.value),
    detail: found?.of ?? '',
  };
}

function identical({ identical }: RunFigures): Goal {
  const text = 'profiles with the same output for all workers';
  if (identical === undefined)
    return { text, asked: 'all', measured: undefined, isReached: undefined, detail: '' };
  const { same, different, workers, packets } = identical;
  return {
    text,
    asked: `${same.length + different.length}`,
    measured: `${same.length}`,
    isReached: different.length === 0,
    detail: `workers ${workers.join(', ')}; ${packets.toLocaleString('en')} packets${different.length > 0 ? `; not ${different.join(', ')}` : ''}`,
  };
}

function ratio(run: RunFigures, group: string, row: string, other: string, basis: Basis): Found | undefined {
  const value = ratioIn(run, group, row, other, basis);
  return value === undefined ? undefined : { value, of: `${basis}` };
}

function workerRows({ workers }: RunFigures): string[] {
  return workers.map((n) => `workers-${n}`);
}

function largest(all: readonly Found[]): Found | undefined {
  return all.reduce<Found | undefined>((a, b) => (a === undefined || b.value > a.value ? b : a), undefined);
}

function smallest(all: readonly Found[]): Found | undefined {
  return all.reduce<Found | undefined>((a, b) => (a === undefined || b.value < a.value ? b : a), undefined);
}

/** Of all numbers of workers, the one that does best against another program. */
function fastest(run: RunFigures, group: string, other: string): Found | undefined {
  return largest(
    workerRows(run).flatMap((row) => {
      const value = ratioIn(run, group, row, other, 'whole');
      return value === undefined ? [] : [{ value, of: `whole, ${row}` }];
    }),
  );
}

/** The slowest of the four kinds of rulesets; the ordinary one with the number of workers that suits it best. */
function slowestShape(run: RunFigures, other: string): Found | undefined {
  const ordinary = fastest(run, 'beside', other);
  if (ordinary === undefined) return undefined;
  const shapes = ['acl-stateless', 'kube', 'kube-stateless'].flatMap((row) => {
    const value = ratioIn(run, 'beside', row, other, 'whole');
    return value === undefined ? [] : [{ value, of: row }];
  });
  const all = [{ value: ordinary.value, of: `acl (${ordinary.of})` }, ...shapes];
  return {
    value: smallest(all)!.value,
    of: all.map(({ value, of }) => `${of} ${decimals(value)}`).join(', '),
  };
}

/** The shape that suffers most from rules; each with the number of workers that is fastest with few. */
function ruleCounts(run: RunFigures, rules: number): Found | undefined {
  const shapes = ['acl', 'acl-stateless', 'kube', 'kube-stateless'].flatMap((shape) => {
    const group = `rules-${shape}`;
    const workers = largest(
      run.workers.flatMap((n) => {
        const row = findRow(run, group, ruleCountRow(10, n));
        return row === undefined ? [] : [{ value: medianRate(row, 'after start'), of: `${n}` }];
      }),
    );
    if (workers === undefined) return [];
    const [many, few] = [rules, 10].map((count) => ruleCountRow(count, Number(workers.of)));
    const value = ratioIn(run, group, many!, few!, 'after start');
    return value === undefined ? [] : [{ value, of: `${shape} ${decimals(value)}` }];
  });
  const value = smallest(shapes)?.value;
  return value === undefined
    ? undefined
    : { value, of: `after start; ${shapes.map(({ of }) => of).join(', ')}` };
}

function besideKernel(run: RunFigures, rules: number): Found | undefined {
  const backends = ['legacy', 'nft'].flatMap((backend) => {
    const found = largest(
      run.workers.flatMap((n) => {
        const value = ratioIn(run, 'kernel', `${rules}-workers-${n}`, `${backend}-${rules}`, 'whole');
        return value === undefined ? [] : [{ value, of: `${backend} ${decimals(value)}` }];
      }),
    );
    return found === undefined ? [] : [found];
  });
  const value = smallest(backends)?.value;
  return value === undefined ? undefined : { value, of: `whole; ${backends.map(({ of }) => of).join(', ')}` };
}

function mostMemory(run: RunFigures, group: string, rows: readonly string[]): Found | undefined {
  return largest(
    rows.flatMap((name) => {
      const row = findRow(run, group, name);
      const bytes = row === undefined ? undefined : medianOf(row, 'maxRssBytes');
      return bytes === undefined ? [] : [{ value: bytes / MIB, of: name }];
    }),
  );
}

function seconds(run: RunFigures, names: readonly string[]): Found | undefined {
  const rows = findGroup(run, 'start')?.rows.filter(({ name }) => names.includes(name)) ?? [];
  return largest(rows.map((row) => ({ value: medianOf(row, 'wallSeconds')!, of: row.label })));
}
