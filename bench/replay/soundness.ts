import { measure } from '../base/measure.ts';
import type { Capture } from '../scene/captures.ts';
import type { Profile } from '../scene/profiles.ts';
import type { Scene } from '../scene/scene.ts';

/** The parts of the report of `iptables-replay run --format json` that tell whether a capture makes sense. */
export interface Report {
  readonly totals: { readonly packets: number };
  readonly ends: readonly { readonly outcome: string; readonly packets: number }[];
  readonly conntrack: {
    readonly connections: readonly { readonly new: number }[];
    readonly states: readonly { readonly state: string; readonly packets: number }[];
  };
  readonly timing: { readonly workers: number };
}

/**
 * Share of packets that may be INVALID: in a long capture a seldom drawn ping is answered later than conntrack
 * remembers it (nf_conntrack_icmp_timeout, 30 s).
 */
const MOST_INVALID = 1e-4;

export interface Soundness {
  /** One line: what became of the packets, and how connection tracking calls them. */
  readonly text: string;
  /** Worker threads that the program chose by itself. */
  readonly workers: number;
}

/**
 * Replays a capture and looks whether all of it is there and conntrack finds it sound.
 * @throws Error when it is not.
 */
export async function checkSoundness(scene: Scene, profile: Profile, capture: Capture): Promise<Soundness> {
  scene.options.progress(`looking whether ${profile.name} is sound`);
  const { stdout } = await measure(scene.replay(profile, capture.files, '--format', 'json'), {
    stdout: true,
  });
  const report = JSON.parse(stdout) as Report;
  const { packets } = report.totals;
  const states = sums(report.conntrack.states.map(({ state, packets }) => [state, packets]));
  const outcomes = sums(report.ends.map(({ outcome, packets }) => [outcome, packets]));
  const tracked = report.conntrack.connections.reduce((sum, row) => sum + row.new, 0);
  const invalid = states.INVALID ?? 0;
  const text =
    `${profile.name}: ${packets.toLocaleString('en')} packets, ${capture.bytes.toLocaleString('en')} bytes; ` +
    `${shares(outcomes, packets)}; ${shares(states, packets)}; INVALID ${invalid} packets; ` +
    `connections: ${tracked.toLocaleString('en')} tracked of ${capture.conversations.toLocaleString('en')}`;
  if (packets !== capture.spec.packets || invalid > MOST_INVALID * packets) {
    throw new Error(`the generated capture is not sound: ${text}`);
  }
  return { text, workers: report.timing.workers };
}

function sums(rows: readonly (readonly [string, number])[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const [name, packets] of rows) all[name] = (all[name] ?? 0) + packets;
  return all;
}

function shares(row: Readonly<Record<string, number>>, packets: number): string {
  return Object.entries(row)
    .map(([name, count]) => `${name} ${((100 * count) / packets).toFixed(3)} %`)
    .join(', ');
}
