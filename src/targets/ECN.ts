import { CHECKSUM_PARTIAL } from '../batch/layout.ts';
import { defineTarget } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag, uint8 } from '../extension/values.ts';
import { believedTransport, isHeaderShort, isLaterFragment } from '../matches/ports.ts';
import { IPPROTO_TCP } from '../packet/packet.ts';
import { R_CHECKSUM, R_L4PROTO, R_TCP_FLAGS, R_TOS } from '../packet/registers.ts';
import { currentBytes, replaceSum16, writableBytes } from '../packet/rewrite.ts';
import { VERDICT_CONTINUE, VERDICT_DROP } from '../packet/verdict.ts';

/** What is set; undefined is left alone. */
interface EcnOptions {
  readonly ece: number | undefined;
  readonly cwr: number | undefined;
  readonly ect: number | undefined;
}

const TCP_HEADER_BYTES = 20;
const ECE = 0x40;
const CWR = 0x80;

/** `-j ECN` (IPv4): works on explicit congestion notification. Linux: net/ipv4/netfilter/ipt_ECN.c, ecn_tg(). */
export const ecnTarget = defineTarget<EcnOptions>({
  name: 'ECN',
  families: [4],
  tables: ['mangle'],
  scope: 'packet',
  reads: ['tos', 'tcpFlags'],
  writes: ['tos', 'tcpFlags'],
  syntax: defineSyntax({
    options: {
      '--ecn-tcp-remove': flag({ excludes: ['--ecn-tcp-cwr', '--ecn-tcp-ece'] }),
      '--ecn-tcp-cwr': uint8({ max: 1, excludes: ['--ecn-tcp-remove'] }),
      '--ecn-tcp-ece': uint8({ max: 1, excludes: ['--ecn-tcp-remove'] }),
      '--ecn-ip-ect': uint8({ max: 3 }),
    },
    finalCheck: (v, rule) => {
      if (Object.keys(v).length === 0) rule.fail('ECN target: An operation is required');
    },
    build: (v): EcnOptions => {
      const removed = v['--ecn-tcp-remove'] === undefined ? undefined : 0;
      return {
        ece: v['--ecn-tcp-ece']?.value ?? removed,
        cwr: v['--ecn-tcp-cwr']?.value ?? removed,
        ect: v['--ecn-ip-ect']?.value,
      };
    },
    save: (o) =>
      isRemove(o)
        ? ' --ecn-tcp-remove'
        : word(' --ecn-tcp-ece ', o.ece) + word(' --ecn-tcp-cwr ', o.cwr) + word(' --ecn-ip-ect ', o.ect),
    list: (o) =>
      isRemove(o)
        ? 'ECN TCP remove'
        : `ECN${word(' ECE=', o.ece)}${word(' CWR=', o.cwr)}${word(' ECT codepoint=', o.ect)}`,
    kernelCheck: (o, rule) =>
      (o.ece !== undefined || o.cwr !== undefined) && (rule.protocol !== IPPROTO_TCP || rule.protocolInverted)
        ? 'ipt_ECN: cannot use operation on non-tcp rule'
        : undefined,
  }),
  apply: (o, p) => {
    const { r } = p;
    if (o.ect !== undefined && (r[R_TOS]! & 3) !== o.ect) {
      r[R_TOS] = (r[R_TOS]! & ~3) | o.ect;
      p.touch();
    }
    if ((o.ece === undefined && o.cwr === undefined) || r[R_L4PROTO] !== IPPROTO_TCP) return VERDICT_CONTINUE;
    // It does not ask whether this is a later fragment: what lies behind the IP header is taken for TCP's.
    const isLater = isLaterFragment(p);
    const bytes = currentBytes(p);
    const tcp = believedTransport(p);
    // A packet that ends within its TCP header.
    if (isLater ? tcp + TCP_HEADER_BYTES > p.l3End : r[R_TCP_FLAGS]! < 0 || isHeaderShort(p))
      return VERDICT_DROP;
    const old = isLater ? bytes[tcp + 13]! : r[R_TCP_FLAGS]!;
    let flags = old;
    if (o.ece !== undefined) flags = (flags & ~ECE) | (o.ece === 0 ? 0 : ECE);
    if (o.cwr !== undefined) flags = (flags & ~CWR) | (o.cwr === 0 ? 0 : CWR);
    if (flags !== old) {
      if (!isLater) r[R_TCP_FLAGS] = flags;
      const within = tcp - p.l3Offset;
      // The packet may move.
      writableBytes(p);
      const at = p.l3Offset + within;
      const word = p.view.getUint16(at + 12);
      p.view.setUint16(at + 12, (word & 0xff00) | flags);
      if (r[R_CHECKSUM] !== CHECKSUM_PARTIAL) replaceSum16(p, at + 16, word, (word & 0xff00) | flags);
    }
    return VERDICT_CONTINUE;
  },
});

function isRemove(o: EcnOptions): boolean {
  return o.ece === 0 && o.cwr === 0 && o.ect === undefined;
}

function word(head: string, value: number | undefined): string {
  return value === undefined ? '' : `${head}${value}`;
}
