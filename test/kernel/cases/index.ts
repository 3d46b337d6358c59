/** All the cases, by suite: a suite has a recording of its own. */

import type { Case } from '../judge.ts';
import { randomCase } from '../random.ts';
import { activationCases } from './activation.ts';
import { bridgeCases } from './bridge.ts';
import { chainCases } from './chains.ts';
import { otherFlowCases, tcpFlowCases } from './flows.ts';
import { fragmentTableCases } from './fragments.ts';
import { changedFragmentCases } from './fragments-changed.ts';
import { headers6CutCases } from './headers6-cut.ts';
import { helperCases } from './helpers.ts';
import { broadcastHelperCases } from './helpers-broadcast.ts';
import { h323Cases } from './helpers-h323.ts';
import { pptpCases } from './helpers-pptp.ts';
import { sipCases } from './helpers-sip.ts';
import { hotdropCases } from './hotdrop.ts';
import { baseCases } from './match-base.ts';
import {
  addrtypeCases,
  addrtypeInterfaceCases,
  macCases,
  physdevCases,
  rpfilterCases,
  setCases,
} from './match-host.ts';
import { icmpCases } from './match-icmp.ts';
import { rateestCases } from './match-rateest.ts';
import { sctpCases } from './match-sctp.ts';
import {
  commentCases,
  dccpCases,
  iprangeCases,
  ipsecCases,
  lengthCases,
  markCases,
  multiportCases,
  nfacctCases,
  ownerCases,
  pkttypeCases,
  statisticCases,
  stringCases,
  tcpmssCases,
  tosCases,
  ttlCases,
  u32Cases,
} from './match-simple.ts';
import { srhCases } from './match-srh.ts';
import {
  connlimitCases,
  conntrackCases,
  hashlimitCases,
  limitCases,
  quotaCases,
  rawStateCases,
  recentCases,
  recentFamilyCases,
} from './match-state.ts';
import { tcpCases } from './match-tcp.ts';
import { udpCases } from './match-udp.ts';
import { confirmCases, fragmentCases, headerCases, routeCases } from './path.ts';
import { rejectResetCases } from './reject-reset.ts';
import { sourceRouteCases } from './source-route.ts';
import { hmarkCases } from './target-hmark.ts';
import { connmarkTargetCases, ctCases, markTargetCases } from './target-mark.ts';
import { dnatCases, natFlowCases, snatCases } from './target-nat.ts';
import { nptCases } from './target-npt.ts';
import { rewriteCases } from './target-rewrite.ts';
import { rejectCases, verdictCases } from './target-verdict.ts';

export const SUITES: Readonly<Record<string, () => readonly Case[]>> = {
  activation: activationCases,
  bridge: bridgeCases,
  chains: chainCases,
  'match-transport': () => [...tcpCases(), ...udpCases(), ...icmpCases(), ...sctpCases(), ...dccpCases()],
  'match-base': baseCases,
  hotdrop: hotdropCases,
  'match-simple': () => [
    ...commentCases(),
    ...iprangeCases(),
    ...ipsecCases(),
    ...lengthCases(),
    ...markCases(),
    ...multiportCases(),
    ...nfacctCases(),
    ...ownerCases(),
    ...pkttypeCases(),
    ...statisticCases(),
    ...stringCases(),
    ...tcpmssCases(),
    ...tosCases(),
    ...ttlCases(),
    ...u32Cases(),
  ],
  'match-srh': srhCases,
  'source-route': sourceRouteCases,
  'headers6-cut': headers6CutCases,
  'match-conntrack': () => [...conntrackCases(), ...rawStateCases()],
  'match-rate': () => [
    ...limitCases(),
    ...hashlimitCases(),
    ...recentCases(),
    ...recentFamilyCases(),
    ...connlimitCases(),
    ...quotaCases(),
  ],
  'match-rateest': rateestCases,
  'match-host': () => [
    ...addrtypeCases(),
    ...addrtypeInterfaceCases(),
    ...macCases(),
    ...physdevCases(),
    ...rpfilterCases(),
    ...setCases(),
  ],
  'target-verdict': () => [...verdictCases(), ...rejectCases()],
  'reject-reset': rejectResetCases,
  'target-mark': () => [...markTargetCases(), ...connmarkTargetCases(), ...ctCases()],
  'target-hmark': hmarkCases,
  'target-rewrite': rewriteCases,
  'target-npt': nptCases,
  'target-nat': () => [...dnatCases(), ...snatCases(), ...natFlowCases()],
  path: () => [...headerCases(), ...routeCases(), ...fragmentCases()],
  fragments: fragmentTableCases,
  'fragments-changed': changedFragmentCases,
  confirm: confirmCases,
  'flows-tcp': tcpFlowCases,
  'flows-other': otherFlowCases,
  helpers: () => [...helperCases(), ...pptpCases(), ...broadcastHelperCases()],
  'helpers-sip': sipCases,
  'helpers-h323': h323Cases,
  random: () => Array.from({ length: 100 }, (_, i) => randomCase(i + 1)),
};
