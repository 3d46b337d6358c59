import { expectAtPort, followMaster, manglePayload } from '../../nat/helper.ts';
import { TUPLE_DPORT } from '../../packet/conntrack-access.ts';
import { IPPROTO_TCP } from '../../packet/packet.ts';
import { CT_ESTABLISHED } from '../../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../../packet/verdict.ts';
import { EXPECT_OK, type Expectation } from '../expect.ts';
import type { Helper, HelperCall } from '../helper.ts';
import { decimal, startsWith } from './text.ts';

const MAX_SEARCH_BYTES = 4095;
const COMMANDS = ['SEND ', 'CHAT ', 'MOVE ', 'TSEND ', 'SCHAT '];
/** Of the shortest message from its " :" on. */
const SHORTEST = 26;

/**
 * IRC: a client that tells another, in a message through the server, where to fetch something (DCC).
 * net/netfilter/nf_conntrack_irc.c, nf_nat_irc.c. IPv4 only.
 */
export const irc: Helper = {
  name: 'irc',
  families: [4],
  protocols: [IPPROTO_TCP],
  port: 6667,
  policies: [{ maxExpected: 8, timeoutSeconds: 300 }],
  help(call) {
    if (call.ctinfo !== CT_ESTABLISHED || !call.hasPayload()) return VERDICT_ACCEPT;
    const text = call.text(MAX_SEARCH_BYTES);
    const end = text.length;
    let at = 0;
    while (at < end - 10 && ' \r\n'.includes(text[at]!)) at++;
    if (at < end - 10) {
      if (!startsWith(text, at, 'PRIVMSG ')) return VERDICT_ACCEPT;
      at += 8;
    }
    at = text.indexOf(' :', at);
    if (at < 0 || at >= end - SHORTEST) return VERDICT_ACCEPT;
    at += 2;
    if (!text.startsWith('\x01DCC ', at)) return VERDICT_ACCEPT;
    at += 5;
    const command = COMMANDS.find((word) => text.startsWith(word, at));
    return command === undefined ? VERDICT_ACCEPT : readOffer(call, text, at + command.length);
  },
};

/** What follows `DCC SEND `: a name, an address as one number, a port. */
function readOffer(call: HelperCall, text: string, from: number): Verdict {
  // parse_dcc(): the name ends where at least twelve bytes follow; the message ends with its line.
  const blank = text.indexOf(' ', from);
  if (blank < 0 || (blank > from && blank > text.length - 12)) return VERDICT_ACCEPT;
  const at = blank + 1;
  const newline = text.indexOf('\n', at);
  if (newline < 0) return VERDICT_ACCEPT;
  const address = decimal(text, at);
  let next = address.next;
  while (text[next] === ' ') next++;
  const number = decimal(text, next);
  const port = number.value & 0xffff;
  const saddr = address.value | 0;
  const { words } = call;
  if ((words[call.saddr(0)] !== saddr && words[call.daddr(1)] !== saddr) || port === 0) return VERDICT_ACCEPT;
  const expectation = call.expectation(0, IPPROTO_TCP, undefined, call.daddr(1), undefined, port);
  if (call.isTranslated) return translate(call, expectation, at, number.next - at);
  return call.expectations.related(expectation) === EXPECT_OK ? VERDICT_ACCEPT : VERDICT_DROP;
}

/** help() of nf_nat_irc.c. */
function translate(call: HelperCall, expectation: Expectation, at: number, bytes: number): Verdict {
  expectation.savedPort = expectation.tuple[TUPLE_DPORT]!;
  expectation.dir = 1;
  expectation.expectfn = followMaster;
  const port = expectAtPort(call, expectation, expectation.savedPort);
  if (port === 0) return VERDICT_DROP;
  const address = call.words[call.daddr(1)]! >>> 0;
  if (manglePayload(call, at, bytes, `${address} ${port}`)) return VERDICT_ACCEPT;
  call.expectations.unexpect(expectation);
  return VERDICT_DROP;
}
