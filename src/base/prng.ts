import { mix32 } from './hash.ts';

/**
 * A random 32-bit word (unsigned) that depends on nothing but its arguments: the draw of `rule` for `packet`
 * under `seed`. Used wherever the kernel throws dice (statistic --mode random, random ports), so that the
 * answer depends neither on the order of evaluation nor on the number of workers.
 */
export function randomWord(seed: number, packet: number, rule: number, draw = 0): number {
  let h = mix32(seed ^ 0x9e3779b9);
  h = mix32(h ^ (packet >>> 0) ^ Math.imul(Math.floor(packet / 4294967296), 0x85ebca6b));
  h = mix32(h ^ Math.imul(rule + 1, 0xc2b2ae35));
  return mix32(h + Math.imul(draw, 0x27d4eb2f)) >>> 0;
}
