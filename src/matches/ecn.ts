import { DECODE_L4_SHORT } from '../batch/layout.ts';
import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag, uint8 } from '../extension/values.ts';
import { IPPROTO_TCP, type Packet } from '../packet/packet.ts';
import { R_DECODE_FLAGS, R_TCP_FLAGS, R_TOS } from '../packet/registers.ts';
import { currentBytes } from '../packet/rewrite.ts';
import { believedTransport, isLaterFragment } from './ports.ts';

/** What is asked for: undefined is not asked for, else whether it must be so. */
interface EcnOptions {
  readonly ece: boolean | undefined;
  readonly cwr: boolean | undefined;
  readonly ect: { readonly value: number; readonly inverted: boolean } | undefined;
}

const TCP_HEADER_BYTES = 20;
const ECE = 0x40;
const CWR = 0x80;

/** `-m ecn`: explicit congestion notification. Linux: net/netfilter/xt_ecn.c, ecn_mt4(), ecn_mt6(). */
export const ecn = defineMatch<EcnOptions>({
  name: 'ecn',
  families: [4, 6],
  scope: 'packet',
  reads: ['tos', 'tcpFlags'],
  syntax: defineSyntax({
    options: {
      '--ecn-tcp-cwr': flag({ invertible: true }),
      '--ecn-tcp-ece': flag({ invertible: true }),
      '--ecn-ip-ect': uint8({ max: 3, invertible: true }),
    },
    finalCheck: (v, rule) => {
      if (Object.keys(v).length === 0) rule.fail('ECN match: some option required');
    },
    build: (v): EcnOptions => ({
      ece: v['--ecn-tcp-ece'] && !v['--ecn-tcp-ece'].inverted,
      cwr: v['--ecn-tcp-cwr'] && !v['--ecn-tcp-cwr'].inverted,
      ect: v['--ecn-ip-ect'] && { value: v['--ecn-ip-ect'].value, inverted: v['--ecn-ip-ect'].inverted },
    }),
    save: (o) =>
      (o.ece === undefined ? '' : `${o.ece ? '' : ' !'} --ecn-tcp-ece`) +
      (o.cwr === undefined ? '' : `${o.cwr ? '' : ' !'} --ecn-tcp-cwr`) +
      (o.ect === undefined ? '' : `${o.ect.inverted ? ' !' : ''} --ecn-ip-ect ${o.ect.value}`),
    list: (o) =>
      'ECN match' +
      (o.ece === undefined ? '' : ` ${o.ece ? '' : '!'}ECE`) +
      (o.cwr === undefined ? '' : ` ${o.cwr ? '' : '!'}CWR`) +
      (o.ect === undefined ? '' : ` ${o.ect.inverted ? '!' : ''}ECT=${o.ect.value}`),
    kernelCheck: (o, rule) =>
      (o.ece !== undefined || o.cwr !== undefined) && (rule.protocol !== IPPROTO_TCP || rule.protocolInverted)
        ? 'xt_ecn: cannot match TCP bits for non-tcp packets'
        : undefined,
  }),
  evaluate: (o, p) => {
    const { r } = p;
    if (o.ect !== undefined && ((r[R_TOS]! & 3) === o.ect.value) === o.ect.inverted) return false;
    if (o.ece === undefined && o.cwr === undefined) return true;
    const flags = isLaterFragment(p) ? believedFlags(p) : r[R_TCP_FLAGS]!;
    if (flags < 0 || (r[R_DECODE_FLAGS]! & DECODE_L4_SHORT) !== 0) return false;
    if (o.ece !== undefined && ((flags & ECE) !== 0) !== o.ece) return false;
    return o.cwr === undefined || ((flags & CWR) !== 0) === o.cwr;
  },
});

/** The flags of what is taken for a TCP header in a later fragment; -1 when that is too short for one. */
function believedFlags(p: Packet): number {
  const bytes = currentBytes(p);
  const tcp = believedTransport(p);
  return tcp + TCP_HEADER_BYTES > p.l3End ? -1 : bytes[tcp + 13]!;
}
