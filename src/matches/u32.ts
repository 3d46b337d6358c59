import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { custom } from '../extension/values.ts';
import type { Packet } from '../packet/packet.ts';
import { R_LENGTH } from '../packet/registers.ts';
import { currentBytes } from '../packet/rewrite.ts';
import { formatU32, parseU32, type U32Test } from './u32-program.ts';

interface U32Options {
  readonly tests: readonly U32Test[];
  readonly inverted: boolean;
}

/** `-m u32`: arithmetic on any words of the packet. Linux: net/netfilter/xt_u32.c, u32_mt(). */
export const u32 = defineMatch<U32Options>({
  name: 'u32',
  families: [4, 6],
  scope: 'packet',
  reads: ['payload', 'length'],
  syntax: defineSyntax({
    options: { '--u32': custom(parseU32, { invertible: true, mandatory: true }) },
    build: (v): U32Options => ({ tests: v['--u32']!.value, inverted: v['--u32']!.inverted }),
    save: (o) => `${o.inverted ? ' !' : ''} --u32 "${formatU32(o.tests)}"`,
    list: (o) => `u32${o.inverted ? ' !' : ''} "${formatU32(o.tests)}"`,
  }),
  evaluate: (o, p) => {
    currentBytes(p);
    return o.tests.every((test) => holds(test, p)) !== o.inverted;
  },
});

/** u32_match_it(): a word that does not lie within the packet fails the test. Numbers are unsigned, 32 bits. */
function holds(test: U32Test, p: Packet): boolean {
  const length = p.r[R_LENGTH]!;
  if (length < 4 || test.start > length - 4) return false;
  let value = word(p, test.start);
  let base = 0;
  for (const { operator, number } of test.steps) {
    switch (operator) {
      case '&':
        value = (value & number) >>> 0;
        break;
      // Shift counts are taken modulo 32, by the machine and by JavaScript.
      case '<<':
        value = (value << number) >>> 0;
        break;
      case '>>':
        value >>>= number;
        break;
      case '@':
        if (base + value > 0xffffffff) return false;
        base += value;
        if (base + 4 > 0xffffffff || length < base + 4 || number > length - base - 4) return false;
        value = word(p, base + number);
        break;
    }
  }
  return test.values.some(([low, high]) => low <= value && value <= high);
}

/** A word of the packet; what the capture has cut off reads as zeros. */
function word(p: Packet, offset: number): number {
  const at = p.l3Offset + offset;
  if (at + 4 <= p.l3End) return p.view.getUint32(at);
  let value = 0;
  for (let i = 0; i < 4; i++) value = (value << 8) | (at + i < p.l3End ? p.view.getUint8(at + i) : 0);
  return value >>> 0;
}
