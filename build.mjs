/**
 * Builds the programs in dist/: each is a few files, of what is loaded together, and what is loaded only when it is needed
 * beside them. That is not for the looks: Node takes 0.2 s less to start than with 460 modules, and a replay takes three
 * quarters of the time, since constants of the same file are constants to the compiler, while those of another module are
 * looked up; those that are exported are written where they are used.
 */
import { rolldown } from 'rolldown';

/** What all need. */
const BASE = ['base/errors', 'capture/(argument|damage|directory)', 'netfilter/outcome', 'workers/share-count'];
/** What answers `--help`, and starts the threads of a run before it loads the rest. */
const COMMAND = [
  'cli/(clock|errors|options|outputs|program|run|signals|streams|values|version)',
  'report/(output-file|verdict-names)',
];
/** The loops that packets go through, and what they call. */
const ENGINE = [
  '(netfilter|conntrack|compile|evaluate|nat|defrag|direction|decode|batch|packet|profile)/.*',
  '(capture|extension|host|ipset|matches|ruleset|targets)/.*',
  'workers/(engine-run|fill|inline|load-config|pipeline|ring-decoding|share-(board|loop|task)|survey)',
];
/** What prints a run as text. */
const REPORT = ['cli/reports', 'report/(format|hits|list|profile-rows|rule-forms|save|summary|text|text-summary)'];

const group = (name, files, priority) => ({
  name,
  test: new RegExp(`/src/(${files.join('|')})\\.ts$`),
  priority,
});

const bundle = await rolldown({
  input: { main: 'src/main.ts', index: 'src/index.ts', worker: 'src/workers/worker.ts' },
  platform: 'node',
  external: ['arquero', 'commander', 'fzstd', 'piscina'],
  optimization: { inlineConst: true },
});
await bundle.write({
  dir: 'dist',
  format: 'esm',
  sourcemap: true,
  cleanDir: true,
  codeSplitting: { groups: [group('base', BASE, 3), group('command', COMMAND, 3), group('engine', ENGINE, 2), group('report', REPORT, 1)] },
});
