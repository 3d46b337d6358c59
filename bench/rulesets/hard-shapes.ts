import type { Random } from '../base/random.ts';
import {
  CLIENTS,
  clientAddress4,
  portOf,
  SERVERS,
  SERVICES,
  serverAddress4,
} from '../traffic/address-plan.ts';

/**
 * Rules of shapes that are hard for an index, IPv4: lines for FORWARD. One in sixteen is about traffic that there is; the
 * others never match.
 *
 * - `pairs`: both addresses are networks, of all pairs of lengths from 16 to 32;
 * - `ports`: ranges of destination ports, of all sizes, on top of one another;
 * - `ranges`: ranges of source addresses (iprange) that are no networks, and lists of ports (multiport);
 * - `marks`: nothing that an index could use: all are tried.
 */
export const HARD_SHAPES = ['pairs', 'ports', 'ranges', 'marks'] as const;
export type HardShape = (typeof HARD_SHAPES)[number];

export function hardRule(shape: HardShape, i: number, random: Random): string {
  const isReal = i % 16 === 15;
  const port = portOf(random.below(SERVICES));
  switch (shape) {
    case 'pairs': {
      const source = isReal ? clientAddress4(random.below(CLIENTS)) : 0x0a010000 + random.below(127 << 16);
      const from = net4(source, 16 + (i % 17));
      const to = net4(serverAddress4(random.below(SERVERS)), 16 + (Math.floor(i / 17) % 17));
      return `-A FORWARD -s ${from} -d ${to} -p tcp -m tcp --dport ${port} -j ACCEPT`;
    }
    case 'ports': {
      const low = isReal ? port : 10_000 + random.below(50_000);
      const high = isReal ? port : Math.min(65_535, low + 1 + random.below(1 << (i % 16)));
      return `-A FORWARD -p tcp -m tcp --dport ${low}:${high} -j ACCEPT`;
    }
    case 'ranges': {
      const low = isReal ? clientAddress4(random.below(CLIENTS)) : 0x0a010000 + random.below(126 << 16);
      const high = low + random.below(1 << (i % 16));
      const ports = `${port},${10_000 + (i % 50_000)},${20_000 + (i % 7)}:${20_100 + (i % 31)}`;
      return `-A FORWARD -p tcp -m iprange --src-range ${text4(low)}-${text4(high)} -m multiport --dports ${ports} -j ACCEPT`;
    }
    case 'marks':
      return `-A FORWARD -m mark --mark ${i + 1} -j ACCEPT`;
  }
}

function net4(address: number, length: number): string {
  return `${text4(address & (-1 << (32 - length)))}/${length}`;
}

export function text4(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}
