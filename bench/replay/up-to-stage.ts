/**
 * The pipeline up to one of its stages, and no further: `up-to-stage read|decode|verify FILE`. Prints how many packets there were.
 *
 *   read     records into batches
 *   decode   and their headers into columns
 *   verify   and their checksums verified
 */
import process from 'node:process';
import { allocateBatch } from '../../src/batch/batch.ts';
import { openCaptures } from '../../src/capture/open.ts';
import { decodeBatch } from '../../src/decode/decode.ts';

const STAGES = ['read', 'decode', 'verify'] as const;

const [stage, file] = process.argv.slice(2);
if (!STAGES.some((name) => name === stage) || file === undefined) {
  throw new Error(`usage: up-to-stage ${STAGES.join('|')} FILE`);
}
const reader = await openCaptures([`eth0:in=${file}`]);
const batch = allocateBatch();
let packets = 0;
for (;;) {
  const filled = reader.fill(batch);
  const count = typeof filled === 'number' ? filled : await filled;
  if (count === 0) break;
  packets += count;
  if (stage !== 'read') decodeBatch(batch, { checksum: stage === 'verify' ? 'verify' : 'trust' });
}
reader.close();
process.stdout.write(`${packets}\n`);
