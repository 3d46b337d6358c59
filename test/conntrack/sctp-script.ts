/**
 * SCTP associations as scripts: `c:INIT s:INIT_ACK c:COOKIE_ECHO s:COOKIE_ACK c:DATA`. A word is who sends (c client,
 * s server), the chunks (joined by +, names of SCTP in kernel/packets.ts or numbers), and in parentheses what is not as
 * it naturally would be:
 *
 *   tag=right|own|zero|wrong   verification tag; naturally zero in an INIT, right elsewhere
 *   T                          the T flag of all chunks, and with it the sender's own tag
 *   renew                      an INIT or INIT ACK that announces another tag; it is the sender's from then on
 */

import { filler, ipv4, ipv6, SCTP, type SctpChunk, sctp, sctpInit } from '../kernel/packets.ts';
import { isIpv6Cell } from './cells.ts';
import type { Segment } from './tcp-conversations.ts';

const WORD = /^([cs]):([A-Z0-9_+]+)(?:\(([^)]*)\))?$/;
const SERVER_PORT = 80;

/** The packets of a script, of an association from `port`. */
export function sctpScript(script: string, port: number): Segment[] {
  const isIpv6 = isIpv6Cell(port);
  const tags = [0x11111111, 0x22222222];
  return script
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      const [, who, names, list = ''] = WORD.exec(word) ?? [];
      if (who === undefined) throw new Error(`no such step: ${word}`);
      const from = who === 'c' ? 0 : 1;
      const asked = new Map(list.split(',').map((one) => one.split('=') as [string, string | undefined]));
      const types = names!.split('+').map((name) => SCTP[name as keyof typeof SCTP] ?? Number(name));
      if (asked.has('renew')) tags[from]! += 0x01010101;
      const isInit = types[0] === SCTP.INIT;
      const which = asked.get('tag') ?? (asked.has('T') ? 'own' : isInit ? 'zero' : 'right');
      const vtag = { right: tags[1 - from]!, own: tags[from]!, zero: 0, wrong: 0x77777777 }[which]!;
      const chunks = types.map((type): SctpChunk => {
        const value =
          type === SCTP.INIT || type === SCTP.INIT_ACK
            ? sctpInit(tags[from]!)
            : filler(type === SCTP.DATA ? 16 : 4);
        return { type, flags: asked.has('T') ? 1 : 0, value };
      });
      const layer = sctp({
        sport: from === 0 ? port : SERVER_PORT,
        dport: from === 0 ? SERVER_PORT : port,
        vtag,
        chunks,
      });
      const [near, far] = isIpv6 ? ['2001:db8:1::9', '2001:db8:2::9'] : ['10.1.0.9', '10.2.0.9'];
      const [saddr, daddr] = from === 0 ? [near, far] : [far, near];
      const bytes = isIpv6 ? ipv6({ saddr, daddr }, layer) : ipv4({ saddr, daddr, id: 1 }, layer);
      return { fromClient: from === 0, bytes };
    });
}
