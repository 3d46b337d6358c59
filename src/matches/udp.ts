import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { portRange } from '../extension/values.ts';
import { R_DPORT, R_SPORT } from '../packet/registers.ts';
import {
  ANY_PORT,
  emitHasPorts,
  emitPort,
  listPort,
  type PortRange,
  portMatches,
  savePort,
  seesTransport,
} from './ports.ts';

interface UdpOptions {
  readonly sport: PortRange;
  readonly dport: PortRange;
}

/** `-m udp`. Linux: net/netfilter/xt_tcpudp.c, udp_mt(). */
export const udp = defineMatch<UdpOptions>({
  name: 'udp',
  families: [4, 6],
  scope: 'connection',
  reads: ['sport', 'dport', 'fragOffset', 'decodeFlags'],
  syntax: defineSyntax({
    protocol: 17,
    options: {
      '--source-port': portRange({ invertible: true, aliases: ['--sport'] }),
      '--destination-port': portRange({ invertible: true, aliases: ['--dport'] }),
    },
    build: (v): UdpOptions => ({
      sport: range(v['--source-port']),
      dport: range(v['--destination-port']),
    }),
    save: (o) => savePort('sport', o.sport) + savePort('dport', o.dport),
    list: (o) => `udp${listPort('spt', o.sport)}${listPort('dpt', o.dport)}`,
  }),
  evaluate: (o, p) => {
    if (!seesTransport(p)) return false;
    return portMatches(o.sport, p.r[R_SPORT]!) && portMatches(o.dport, p.r[R_DPORT]!);
  },
  compile: (o, e) => {
    const tests = [
      [R_SPORT, o.sport],
      [R_DPORT, o.dport],
    ] as const;
    const needed = tests.filter(([, ports]) => ports.low !== 0 || ports.high !== 0xffff || ports.inverted);
    for (const [register, ports] of needed) emitPort(e, register, ports);
    if (needed.length === 0) emitHasPorts(e);
    return true;
  },
});

function range(given: { value: readonly [number, number]; inverted: boolean } | undefined): PortRange {
  if (given === undefined) return ANY_PORT;
  return { low: given.value[0], high: given.value[1], inverted: given.inverted };
}
