import { IPPROTO_TCP } from '../../packet/packet.ts';
import { CT_ESTABLISHED, CT_ESTABLISHED_REPLY } from '../../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP } from '../../packet/verdict.ts';
import type { Helper } from '../helper.ts';
import { Dialogue, type H323Memory, newMemory } from './h323/dialogue.ts';
import { controlMessage } from './h323/h245-syntax.ts';
import { readControl } from './h323/media.ts';
import { readPer } from './h323/per.ts';
import { framedMessages } from './h323/tpkt.ts';

/**
 * H.245, the control channel of an H.323 call: where its media flow. Only Q.931 hands it out.
 * net/netfilter/nf_conntrack_h323_main.c, net/ipv4/netfilter/nf_nat_h323.c.
 */
export const h245: Helper<H323Memory> = {
  name: 'H.245',
  families: [4, 6],
  protocols: [IPPROTO_TCP],
  policies: [{ maxExpected: 18, timeoutSeconds: 240 }],
  remember: newMemory,
  help(call, memory) {
    if (call.ctinfo !== CT_ESTABLISHED && call.ctinfo !== CT_ESTABLISHED_REPLY) return VERDICT_ACCEPT;
    for (const { at, bytes } of framedMessages(call, memory)) {
      const dialogue = new Dialogue(call, memory, at);
      const { base } = dialogue;
      const message = readPer(call.p.bytes, base, base, base + bytes, controlMessage);
      if (message === undefined) break;
      if (!readControl(dialogue, message)) return VERDICT_DROP;
    }
    return VERDICT_ACCEPT;
  },
};
