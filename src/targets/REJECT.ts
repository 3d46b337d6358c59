import type { Family } from '../base/inet.ts';
import { defineTarget } from '../extension/define.ts';
import { defineSyntax, type OptionCall } from '../extension/syntax.ts';
import { custom } from '../extension/values.ts';
import { VERDICT_REJECT } from '../packet/verdict.ts';
import { closeByReset, makeResetState, type ResetState } from './reject-reset.ts';

/** Name and further names of each answer, in iptables' own order: the first that fits an abbreviation is meant. */
const ANSWERS: Readonly<Record<Family, readonly (readonly [string, string])[]>> = {
  4: [
    ['icmp-net-unreachable', 'net-unreach'],
    ['icmp-host-unreachable', 'host-unreach'],
    ['icmp-proto-unreachable', 'proto-unreach'],
    ['icmp-port-unreachable', 'port-unreach'],
    ['icmp-net-prohibited', 'net-prohib'],
    ['icmp-host-prohibited', 'host-prohib'],
    ['tcp-reset', 'tcp-rst'],
    ['icmp-admin-prohibited', 'admin-prohib'],
  ],
  6: [
    ['icmp6-no-route', 'no-route'],
    ['icmp6-adm-prohibited', 'adm-prohibited'],
    ['icmp6-addr-unreachable', 'addr-unreach'],
    ['icmp6-port-unreachable', 'port-unreach'],
    ['tcp-reset', 'tcp-reset'],
    ['icmp6-policy-fail', 'policy-fail'],
    ['icmp6-reject-route', 'reject-route'],
  ],
};

const IPPROTO_TCP = 6;

function parseAnswer(text: string, call: OptionCall): string {
  const lower = text.toLowerCase();
  const known = ANSWERS[call.family].find((names) => names.some((name) => name.startsWith(lower)));
  if (known === undefined) {
    call.fail(
      `unknown reject type "${text}"`,
      `Known: ${ANSWERS[call.family].map(([name]) => name).join(' ')}.`,
    );
  }
  return known[0];
}

/**
 * `-j REJECT`: drops the packet and answers; a reset closes the connection. The options are the name of the answer.
 * What was rejected takes no known way (mayRemember in ordered-stage.ts): each such packet comes by here. Linux:
 * net/ipv4/netfilter/ipt_REJECT.c, reject_tg(); net/ipv6/netfilter/ip6t_REJECT.c, reject_tg6().
 */
export const reject = defineTarget<string, ResetState | undefined>({
  name: 'REJECT',
  families: [4, 6],
  tables: ['filter'],
  hooks: ['INPUT', 'FORWARD', 'OUTPUT'],
  scope: 'connection',
  reads: [],
  writes: [],
  syntax: defineSyntax({
    options: { '--reject-with': custom(parseAnswer) },
    build: (v, rule): string =>
      v['--reject-with']?.value ?? (rule.family === 4 ? 'icmp-port-unreachable' : 'icmp6-port-unreachable'),
    save: (answer) => ` --reject-with ${answer}`,
    list: (answer) => `reject-with ${answer}`,
    kernelCheck: (answer, rule) =>
      answer === 'tcp-reset' && (rule.protocol !== IPPROTO_TCP || rule.protocolInverted)
        ? `${rule.family === 4 ? 'ipt' : 'ip6t'}_REJECT: TCP_RESET ${rule.family === 4 ? 'invalid' : 'illegal'} for non-tcp`
        : undefined,
  }),
  prepare: (answer, environment) => (answer === 'tcp-reset' ? makeResetState(environment) : undefined),
  apply: (_, p, state) => {
    if (state !== undefined) closeByReset(p, state);
    return VERDICT_REJECT;
  },
});
