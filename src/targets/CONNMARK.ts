import { defineTarget } from '../extension/define.ts';
import { hex } from '../extension/numbers.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { flag, markMask, uint32 } from '../extension/values.ts';
import type { ConntrackAccess } from '../packet/conntrack-access.ts';
import { R_CT, R_CTMARK, R_MARK } from '../packet/registers.ts';
import { VERDICT_CONTINUE } from '../packet/verdict.ts';

interface ConnmarkOptions {
  readonly mode: 'set' | 'save' | 'restore';
  /** 32-bit words, signed. */
  readonly ctmark: number;
  readonly ctmask: number;
  readonly nfmask: number;
  /** To the left, or to the right where negative. */
  readonly shift: number;
}

const OPERATIONS = [
  '--set-xmark',
  '--set-mark',
  '--and-mark',
  '--or-mark',
  '--xor-mark',
  '--save-mark',
  '--restore-mark',
] as const;
const but = (own: (typeof OPERATIONS)[number]) => ({ excludes: OPERATIONS.filter((one) => one !== own) });

/** Linux: net/netfilter/xt_connmark.c, connmark_tg_shift(). */
export const connmarkTarget = defineTarget<ConnmarkOptions, ConntrackAccess>({
  name: 'CONNMARK',
  families: [4, 6],
  bringsConntrack: true,
  scope: 'connection',
  reads: ['mark', 'ct', 'ctmark'],
  writes: ['mark', 'ctmark'],
  syntax: defineSyntax({
    options: {
      '--set-xmark': markMask(but('--set-xmark')),
      '--set-mark': markMask(but('--set-mark')),
      '--and-mark': uint32(but('--and-mark')),
      '--or-mark': uint32(but('--or-mark')),
      '--xor-mark': uint32(but('--xor-mark')),
      '--save-mark': flag(but('--save-mark')),
      '--restore-mark': flag(but('--restore-mark')),
      '--left-shift-mark': uint32({ max: 32 }),
      '--right-shift-mark': uint32({ max: 32 }),
      '--ctmask': uint32({ excludes: ['--mask'] }),
      '--nfmask': uint32({ excludes: ['--mask'] }),
      '--mask': uint32({ excludes: ['--ctmask', '--nfmask'] }),
    },
    finalCheck: (v, rule) => {
      if (OPERATIONS.every((name) => v[name] === undefined)) {
        rule.fail('CONNMARK target: No operation specified');
      }
    },
    build: (v): ConnmarkOptions => {
      const o = { mode: 'set' as ConnmarkOptions['mode'], ctmark: 0, ctmask: -1, nfmask: -1, shift: 0 };
      // Masks are written over one another in the order in which they stand in the rule.
      for (const name of Object.keys(v) as (keyof typeof v)[]) {
        if (name === '--save-mark') o.mode = 'save';
        else if (name === '--restore-mark') o.mode = 'restore';
        else if (name === '--set-xmark' || name === '--set-mark') {
          const { value, mask } = v[name]!.value;
          o.ctmark = value;
          o.ctmask = name === '--set-mark' ? value | mask : mask;
        } else {
          const number = (v[name]!.value as number) | 0;
          if (name === '--and-mark') [o.ctmark, o.ctmask] = [0, ~number];
          else if (name === '--or-mark') [o.ctmark, o.ctmask] = [number, number];
          else if (name === '--xor-mark') [o.ctmark, o.ctmask] = [number, 0];
          else if (name === '--left-shift-mark') o.shift = number;
          else if (name === '--right-shift-mark') o.shift = -number;
          else {
            if (name !== '--nfmask') o.ctmask = number;
            if (name !== '--ctmask') o.nfmask = number;
          }
        }
      }
      return o;
    },
    save: (o) =>
      (o.mode === 'set'
        ? ` --set-xmark 0x${hex(o.ctmark)}/0x${hex(o.ctmask)}`
        : ` --${o.mode}-mark --nfmask 0x${hex(o.nfmask)} --ctmask 0x${hex(o.ctmask)}`) +
      formatShift(o, ' --'),
    list: (o) => `CONNMARK ${listOperation(o)}${formatShift(o, ' ')}`,
    kernelCheck: (o) => (Math.abs(o.shift) > 31 ? 'xt_connmark: shift by 32 bits or more' : undefined),
  }),
  prepare: (_, environment) => environment.conntrack,
  apply: (o, p, conntrack) => {
    const { r } = p;
    const ct = r[R_CT]!;
    if (ct < 0) return VERDICT_CONTINUE;
    const old = conntrack.mark(ct);
    if (o.mode === 'restore') {
      r[R_MARK] = (r[R_MARK]! & ~o.nfmask) ^ shifted(old & o.ctmask, o.shift);
      return VERDICT_CONTINUE;
    }
    const mark =
      o.mode === 'set'
        ? shifted((old & ~o.ctmask) ^ o.ctmark, o.shift)
        : (old & ~o.ctmask) ^ shifted(r[R_MARK]! & o.nfmask, o.shift);
    conntrack.setMark(ct, mark);
    r[R_CTMARK] = mark;
    return VERDICT_CONTINUE;
  },
});

function shifted(mark: number, shift: number): number {
  return shift < 0 ? (mark >>> -shift) | 0 : mark << shift;
}

function formatShift(o: ConnmarkOptions, head: string): string {
  if (o.shift === 0) return '';
  return `${head}${o.shift > 0 ? 'left' : 'right'}-shift-mark ${Math.abs(o.shift)}`;
}

function listOperation(o: ConnmarkOptions): string {
  const { ctmark, ctmask, nfmask } = o;
  if (o.mode !== 'set') {
    if (nfmask === -1 && ctmask === -1) return o.mode;
    if (nfmask === ctmask) return `${o.mode} mask 0x${hex(ctmask)}`;
    return o.mode === 'save'
      ? `save nfmask 0x${hex(nfmask)} ctmask ~0x${hex(ctmask)}`
      : `restore ctmask 0x${hex(ctmask)} nfmask ~0x${hex(nfmask)}`;
  }
  if (ctmark === 0) return `and 0x${hex(~ctmask)}`;
  if (ctmark === ctmask) return `or 0x${hex(ctmark)}`;
  if (ctmask === 0) return `xor 0x${hex(ctmark)}`;
  if (ctmask === -1) return `set 0x${hex(ctmark)}`;
  return `xset 0x${hex(ctmark)}/0x${hex(ctmask)}`;
}
