import type { OptionCall } from '../extension/syntax.ts';

/**
 * Classic BPF: how programs are written on the command line of iptables, and what the kernel takes. Phrases:
 * extensions/libxt_bpf.c; checks: net/core/filter.c of Linux, bpf_check_classic(), chk_code_allowed(),
 * check_load_and_stores().
 */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  /** Unsigned. */
  readonly k: number;
}

/** XT_BPF_MAX_NUM_INSTR. */
const MAX_INSTRUCTIONS = 64;
/** BPF_MEMWORDS. */
export const MEMORY_WORDS = 16;

export function parseProgram(text: string, call: OptionCall): Instruction[] {
  const head = /^\s*([+-]?\d+),/.exec(text);
  if (head === null) call.fail('bpf: error parsing program length');
  const count = number(head[1]!, 16);
  if (count === 0) call.fail('bpf: illegal zero length program');
  if (count > MAX_INSTRUCTIONS) call.fail('bpf: number of instructions exceeds maximum');
  const program: Instruction[] = [];
  const rest = text.slice(text.indexOf(',') + 1);
  const pieces = rest === '' ? [] : rest.split(',');
  if (pieces.at(-1) === '') pieces.pop();
  for (const piece of pieces) {
    if (program.length >= count) {
      call.fail('bpf: real program length exceeds the encoded length parameter');
    }
    const found = /^\s*([+-]?\d+)\s*([+-]?\d+)\s*([+-]?\d+)\s*([+-]?\d+)/.exec(piece);
    if (found === null) call.fail(`bpf: error at instr ${program.length}`);
    const [, code, jt, jf, k] = found;
    program.push({ code: number(code!, 16), jt: number(jt!, 8), jf: number(jf!, 8), k: number(k!, 32) });
  }
  if (program.length !== count) {
    call.fail('bpf: parsed program length is less than the encoded length parameter');
  }
  return program;
}

/** sscanf() cuts a number to the width of its variable. */
function number(text: string, bits: number): number {
  return Number(BigInt.asUintN(bits, BigInt(text.replace('+', ''))));
}

export function formatProgram(program: readonly Instruction[]): string {
  return program.map(({ code, jt, jf, k }) => `${code} ${jt} ${jf} ${k}`).join(',');
}

export const LD_W_ABS = 0x20;
export const LD_H_ABS = 0x28;
export const LD_B_ABS = 0x30;
export const LD_W_IND = 0x40;
export const LD_H_IND = 0x48;
export const LD_B_IND = 0x50;
export const LD_IMM = 0x00;
export const LD_MEM = 0x60;
export const LD_LEN = 0x80;
export const LDX_IMM = 0x01;
export const LDX_MEM = 0x61;
export const LDX_LEN = 0x81;
export const LDX_MSH = 0xb1;
export const ST = 0x02;
export const STX = 0x03;
export const JA = 0x05;
export const RET_K = 0x06;
export const RET_A = 0x16;
export const TAX = 0x07;
export const TXA = 0x87;
/** Classes of the low three bits; bit 3 says that the operand is X, not the constant. */
export const CLASS_ALU = 4;
export const CLASS_JMP = 5;
export const NEG = 0x84;
/** High four bits of an ALU or jump instruction. */
export const OPERATION = { add: 0, sub: 1, mul: 2, div: 3, or: 4, and: 5, lsh: 6, rsh: 7, mod: 9, xor: 10 };
export const JUMP = { always: 0, equal: 1, greater: 2, notLess: 3, anyBit: 4 };

const SINGLE: ReadonlySet<number> = new Set([
  ...[LD_W_ABS, LD_H_ABS, LD_B_ABS, LD_W_IND, LD_H_IND, LD_B_IND, LD_IMM, LD_MEM, LD_LEN],
  ...[LDX_IMM, LDX_MEM, LDX_LEN, LDX_MSH, ST, STX, JA, RET_K, RET_A, TAX, TXA, NEG],
]);

function isKnown(code: number): boolean {
  if (SINGLE.has(code)) return true;
  if (code > 0xff) return false;
  const operation = code >> 4;
  if ((code & 7) === CLASS_ALU) return operation !== 8 && operation <= 10;
  return (code & 7) === CLASS_JMP && operation >= 1 && operation <= 4;
}

export function isConditional({ code }: Instruction): boolean {
  return (code & 7) === CLASS_JMP && code !== JA;
}

/** SKF_AD_OFF, SKF_NET_OFF, SKF_LL_OFF, as unsigned numbers. */
export const ANCILLARY = 0xfffff000;
export const NETWORK = 0xfff00000;
export const LINK = 0xffe00000;
/** SKF_AD_MAX; every fourth offset below is one of the extensions. */
const ANCILLARY_END = ANCILLARY + 64;

export function isAncillary({ code, k }: Instruction): boolean {
  const isAbsolute = code === LD_W_ABS || code === LD_H_ABS || code === LD_B_ABS;
  return isAbsolute && k >= ANCILLARY && k < ANCILLARY_END && k % 4 === 0;
}

/** Whether the kernel takes the program. */
export function isValidProgram(program: readonly Instruction[]): boolean {
  const last = program.at(-1)!;
  if (last.code !== RET_K && last.code !== RET_A) return false;
  return program.every((one, pc) => isValid(one, pc, program.length)) && readsWhatWasWritten(program);
}

function isValid(one: Instruction, pc: number, count: number): boolean {
  const { code, jt, jf, k } = one;
  if (!isKnown(code)) return false;
  if ([LD_MEM, LDX_MEM, ST, STX].includes(code)) return k < MEMORY_WORDS;
  if (code === JA) return k < count - pc - 1;
  if (isConditional(one)) return pc + jt + 1 < count && pc + jf + 1 < count;
  if (code === LD_W_ABS || code === LD_H_ABS || code === LD_B_ABS) return k < ANCILLARY || isAncillary(one);
  if ((code & 0x0f) === CLASS_ALU) {
    const operation = code >> 4;
    if (operation === OPERATION.div || operation === OPERATION.mod) return k !== 0;
    if (operation === OPERATION.lsh || operation === OPERATION.rsh) return k < 32;
  }
  return true;
}

/** No word of the scratch memory is read on a way on which it has not been written. Jumps only go forward. */
function readsWhatWasWritten(program: readonly Instruction[]): boolean {
  const reached = new Array<number>(program.length).fill(0xffff);
  let written = 0;
  for (const [pc, one] of program.entries()) {
    written &= reached[pc]!;
    const { code, k } = one;
    if (code === ST || code === STX) written |= 1 << k;
    else if (code === LD_MEM || code === LDX_MEM) {
      if ((written & (1 << k)) === 0) return false;
    } else if (code === JA) {
      reached[pc + 1 + k]! &= written;
      written = 0xffff;
    } else if (isConditional(one)) {
      reached[pc + 1 + one.jt]! &= written;
      reached[pc + 1 + one.jf]! &= written;
      written = 0xffff;
    }
  }
  return true;
}
