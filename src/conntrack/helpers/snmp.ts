import { manglePayload } from '../../nat/helper.ts';
import { IPPROTO_UDP } from '../../packet/packet.ts';
import { R_DPORT, R_SPORT } from '../../packet/registers.ts';
import { VERDICT_ACCEPT, VERDICT_DROP, type Verdict } from '../../packet/verdict.ts';
import type { Helper, HelperCall } from '../helper.ts';
import { expectAnswers } from './broadcast.ts';
import { findAddresses } from './snmp-ber.ts';

const TIMEOUT_SECONDS = 30;
const SNMP_PORT = 161;
const TRAP_PORT = 162;

/** SNMP: answers to a question that this host has asked a whole network. net/netfilter/nf_conntrack_snmp.c. */
export const snmp: Helper = {
  name: 'snmp',
  families: [4],
  protocols: [IPPROTO_UDP],
  port: SNMP_PORT,
  policies: [{ maxExpected: 1, timeoutSeconds: TIMEOUT_SECONDS }],
  help(call) {
    expectAnswers(call, TIMEOUT_SECONDS);
    return call.isTranslated ? translate(call) : VERDICT_ACCEPT;
  },
};

/** SNMP traps: nothing is expected, but addresses are translated. net/ipv4/netfilter/nf_nat_snmp_basic_main.c. */
export const snmpTrap: Helper = {
  name: 'snmp_trap',
  families: [4],
  protocols: [IPPROTO_UDP],
  port: TRAP_PORT,
  policies: [{ maxExpected: 0, timeoutSeconds: 180 }],
  help: (call) => translate(call),
};

/**
 * help() and snmp_translate() of the same file: in answers, and in traps on their way to the manager, the translated
 * address of the one who speaks stands in place of its own. What cannot be read (SNMPv3, old traps) is dropped.
 */
function translate(call: HelperCall): Verdict {
  const { p, dir, words } = call;
  if (p.r[R_SPORT] === SNMP_PORT && dir !== 1) return VERDICT_ACCEPT;
  if (p.r[R_DPORT] === TRAP_PORT && dir !== 0) return VERDICT_ACCEPT;
  if (!call.isTranslated) return VERDICT_ACCEPT;
  if (p.view.getUint16(p.l4Offset + 4) !== call.payloadBytes + 8) return VERDICT_DROP;
  const from = words[call.saddr(0)]!;
  const to = words[call.daddr(1)]!;
  if (from === to) return VERDICT_ACCEPT;
  if (call.payloadBytes > 0 && !call.hasPayload()) return VERDICT_ACCEPT;
  const start = call.payloadAt;
  const addresses = findAddresses(p.bytes, start, start + call.payloadBytes);
  if (addresses === undefined) return VERDICT_DROP;
  const by = Uint8Array.of(to >>> 24, to >>> 16, to >>> 8, to);
  for (const at of addresses) {
    if (p.view.getInt32(call.payloadAt + at - start) === from) manglePayload(call, at - start, 4, by);
  }
  return VERDICT_ACCEPT;
}
