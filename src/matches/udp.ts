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
  rangeOf,
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
      sport: rangeOf(v['--source-port']) ?? ANY_PORT,
      dport: rangeOf(v['--destination-port']) ?? ANY_PORT,
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
