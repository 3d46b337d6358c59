import { IPPROTO_TCP } from '../../packet/packet.ts';
import { CT_ESTABLISHED, CT_ESTABLISHED_REPLY } from '../../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP } from '../../packet/verdict.ts';
import { EXPECT_OK } from '../expect.ts';
import type { Helper } from '../helper.ts';

const NET_START = 7;
const REQUEST_BYTES = 8;
const REPLY_BYTES = 8;

interface Memory {
  /** The client has asked to scan: the next answer names the port of the data. */
  startRequested: boolean;
}

/** SANE, for scanners in the network: net/netfilter/nf_conntrack_sane.c. It has no counterpart in NAT. */
export const sane: Helper<Memory> = {
  name: 'sane',
  families: [4, 6],
  protocols: [IPPROTO_TCP],
  port: 6566,
  policies: [{ maxExpected: 1, timeoutSeconds: 300 }],
  remember: () => ({ startRequested: false }),
  help(call, memory) {
    if (call.ctinfo !== CT_ESTABLISHED && call.ctinfo !== CT_ESTABLISHED_REPLY) return VERDICT_ACCEPT;
    const { payloadBytes } = call;
    if (payloadBytes <= 0) return VERDICT_ACCEPT;
    if (call.dir === 0) {
      if (payloadBytes !== REQUEST_BYTES || !call.hasPayload(REQUEST_BYTES)) return VERDICT_ACCEPT;
      memory.startRequested = call.p.view.getUint32(call.payloadAt) === NET_START;
      return VERDICT_ACCEPT;
    }
    if (!memory.startRequested) return VERDICT_ACCEPT;
    memory.startRequested = false;
    if (!call.hasPayload(REPLY_BYTES)) return VERDICT_ACCEPT;
    const at = call.payloadAt;
    const { view } = call.p;
    // The status, and a field that is always 0.
    if (view.getUint32(at) !== 0 || view.getUint16(at + 4) !== 0) return VERDICT_ACCEPT;
    const port = view.getUint16(at + 6);
    const expectation = call.expectation(0, IPPROTO_TCP, call.saddr(0), call.daddr(0), undefined, port);
    return call.expectations.related(expectation) === EXPECT_OK ? VERDICT_ACCEPT : VERDICT_DROP;
  },
};
