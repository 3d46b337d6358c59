import { defineMatch } from '../extension/define.ts';
import type { Emitter } from '../extension/emitter.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, parsePort } from '../extension/values.ts';
import { R_DPORT, R_SPORT } from '../packet/registers.ts';
import { emitHasPorts, isLaterFragment, transportBytes } from './ports.ts';

interface MultiportOptions {
  readonly side: 'source' | 'destination' | 'either';
  /** Pairs of lowest and highest port, as written. */
  readonly ranges: readonly (readonly [number, number])[];
  readonly inverted: boolean;
}

/** XT_MULTI_PORTS: a range takes two. */
const MAX_PORTS = 15;

/** Protocols with ports at their place, and the names under which /etc/services is asked for them. */
const PROTOCOLS: Readonly<Record<number, string>> = {
  6: 'tcp',
  17: 'udp',
  136: 'udplite',
  132: 'sctp',
  33: 'dccp',
};

function parsePorts(text: string, call: OptionCall): (readonly [number, number])[] {
  const protocol = protocolOf(call);
  const ranges: (readonly [number, number])[] = [];
  let count = 0;
  for (const part of text.split(',')) {
    const colon = part.indexOf(':');
    if (count >= MAX_PORTS || (colon >= 0 && count === MAX_PORTS - 1)) {
      call.fail('too many ports specified', `At most ${MAX_PORTS} ports; a range counts for two.`);
    }
    const low = parsePort(colon < 0 ? part : part.slice(0, colon), protocol, call);
    if (colon < 0) {
      ranges.push([low, low]);
      count++;
    } else {
      const high = parsePort(part.slice(colon + 1), protocol, call);
      if (low >= high) call.fail('invalid portrange specified');
      ranges.push([low, high]);
      count += 2;
    }
  }
  return ranges;
}

function protocolOf(call: OptionCall): string {
  const name = PROTOCOLS[call.protocol];
  if (call.protocol === 0) {
    call.fail(
      "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'",
      '-p must stand before it.',
    );
  }
  if (name === undefined || call.protocolInverted) {
    call.fail('multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP');
  }
  return name;
}

const NAMES = { source: 'sports', destination: 'dports', either: 'ports' } as const;

/** `-m multiport`. Linux: net/netfilter/xt_multiport.c, multiport_mt(). */
export const multiport = defineMatch<MultiportOptions>({
  name: 'multiport',
  families: [4, 6],
  scope: 'connection',
  reads: (o) => [
    ...(o.side === 'destination' ? [] : (['sport'] as const)),
    ...(o.side === 'source' ? [] : (['dport'] as const)),
    'fragOffset',
  ],
  syntax: defineSyntax({
    options: {
      '--source-ports': custom(parsePorts, {
        invertible: true,
        aliases: ['--sports'],
        excludes: ['--destination-ports', '--ports'],
      }),
      '--destination-ports': custom(parsePorts, {
        invertible: true,
        aliases: ['--dports'],
        excludes: ['--source-ports', '--ports'],
      }),
      '--ports': custom(parsePorts, {
        invertible: true,
        excludes: ['--source-ports', '--destination-ports'],
      }),
    },
    finalCheck: (v, rule) => {
      if (Object.keys(v).length === 0) rule.fail('multiport expection an option');
    },
    build: (v): MultiportOptions => {
      const side = v['--ports'] ? 'either' : v['--source-ports'] ? 'source' : 'destination';
      const given = (v['--ports'] ?? v['--source-ports'] ?? v['--destination-ports'])!;
      return { side, ranges: given.value, inverted: given.inverted };
    },
    save: (o) => `${o.inverted ? ' !' : ''} --${NAMES[o.side]} ${formatRanges(o)}`,
    list: (o) => `multiport ${NAMES[o.side]} ${o.inverted ? ' !' : ''}${formatRanges(o)}`,
    kernelCheck: (_, rule) =>
      PROTOCOLS[rule.protocol] === undefined || rule.protocolInverted
        ? 'xt_multiport: rule is for a protocol without ports'
        : undefined,
  }),
  evaluate: (o, p) => {
    if (isLaterFragment(p) || p.l4Offset < 0) return false;
    // The ports alone are asked for: four bytes are enough of a header.
    if (transportBytes(p) < 4) {
      p.hotdrop = true;
      return false;
    }
    const sport = p.r[R_SPORT]!;
    const dport = p.r[R_DPORT]!;
    const found = o.ranges.some(
      ([low, high]) =>
        (o.side !== 'destination' && sport >= low && sport <= high) ||
        (o.side !== 'source' && dport >= low && dport <= high),
    );
    return found !== o.inverted;
  },
  compile: (o, e) => {
    const pairs = merged(o.ranges);
    const body = (b: Emitter) => {
      if (o.side === 'source') b.ranges(R_SPORT, pairs);
      else if (o.side === 'destination') b.ranges(R_DPORT, pairs);
      else
        b.anyOf(
          (x) => x.ranges(R_SPORT, pairs),
          (x) => x.ranges(R_DPORT, pairs),
        );
    };
    if (o.inverted) {
      emitHasPorts(e);
      e.not(body);
    } else {
      body(e);
    }
    return true;
  },
});

function formatRanges(o: MultiportOptions): string {
  return o.ranges.map(([low, high]) => (low === high ? `${low}` : `${low}:${high}`)).join(',');
}

/** Sorted and joined, as Emitter.ranges wants them. */
function merged(ranges: readonly (readonly [number, number])[]): number[] {
  const pairs: number[] = [];
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = pairs.length - 1;
    if (last > 0 && low <= pairs[last]! + 1) pairs[last] = Math.max(pairs[last]!, high);
    else pairs.push(low, high);
  }
  return pairs;
}
