import { join } from 'node:path';
import { type Command, fedBy, measure } from '../base/measure.ts';
import { MAIN } from '../base/programs.ts';
import type { Row } from '../replay/row.ts';
import type { Report } from '../replay/soundness.ts';
import { NORMAL, STREAM } from '../scene/profiles.ts';
import { type GroupPlan, SHAPE_PROFILES, withRules, workersText } from './bench.ts';

/** More packets than one wants to keep, through a pipe: does memory grow? */
export const stream: GroupPlan = {
  name: 'stream',
  profiles: [],
  make: async ({ scene, options }) => {
    const { packets } = scene.captureSpec(STREAM);
    const feeder = scene.generator(STREAM);
    let pipes = 0;
    const rows = options.workers.map((workers): Row => {
      const replay = scene.replay(STREAM, ['-'], '--workers', `${workers}`, '--format', 'json');
      const run = async () => {
        const pipe = join(scene.options.dir, `pipe-${++pipes}`);
        const { stdout, ...cost } = await measure(fedBy(feeder, pipe, replay), { stdout: true });
        const { totals } = JSON.parse(stdout) as Report;
        if (totals.packets !== packets)
          throw new Error(`${totals.packets} of ${packets} packets came through`);
        return { ...cost, packets, startSeconds: 0 };
      };
      return { name: `workers-${workers}`, label: workersText(workers), run };
    });
    const title = `${packets.toLocaleString('en')} packets through a pipe, no faster than the generator makes them (it needs a processor, too)`;
    return { name: 'stream', title, rows, mostRounds: 1, notes: ['one round: look at the memory'] };
  },
};

/** A process that is measured as a whole. */
export function processRow(name: string, label: string, packets: number, command: Command): Row {
  const run = async () => {
    const { stdout: _, ...cost } = await measure(command);
    return { ...cost, packets, startSeconds: 0 };
  };
  return { name, label, run };
}

const MANY_RULES = 100_000;

/** How long until there is an answer. */
export const start: GroupPlan = {
  name: 'start',
  profiles: [],
  make: async ({ scene }) => {
    const few = scene.captures.get({ ...scene.captureSpec(NORMAL), packets: 10 });
    const rows = [
      processRow('help', '--help', 0, [process.execPath, MAIN, '--help']),
      processRow('ten-packets', '10 packets, 1,000 rules', 10, scene.replay(NORMAL, few.files)),
    ];
    for (const shape of SHAPE_PROFILES) {
      const label = `no packets, ${MANY_RULES.toLocaleString('en')} rules: ${shape.what}`;
      const command = scene.replay(withRules(shape, MANY_RULES), few.emptyFiles);
      rows.push(processRow(shape.name, label, 0, command));
    }
    return { name: 'start', title: 'Start', rows, notes: [] };
  },
};
