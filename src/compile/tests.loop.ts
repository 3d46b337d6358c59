import { ANSWER_YES, type Trail } from '../evaluate/trail.ts';
import type { Packet } from '../packet/packet.ts';
import {
  OP_ANY,
  OP_CALL,
  OP_FORK,
  OP_IFACE,
  OP_MASKED,
  OP_NOT,
  OP_RANGE,
  OP_RANGES,
  OP_UNSHARE,
  type TestCode,
} from './test-code.ts';

/** True when all tests from `pc` up to `end` hold. The layout of the tests is in test-code.ts. */
export function testsHold(tests: TestCode, pc: number, end: number, p: Packet, trail: Trail): boolean {
  const { code } = tests;
  const { r } = p;
  while (pc < end) {
    switch (code[pc]) {
      case OP_MASKED:
        if ((r[code[pc + 1]!]! & code[pc + 2]!) !== code[pc + 3]) return false;
        pc += 4;
        break;
      case OP_RANGE: {
        const word = r[code[pc + 1]!]! >>> 0;
        if (word < code[pc + 2]! >>> 0 || word > code[pc + 3]! >>> 0) return false;
        pc += 4;
        break;
      }
      case OP_RANGES:
        if (!inRanges(tests.ranges, code[pc + 2]!, code[pc + 3]!, r[code[pc + 1]!]! >>> 0)) return false;
        pc += 4;
        break;
      case OP_IFACE:
        if (!tests.interfaces[code[pc + 2]!]!.test(r[code[pc + 1]!]!)) return false;
        pc += 3;
        break;
      case OP_CALL: {
        const { definition, options, state } = tests.calls[code[pc + 1]!]!;
        trail.depends |= code[pc + 2]!;
        if (!definition.evaluate(options, p, state)) return false;
        pc += 3;
        break;
      }
      case OP_FORK:
        if (trail.ask(tests.calls[code[pc + 1]!]!, p) !== ANSWER_YES) return false;
        pc += 2;
        break;
      case OP_NOT: {
        const after = code[pc + 1]!;
        if (testsHold(tests, pc + 2, after, p, trail)) return false;
        pc = after;
        break;
      }
      case OP_ANY: {
        const after = code[pc + 1]!;
        let block = pc + 2;
        while (block < after) {
          const blockEnd = code[block]!;
          if (testsHold(tests, block + 1, blockEnd, p, trail)) break;
          block = blockEnd;
        }
        if (block >= after) return false;
        pc = after;
        break;
      }
      case OP_UNSHARE:
        trail.unsharable = true;
        pc += 1;
        break;
      default:
        return false;
    }
  }
  return true;
}

/** Binary search in `count` sorted pairs [lo, hi] that begin at index `start`. */
function inRanges(ranges: Uint32Array, start: number, count: number, word: number): boolean {
  let low = 0;
  let high = count - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const at = start + 2 * middle;
    if (word < ranges[at]!) high = middle - 1;
    else if (word > ranges[at + 1]!) low = middle + 1;
    else return true;
  }
  return false;
}
