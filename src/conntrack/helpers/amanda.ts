import { expectAtPort, followMaster, manglePayload } from '../../nat/helper.ts';
import { TUPLE_DPORT } from '../../packet/conntrack-access.ts';
import { IPPROTO_TCP, IPPROTO_UDP } from '../../packet/packet.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../../packet/verdict.ts';
import { EXPECT_OK, type Expectation } from '../expect.ts';
import type { Helper, HelperCall } from '../helper.ts';
import { SECOND_NS } from '../timeouts.ts';
import { decimal } from './text.ts';

/** How long a backup client may take to answer (module parameter master_timeout). */
const MASTER_TIMEOUT_NS = 300 * SECOND_NS;

/**
 * Amanda, the backup: an answer `CONNECT DATA 50001 MESG 50002 INDEX 50003` names ports of the client's.
 * net/netfilter/nf_conntrack_amanda.c, nf_nat_amanda.c.
 */
export const amanda: Helper = {
  name: 'amanda',
  families: [4, 6],
  protocols: [IPPROTO_UDP],
  port: 10080,
  policies: [{ maxExpected: 4, timeoutSeconds: 180 }],
  help(call) {
    if (call.dir === 0) return VERDICT_ACCEPT;
    call.core.refreshTimeout(call.ct, MASTER_TIMEOUT_NS);
    if (!call.hasPayload()) return VERDICT_ACCEPT;
    let verdict: Verdict = VERDICT_ACCEPT;
    const start = place(call.text(), 'CONNECT ', 0, undefined);
    if (start < 0) return verdict;
    const stop = call.text().indexOf('\n', start);
    if (stop < 0) return verdict;
    for (const word of ['DATA ', 'MESG ', 'INDEX ', 'STATE ']) {
      // A port that was replaced by a longer one moves what follows; the line's end is still where it was.
      const text = call.text();
      const at = place(text, word, start, stop);
      if (at < 0) continue;
      const number = decimal(text.slice(0, Math.min(stop, at + 5)), at);
      const port = number.value & 0xffff;
      if (port === 0) break;
      const expectation = call.expectation(0, IPPROTO_TCP, call.saddr(0), call.daddr(0), undefined, port);
      if (call.isTranslated) verdict = translate(call, expectation, at, number.next - at);
      else if (call.expectations.related(expectation) !== EXPECT_OK) verdict = VERDICT_DROP;
    }
    return verdict;
  },
};

/** Offset behind the next `word` that lies before `stop`, or -1. */
function place(text: string, word: string, from: number, stop: number | undefined): number {
  const at = text.indexOf(word, from);
  return at < 0 || (stop !== undefined && at + word.length > stop) ? -1 : at + word.length;
}

/** help() of nf_nat_amanda.c. */
function translate(call: HelperCall, expectation: Expectation, at: number, bytes: number): Verdict {
  expectation.savedPort = expectation.tuple[TUPLE_DPORT]!;
  expectation.dir = 0;
  expectation.expectfn = followMaster;
  const port = expectAtPort(call, expectation, expectation.savedPort);
  if (port === 0) return VERDICT_DROP;
  if (manglePayload(call, at, bytes, String(port))) return VERDICT_ACCEPT;
  call.expectations.unexpect(expectation);
  return VERDICT_DROP;
}
