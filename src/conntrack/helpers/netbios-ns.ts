import { IPPROTO_UDP } from '../../packet/packet.ts';
import { VERDICT_ACCEPT } from '../../packet/verdict.ts';
import type { Helper } from '../helper.ts';
import { expectAnswers } from './broadcast.ts';

const TIMEOUT_SECONDS = 3;

/** NetBIOS name service: net/netfilter/nf_conntrack_netbios_ns.c. */
export const netbiosNs: Helper = {
  name: 'netbios-ns',
  families: [4],
  protocols: [IPPROTO_UDP],
  port: 137,
  policies: [{ maxExpected: 1, timeoutSeconds: TIMEOUT_SECONDS }],
  help(call) {
    expectAnswers(call, TIMEOUT_SECONDS);
    return VERDICT_ACCEPT;
  },
};
