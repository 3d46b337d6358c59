import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom } from '../extension/values.ts';
import type { Packet } from '../packet/packet.ts';
import { R_FAMILY, R_IIF, R_LENGTH, R_MARK, R_PKT_TYPE } from '../packet/registers.ts';
import { currentBytes } from '../packet/rewrite.ts';
import * as bpfCode from './bpf-program.ts';
import { formatProgram, type Instruction, isAncillary, isValidProgram, parseProgram } from './bpf-program.ts';

type BpfOptions = readonly Instruction[];

const { ANCILLARY, JUMP, LINK, NETWORK, OPERATION } = bpfCode;

/** Extensions (SKF_AD_*) by offset. */
const AD_PROTOCOL = 0;
const AD_PKTTYPE = 4;
const AD_MARK = 20;
const AD_ALU_XOR_X = 40;
const KNOWN_EXTENSIONS = [AD_PROTOCOL, AD_PKTTYPE, AD_MARK, AD_ALU_XOR_X];

/**
 * `-m bpf --bytecode`: a program of classic BPF that looks at the packet from its IP header on. A program pinned in
 * the machine's /sys/fs/bpf cannot be had offline: such a rule is refused.
 * Linux: net/netfilter/xt_bpf.c, bpf_mt(), __bpf_mt_check_bytecode(); net/core/filter.c, bpf_convert_filter().
 */
export const bpf = defineMatch<BpfOptions>({
  name: 'bpf',
  families: [4, 6],
  scope: 'packet',
  reads: ['payload', 'length', 'pktType', 'mark', 'iif'],
  syntax: defineSyntax({
    options: {
      '--bytecode': custom(parseProgram),
      '--object-pinned': custom((_, call) =>
        call.fail(
          'bpf: failed to get bpf object',
          'A pinned program is the machine’s own and not in the dump: give its classic form with --bytecode, or use --on-unsupported never-match.',
        ),
      ),
    },
    build: (v, rule): BpfOptions =>
      v['--bytecode']?.value ?? rule.fail('bpf: one of --bytecode or --pinned is required'),
    save: (o) => ` --bytecode "${o.length},${formatProgram(o)}"`,
    list: (o) => `match bpf ${formatProgram(o)}`,
    kernelCheck: (o) => (isValidProgram(o) ? undefined : 'xt_bpf: check failed: parse error'),
  }),
  prepare: (o, environment) => {
    if (o.some((one) => isAncillary(one) && !KNOWN_EXTENSIONS.includes(one.k - ANCILLARY))) {
      environment.assume(
        'bpf: a program asks for what a capture does not tell (interface number, queue, CPU, VLAN tag, random number …); it reads 0.',
      );
    }
    return undefined;
  },
  evaluate: (o, p) => {
    currentBytes(p);
    return run(o, p) !== 0;
  },
});

