import type { Family } from '../base/inet.ts';
import { defineTarget } from '../extension/define.ts';
import { strtoui } from '../extension/numbers.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom, flag, string } from '../extension/values.ts';
import { IPS_CONFIRMED, IPS_TEMPLATE } from '../packet/conntrack-access.ts';
import { IPPROTO_TCP, IPPROTO_UDP, type Packet } from '../packet/packet.ts';
import { CT_NEW, CT_UNTRACKED, R_CT, R_CT_TEMPLATE, R_CTINFO, R_CTSTATUS } from '../packet/registers.ts';
import { VERDICT_CONTINUE, type Verdict } from '../packet/verdict.ts';

interface CtOptions {
  readonly notrack: boolean;
  readonly helper: string;
  readonly timeout: string;
  /** Names of events, in the order of their bits. */
  readonly ctevents: readonly string[];
  readonly expevents: readonly string[];
  readonly zone: number;
  readonly zoneFromMark: boolean;
  /** XT_CT_ZONE_DIR_*: both or none of them is both directions. */
  readonly zoneOriginal: boolean;
  readonly zoneReply: boolean;
}

/** The template that a rule attaches, and the entry that stands for it in raw. */
interface Template {
  readonly index: number;
  readonly entry: number;
}

const NO_TEMPLATE: Template = { index: -1, entry: -1 };

/** Events in the order in which they are printed: enum ip_conntrack_events. */
const CT_EVENTS = [
  'new',
  'related',
  'destroy',
  'reply',
  'assured',
  'protoinfo',
  'helper',
  'mark',
  'natseqinfo',
  'secmark',
];
const EXP_EVENTS = ['new'];
/** sizeof(xt_ct_target_info_v1.helper) - 1. */
const HELPER_BYTES = 15;
const TIMEOUT_BYTES = 31;

/** The helpers of the kernel: families and protocols that they are registered for. */
const HELPERS: readonly (readonly [string, readonly Family[], readonly number[]])[] = [
  ['ftp', [4, 6], [IPPROTO_TCP]],
  ['irc', [4], [IPPROTO_TCP]],
  ['sip', [4, 6], [IPPROTO_TCP, IPPROTO_UDP]],
  ['tftp', [4, 6], [IPPROTO_UDP]],
  ['amanda', [4, 6], [IPPROTO_UDP]],
  ['RAS', [4, 6], [IPPROTO_UDP]],
  ['Q.931', [4, 6], [IPPROTO_TCP]],
  ['pptp', [4], [IPPROTO_TCP]],
  ['sane', [4, 6], [IPPROTO_TCP]],
  ['snmp', [4], [IPPROTO_UDP]],
  ['snmp_trap', [4], [IPPROTO_UDP]],
  ['netbios-ns', [4], [IPPROTO_UDP]],
];

const events = (known: readonly string[]) =>
  custom((text: string, call: OptionCall) => {
    const named = text.split(',');
    for (const name of named) if (!known.includes(name)) call.fail(`Unknown event type "${name}"`);
    return known.filter((name) => named.includes(name));
  });

const zone = custom((text: string, call: OptionCall): number | 'mark' => {
  if (text === 'mark') return 'mark';
  return strtoui(text, 0, 0xffff) ?? call.fail(`Cannot parse ${text} as a zone ID`);
});

/**
 * `-j CT`: says, before connection tracking sees the packet, what it shall do with it. Linux: net/netfilter/xt_CT.c,
 * xt_ct_target(), xt_ct_tg_check().
 */
