/**
 * TCP conversations as scripts: `c:S s:SA c:A` is a handshake. A word is who sends (c client, s server), the flags,
 * and in parentheses what is not as it naturally would be:
 *
 *   data=N      payload bytes                     seq+N seq-N   off the next sequence number of the sender
 *   win=N       window field                      ack+N ack-N   off what the sender has received
 *   new         a fresh initial sequence number   seq=N ack=N   exactly this number
 *   again       the sender's last segment's sequence number
 *   sack=A/B    a SACK block that far off what the sender has received
 *   plain       a SYN without the options that the ends would announce
 *
 * What a segment with a sequence number of its own says is not learnt by the ends.
 */

import { concat, filler, ipv4, ipv6, tcp, tcpOption } from '../kernel/packets.ts';
import { isIpv6Cell } from './cells.ts';
import type { Segment } from './tcp-conversations.ts';

export interface EndOptions {
  /** First sequence number. */
  readonly isn: number;
  readonly window: number;
  /** Shift of the window scale option; absent: none is announced. */
  readonly scale?: number;
  readonly sack?: boolean;
}

export type Ends = readonly [client: EndOptions, server: EndOptions];

export const PLAIN_ENDS: Ends = [
  { isn: 1000, window: 1000 },
  { isn: 50000, window: 2000 },
];

const WORD = /^([cs]):([FSRPAUEC.]*)(?:\(([^)]*)\))?$/;
const FRESH = 0x12345678;
const SERVER_PORT = 80;

/** The segments of a script, of a connection from `port`. */
export function tcpScript(script: string, port: number, ends: Ends = PLAIN_ENDS): Segment[] {
  return converse(script, port, ends).segments;
}

/** The numbers with which each end would go on after a script: its next sequence number, and what it has received. */
export function tcpNumbers(script: string, ends: Ends): readonly { next: number; received: number }[] {
  return converse(script, 0, ends).sides;
}

interface Side {
  next: number;
  /** Sequence number of its last segment. */
  last: number;
  received: number;
}

function converse(script: string, port: number, ends: Ends): { segments: Segment[]; sides: Side[] } {
  const isIpv6 = isIpv6Cell(port);
  const sides = ends.map(({ isn }): Side => ({ next: isn, last: isn, received: 0 }));
  const segments = script
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      const [, who, letters, list = ''] = WORD.exec(word) ?? [];
      if (who === undefined) throw new Error(`no such step: ${word}`);
      const from = who === 'c' ? 0 : 1;
      const own = sides[from]!;
      const other = sides[1 - from]!;
      const end = ends[from]!;
      const flags = letters!.replace('.', '');
      const asked = new Map(
        list
          .split(',')
          .filter((one) => one !== '')
          .map(readOption),
      );
      const number = (key: string): number | undefined => {
        const found = asked.get(key);
        return found === undefined ? undefined : Number(found);
      };
      if (asked.has('new')) own.next = (FRESH + own.next) >>> 0;
      const slipped = asked.has('seq') || asked.has('seq=');
      const base = asked.has('again') ? own.last : own.next;
      const seq = number('seq=') ?? base + (number('seq') ?? 0);
      const ack = number('ack=') ?? own.received + (number('ack') ?? 0);
      const payload = filler(number('data') ?? 0);
      const options = [];
      if (flags.includes('S') && !asked.has('plain')) {
        if (end.scale !== undefined) options.push(tcpOption.nop(), tcpOption.windowScale(end.scale));
        if (end.sack === true) options.push(tcpOption.nop(), tcpOption.nop(), tcpOption.sackPermitted());
      }
      const sack = asked.get('sack=');
      if (sack !== undefined) {
        const edges = sack.split('/').map((edge) => (own.received + Number(edge)) >>> 0);
        options.push(tcpOption.nop(), tcpOption.nop(), tcpOption.sack(...edges));
      }
      const layer = tcp({
        sport: from === 0 ? port : SERVER_PORT,
        dport: from === 0 ? SERVER_PORT : port,
        flags,
        seq: seq >>> 0,
        ack: flags.includes('A') || asked.has('ack=') ? ack >>> 0 : 0,
        window: number('win=') ?? end.window,
        options: concat(...options),
        payload,
      });
      const [near, far] = isIpv6 ? ['2001:db8:1::9', '2001:db8:2::9'] : ['10.1.0.9', '10.2.0.9'];
      const [saddr, daddr] = from === 0 ? [near, far] : [far, near];
      if (!slipped && !asked.has('again')) {
        own.last = seq >>> 0;
        own.next =
          (seq + payload.length + (flags.includes('S') ? 1 : 0) + (flags.includes('F') ? 1 : 0)) >>> 0;
        other.received = own.next;
      }
      const bytes = isIpv6 ? ipv6({ saddr, daddr }, layer) : ipv4({ saddr, daddr, id: 1 }, layer);
      return { fromClient: from === 0, bytes };
    });
  return { segments, sides };
}

/** `seq+5` is ['seq', '5'], `win=0` is ['win=', '0'], `new` is ['new', '']. */
function readOption(text: string): [string, string] {
  const [, key, sign, value] = /^([a-z]+)(?:([=+-])(.*))?$/.exec(text)!;
  if (sign === undefined) return [key!, ''];
  if (key === 'data') return [key, value!];
  return sign === '=' ? [`${key}=`, value!] : [key!, `${sign}${value}`];
}