/** The number that the program returns. Words are 32 bits, unsigned; what lies outside the packet ends it with 0. */
function run(program: readonly Instruction[], p: Packet): number {
  const memory = new Array<number>(bpfCode.MEMORY_WORDS).fill(0);
  let a = 0;
  let x = 0;
  for (let pc = 0; ; pc++) {
    const one = program[pc]!;
    const { code, k } = one;
    switch (code) {
      case bpfCode.RET_K:
        return k;
      case bpfCode.RET_A:
        return a;
      case bpfCode.LD_IMM:
        a = k;
        continue;
      case bpfCode.LD_LEN:
        a = p.r[R_LENGTH]!;
        continue;
      case bpfCode.LD_MEM:
        a = memory[k]!;
        continue;
      case bpfCode.LDX_IMM:
        x = k;
        continue;
      case bpfCode.LDX_LEN:
        x = p.r[R_LENGTH]!;
        continue;
      case bpfCode.LDX_MEM:
        x = memory[k]!;
        continue;
      case bpfCode.ST:
        memory[k] = a;
        continue;
      case bpfCode.STX:
        memory[k] = x;
        continue;
      case bpfCode.TAX:
        x = a;
        continue;
      case bpfCode.TXA:
        a = x;
        continue;
      case bpfCode.JA:
        pc += k;
        continue;
      case bpfCode.NEG:
        a = -a >>> 0;
        continue;
      case bpfCode.LDX_MSH: {
        const byte = load(p, k, 1);
        if (byte === undefined) return 0;
        x = 4 * (byte & 15);
        continue;
      }
      case bpfCode.LD_W_ABS:
      case bpfCode.LD_H_ABS:
      case bpfCode.LD_B_ABS:
      case bpfCode.LD_W_IND:
      case bpfCode.LD_H_IND:
      case bpfCode.LD_B_IND: {
        if (isAncillary(one)) {
          a = extension(p, k - ANCILLARY, a, x);
          continue;
        }
        const isIndirect = (code & 0xe0) === 0x40;
        const size = [4, 2, 1][(code >> 3) & 3]!;
        const word = load(p, isIndirect ? (x + k) >>> 0 : k, size);
        if (word === undefined) return 0;
        a = word;
        continue;
      }
    }
    const operand = (code & 8) === 0 ? k : x;
    if ((code & 7) === bpfCode.CLASS_JMP) {
      pc += jumps(code >> 4, a, operand) ? one.jt : one.jf;
      continue;
    }
    const isDivision = code >> 4 === OPERATION.div || code >> 4 === OPERATION.mod;
    if (isDivision && operand === 0) return 0;
    a = calculate(code >> 4, a, operand);
  }
}

function jumps(test: number, a: number, operand: number): boolean {
  if (test === JUMP.equal) return a === operand;
  if (test === JUMP.greater) return a > operand;
  if (test === JUMP.notLess) return a >= operand;
  return (a & operand) !== 0;
}

function calculate(operation: number, a: number, operand: number): number {
  switch (operation) {
    case OPERATION.add:
      return (a + operand) >>> 0;
    case OPERATION.sub:
      return (a - operand) >>> 0;
    case OPERATION.mul:
      return Math.imul(a, operand) >>> 0;
    case OPERATION.div:
      return Math.floor(a / operand);
    case OPERATION.mod:
      return a % operand;
    case OPERATION.or:
      return (a | operand) >>> 0;
    case OPERATION.and:
      return (a & operand) >>> 0;
    case OPERATION.lsh:
      // Counts are taken modulo 32, here as there.
      return (a << operand) >>> 0;
    case OPERATION.rsh:
      return a >>> operand;
    default:
      return (a ^ operand) >>> 0;
  }
}

function extension(p: Packet, offset: number, a: number, x: number): number {
  switch (offset) {
    case AD_PROTOCOL:
      return p.r[R_FAMILY] === 4 ? 0x0800 : 0x86dd;
    case AD_PKTTYPE:
      return p.r[R_PKT_TYPE]!;
    case AD_MARK:
      return p.r[R_MARK]! >>> 0;
    case AD_ALU_XOR_X:
      return (a ^ x) >>> 0;
    default:
      return 0;
  }
}

/**
 * Bytes of the packet, in network order; undefined outside it. What the capture has cut off reads as zeros.
 * bpf_internal_load_pointer_neg_helper(): large offsets are counted from the IP header or from the link header.
 */
function load(p: Packet, offset: number, size: number): number | undefined {
  let at = p.l3Offset + offset;
  if (offset >= NETWORK) at = p.l3Offset + offset - NETWORK;
  else if (offset >= LINK) {
    // A packet that this host makes has no link header yet; one that came in without begins with its IP header.
    if (p.r[R_IIF] === 0) return undefined;
    at = (p.macOffset < 0 ? p.l3Offset : p.macOffset) + offset - LINK;
  } else if (offset > 0x7fffffff) return undefined;
  if (at + size > p.l3Offset + p.r[R_LENGTH]!) return undefined;
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + (at + i < p.l3End ? p.view.getUint8(at + i) : 0);
  return value;
}