export const ctTarget = defineTarget<CtOptions, Template>({
  name: 'CT',
  families: [4, 6],
  tables: ['raw'],
  bringsConntrack: (o) => !o.notrack,
  scope: 'connection',
  reads: ['ctinfo', 'ct'],
  writes: ['ctinfo'],
  syntax: defineSyntax({
    options: {
      '--notrack': flag(),
      '--helper': string({ cut: HELPER_BYTES }),
      '--timeout': string({ cut: TIMEOUT_BYTES }),
      '--ctevents': events(CT_EVENTS),
      '--expevents': events(EXP_EVENTS),
      '--zone': zone,
      '--zone-orig': zone,
      '--zone-reply': zone,
    },
    build: (v): CtOptions => {
      let zoneId = 0;
      let fromMark = false;
      // In the order of the rule: a later zone replaces the earlier one, but not where that came from.
      for (const name of Object.keys(v)) {
        if (name !== '--zone' && name !== '--zone-orig' && name !== '--zone-reply') continue;
        const given = v[name]!.value;
        if (given === 'mark') fromMark = true;
        else zoneId = given;
      }
      return {
        notrack: v['--notrack'] !== undefined,
        helper: v['--helper']?.value ?? '',
        timeout: v['--timeout']?.value ?? '',
        ctevents: v['--ctevents']?.value ?? [],
        expevents: v['--expevents']?.value ?? [],
        zone: zoneId,
        zoneFromMark: fromMark,
        zoneOriginal: v['--zone-orig'] !== undefined,
        zoneReply: v['--zone-reply'] !== undefined,
      };
    },
    save: (o) => format(o, ' --'),
    list: (o) => `CT${format(o, ' ')}`,
    kernelCheck: (o, rule) => {
      if (o.notrack) return undefined;
      if (o.helper === '' && o.timeout === '') return undefined;
      if (rule.protocol === 0 || rule.protocolInverted) {
        return 'xt_CT: You must specify a L4 protocol and not use inversions on it';
      }
      const isKnown = HELPERS.some(
        ([name, families, protocols]) =>
          name === o.helper && families.includes(rule.family) && protocols.includes(rule.protocol),
      );
      return o.helper === '' || isKnown ? undefined : `xt_CT: No such helper "${o.helper}"`;
    },
  }),
  prepare: (o, environment): Template => {
    if (o.notrack) return NO_TEMPLATE;
    if (o.timeout !== '' && !environment.conntrack.hasTimeoutPolicy(o.timeout)) {
      environment.assume(
        `The timeout policy "${o.timeout}" of CT --timeout is not in HOST: the timeouts of sysctl are used.`,
      );
    }
    const both = o.zoneOriginal === o.zoneReply;
    // A direction that takes its zone from the mark is told by -1.
    const value = o.zoneFromMark ? (both ? 0 : -1) : o.zone;
    const index = environment.conntrack.makeTemplate({
      zoneOriginal: both || o.zoneOriginal ? value : 0,
      zoneReply: both || o.zoneReply ? value : 0,
      zoneFromMark: o.zoneFromMark,
      helper: o.helper === '' ? undefined : o.helper,
      timeoutPolicy: o.timeout === '' ? undefined : o.timeout,
    });
    return { index, entry: environment.conntrack.templateEntry(index) };
  },
  apply: (o, p, template) => {
    if (o.notrack) return setUntracked(p);
    if (isSeen(p)) return VERDICT_CONTINUE;
    const { r } = p;
    r[R_CT_TEMPLATE] = template.index;
    r[R_CT] = template.entry;
    r[R_CTINFO] = CT_NEW;
    r[R_CTSTATUS] = IPS_TEMPLATE | IPS_CONFIRMED;
    return VERDICT_CONTINUE;
  },
});

/** skb->_nfct is set: the packet came over loopback, or a rule before this one has said its part. */
function isSeen(p: Packet): boolean {
  const { r } = p;
  return r[R_CT]! >= 0 || r[R_CT_TEMPLATE]! >= 0 || r[R_CTINFO] === CT_UNTRACKED;
}

export function setUntracked(p: Packet): Verdict {
  if (!isSeen(p)) p.r[R_CTINFO] = CT_UNTRACKED;
  return VERDICT_CONTINUE;
}

function format(o: CtOptions, head: string): string {
  const side = o.zoneOriginal === o.zoneReply ? 'zone' : o.zoneOriginal ? 'zone-orig' : 'zone-reply';
  return (
    (o.notrack ? `${head}notrack` : '') +
    (o.helper === '' ? '' : `${head}helper ${o.helper}`) +
    (o.timeout === '' ? '' : `${head}timeout ${o.timeout}`) +
    (o.ctevents.length === 0 ? '' : `${head}ctevents ${o.ctevents.join(',')}`) +
    (o.expevents.length === 0 ? '' : `${head}expevents ${o.expevents.join(',')}`) +
    (o.zoneFromMark ? `${head}${side} mark` : o.zone === 0 ? '' : `${head}${side} ${o.zone}`)
  );
}
