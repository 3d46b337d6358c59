import { followMaster } from '../../nat/helper.ts';
import { IPPROTO_UDP } from '../../packet/packet.ts';
import { VERDICT_ACCEPT, VERDICT_DROP } from '../../packet/verdict.ts';
import { EXPECT_OK } from '../expect.ts';
import type { Helper } from '../helper.ts';

const OPCODE_READ = 1;
const OPCODE_WRITE = 2;

/**
 * TFTP: the server answers a request from a port of its own choice. net/netfilter/nf_conntrack_tftp.c, nf_nat_tftp.c.
 */
export const tftp: Helper = {
  name: 'tftp',
  families: [4, 6],
  protocols: [IPPROTO_UDP],
  port: 69,
  policies: [{ maxExpected: 1, timeoutSeconds: 300 }],
  help(call) {
    if (!call.hasPayload(2)) return VERDICT_ACCEPT;
    const opcode = call.p.view.getUint16(call.payloadAt);
    if (opcode !== OPCODE_READ && opcode !== OPCODE_WRITE) return VERDICT_ACCEPT;
    const expectation = call.expectation(
      0,
      IPPROTO_UDP,
      call.saddr(1),
      call.daddr(1),
      undefined,
      call.dport(1),
    );
    if (call.isTranslated) {
      expectation.savedPort = call.sport(0);
      expectation.dir = 1;
      expectation.expectfn = followMaster;
    }
    return call.expectations.related(expectation) === EXPECT_OK ? VERDICT_ACCEPT : VERDICT_DROP;
  },
};
