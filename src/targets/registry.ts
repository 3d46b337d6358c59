import type { Family } from '../base/inet.ts';
import type { TargetDefinition } from '../extension/define.ts';
import { audit } from './AUDIT.ts';
import { checksum } from './CHECKSUM.ts';
import { classify } from './CLASSIFY.ts';
import { connmarkTarget } from './CONNMARK.ts';
import { connsecmark } from './CONNSECMARK.ts';
import { ctTarget } from './CT.ts';
import { dnat } from './DNAT.ts';
import { dscpTarget } from './DSCP.ts';
import { ecnTarget } from './ECN.ts';
import { hmark } from './HMARK.ts';
import { idletimer } from './IDLETIMER.ts';
import { log } from './LOG.ts';
import { markTarget } from './MARK.ts';
import { masquerade } from './MASQUERADE.ts';
import { netmap } from './NETMAP.ts';
import { nflog } from './NFLOG.ts';
import { nfqueue } from './NFQUEUE.ts';
import { notrack } from './NOTRACK.ts';
import { dnpt, snpt } from './NPT.ts';
import { rateestTarget } from './RATEEST.ts';
import { redirect } from './REDIRECT.ts';
import { reject } from './REJECT.ts';
import { secmark } from './SECMARK.ts';
import { setTarget } from './SET.ts';
import { snat } from './SNAT.ts';
import { synproxy } from './SYNPROXY.ts';
import { accept, drop, queue, returnTarget } from './standard.ts';
import { tcpmssTarget } from './TCPMSS.ts';
import { tcpoptstrip } from './TCPOPTSTRIP.ts';
import { tee } from './TEE.ts';
import { tosTarget } from './TOS.ts';
import { tproxy } from './TPROXY.ts';
import { trace } from './TRACE.ts';
import { hlTarget6, ttlTarget4 } from './TTL.ts';

/** Every target: one line each, in alphabetical order. */
// biome-ignore lint/suspicious/noExplicitAny: each definition has options and a state of its own.
export const TARGETS: readonly TargetDefinition<any, any>[] = [
  accept,
  audit,
  checksum,
  classify,
  connmarkTarget,
  connsecmark,
  ctTarget,
  dnat,
  dnpt,
  drop,
  dscpTarget,
  ecnTarget,
  hlTarget6,
  hmark,
  idletimer,
  log,
  markTarget,
  masquerade,
  netmap,
  nflog,
  nfqueue,
  notrack,
  queue,
  rateestTarget,
  redirect,
  reject,
  returnTarget,
  secmark,
  setTarget,
  snat,
  snpt,
  synproxy,
  tcpmssTarget,
  tcpoptstrip,
  tee,
  tosTarget,
  tproxy,
  trace,
  ttlTarget4,
];

const byName: Readonly<Record<Family, ReadonlyMap<string, TargetDefinition>>> = {
  4: new Map(TARGETS.filter((one) => one.families.includes(4)).map((one) => [one.name, one])),
  6: new Map(TARGETS.filter((one) => one.families.includes(6)).map((one) => [one.name, one])),
};

export function findTarget(name: string, family: Family): TargetDefinition | undefined {
  return byName[family].get(name);
}
