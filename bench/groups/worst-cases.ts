import type { Reference, Row } from '../replay/row.ts';
import { checkSoundness } from '../replay/soundness.ts';
import type { Capture } from '../scene/captures.ts';
import {
  NORMAL,
  PER_PACKET_PROFILES,
  type Profile,
  RULESET_PROFILES,
  STRING,
  TRAFFIC_PROFILES,
} from '../scene/profiles.ts';
import { type GroupPlan, workersText } from './bench.ts';

/** Profiles beside the ordinary one. */
function worstCases(name: string, title: string, profiles: readonly Profile[]): GroupPlan {
  return {
    name,
    profiles: [NORMAL, ...profiles],
    make: async (bench, isWanted) => {
      const notes: string[] = [];
      const rows: Row[] = [];
      const sound = new Set<Capture>();
      const reference: Reference = { row: NORMAL.name, basis: 'after start' };
      let workers = 0;
      for (const profile of [NORMAL, ...profiles.filter(isWanted)]) {
        const capture = bench.capture(profile);
        if (!sound.has(capture)) {
          const soundness = await checkSoundness(bench.scene, profile, capture);
          if (profile === NORMAL) workers = soundness.workers;
          else notes.push(soundness.text);
        }
        sound.add(capture);
        rows.push(
          bench.ours({ name: profile.name, label: profile.what, reference, capture, profile, workers }),
        );
      }
      return { name, title: `${title} (${workersText(workers)}; x normal, without start)`, rows, notes };
    },
  };
}

export const rulesets = worstCases('rulesets', 'Worst cases of rulesets', RULESET_PROFILES);
export const perPacket = worstCases('per-packet', 'Rules that must see each packet', PER_PACKET_PROFILES);
export const traffic = worstCases('traffic', 'Worst cases of traffic', TRAFFIC_PROFILES);

/** Work that is all in the payload, so that workers should help. */
export const string: GroupPlan = {
  name: 'string',
  profiles: [STRING],
  make: async (bench) => {
    const capture = bench.capture(STRING);
    const { text } = await checkSoundness(bench.scene, STRING, capture);
    const rows = bench.oursByWorkers(STRING, capture, { row: 'workers-1', basis: 'after start' });
    const title = `A ${STRING.what} (x 1 worker, without start)`;
    return { name: 'string', title, rows, notes: [text] };
  },
};
