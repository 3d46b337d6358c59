/**
 * Builds kernels.wasm in the folders named (by default dist) from the AssemblyScript here. The modules `./layout` and
 * `./records` that it imports are made here: all numbers that src/ exports about batches, link types and protocols, and
 * about connections; and AT_*, the offset of each column in a batch of BATCH_CAPACITY packets.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import binaryen from 'binaryen';
import { rolldown } from 'rolldown';

const here = fileURLToPath(new URL('.', import.meta.url));
const targets =
  process.argv.length > 2 ? process.argv.slice(2) : [fileURLToPath(new URL('../dist', import.meta.url))];

const layout = await load('batch/layout.ts');
const packets = await Promise.all(
  [
    'batch/layout.ts',
    'capture/linktype.ts',
    'decode/ether-types.ts',
    'decode/protocols.ts',
    'direction/director.ts',
  ].map(load),
);
const records = await Promise.all(
  [
    'base/combos.ts',
    'compile/chain-index.ts',
    'compile/condition-layout.ts',
    'compile/dependence.ts',
    'compile/partition.ts',
    'conntrack/expire.ts',
    'conntrack/layout.ts',
    'conntrack/tcp-options.ts',
    'conntrack/tcp-states.ts',
    'conntrack/tcp-window.ts',
    'conntrack/timeouts.ts',
    'conntrack/udp.ts',
    'netfilter/memo-layout.ts',
    'netfilter/quick-context.ts',
    'netfilter/quick-numbers.ts',
    'netfilter/statistics.ts',
    'packet/conntrack-access.ts',
    'packet/registers.ts',
  ].map(load),
);

/** Functions that stay apart: what the others of a file have in their place. */
const APART = [
  'decode/decodeUnusual',
  'decode/ownerOfUnusual',
  'quick-way/takeEveryday',
  'known/takeKnown',
  'begin/begin',
  'memo/findWalk',
  'translate/translate',
  'conditions/conditionsOf',
];

/** 4 GiB: whatever memory it is given. */
const MOST_PAGES = 65536;

const constantsOf = (sources) =>
  Object.entries(Object.assign({}, ...sources))
    .filter(([, value]) => Number.isInteger(value))
    .map(([name, value]) => `export const ${name}: ${typeOf(value)} = ${value};`);
const typeOf = (value) => (value < 0 ? 'i32' : value > 0xffffffff ? 'f64' : 'u32');
const offsets = Object.entries(layout.columnOffsets(layout.BATCH_CAPACITY)).map(
  ([name, offset]) =>
    `export const AT_${name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}: usize = ${offset};`,
);
const modules = new Map([
  ['layout.ts', [...constantsOf(packets), ...offsets].join('\n')],
  ['records.ts', constantsOf(records).join('\n')],
]);

// With names, and nothing in its place yet: `optimized` does that.
const options = ['index.ts', '--outFile', 'kernels.wasm', '--debug', '--runtime', 'stub', '--noAssert'];
// Imported and shared; nothing of it belongs to the module, which has no data of its own.
options.push('--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', `${MOST_PAGES}`);
options.push('--enable', 'simd', '--enable', 'threads', '--disable', 'bulk-memory');

let compiled;
const { error, stderr } = await asc.main(options, {
  readFile: (name, folder) => modules.get(name) ?? read(join(here, folder, name)),
  writeFile: (_name, contents) => {
    compiled = contents;
  },
  listFiles: () => [],
});
if (error !== null) {
  process.stderr.write(`${stderr}`);
  throw error;
}
const kernels = optimized(compiled);
for (const target of targets) writeFileSync(join(target, 'kernels.wasm'), kernels);

/**
 * The same with functions in the place of their calls: five calls a packet cost a quarter of the time. Not so those that few
 * packets come to: with all of them in one, V8 made 140 KB of code of it that kept everything in memory instead of registers.
 */
function optimized(wasm) {
  const module = binaryen.readBinary(wasm);
  const { Features } = binaryen;
  module.setFeatures(Features.SIMD128 | Features.Atomics | Features.MutableGlobals);
  for (const name of APART) {
    binaryen.setPassArgument('no-inline', name);
    module.runPasses(['no-inline']);
  }
  binaryen.setOptimizeLevel(4);
  binaryen.setShrinkLevel(0);
  binaryen.setAlwaysInlineMaxSize(100_000);
  binaryen.setAllowInliningFunctionsWithLoops(true);
  // What comes into the place of a call can be simplified, and come into the place of another.
  module.optimize();
  module.optimize();
  module.runPasses(['strip-debug']);
  if (!module.validate()) throw new Error('the optimised kernels are not valid');
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** A module of src/, which Node 20 cannot read as it is. */
async function load(path) {
  const input = fileURLToPath(new URL(`../src/${path}`, import.meta.url));
  const bundle = await rolldown({ input, platform: 'node' });
  const { output } = await bundle.generate({ format: 'esm' });
  return import(`data:text/javascript,${encodeURIComponent(output[0].code)}`);
}
