/** The parts of the report of `iptables-replay run --format json` that tell whether a capture makes sense. */
interface Report {
  readonly totals: { readonly packets: number };
  readonly ends: readonly { readonly outcome: string; readonly packets: number }[];
  readonly conntrack: {
    readonly connections: readonly { readonly new: number }[];
    readonly states: readonly { readonly state: string; readonly packets: number }[];
  };
  readonly rules: readonly { readonly packets: number }[];
}

export interface Soundness {
  readonly packets: number;
  /** Packets by what became of them. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Packets by conntrack state. */
  readonly states: Readonly<Record<string, number>>;
  readonly connections: number;
}

/** Reads the figures out of the JSON report. */
export function soundnessOf(json: string): Soundness {
  const report = JSON.parse(json) as Report;
  return {
    packets: report.totals.packets,
    outcomes: sums(report.ends.map(({ outcome, packets }) => [outcome, packets])),
    states: sums(report.conntrack.states.map(({ state, packets }) => [state, packets])),
    connections: report.conntrack.connections.reduce((sum, row) => sum + row.new, 0),
  };
}

function sums(rows: readonly (readonly [string, number])[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const [name, packets] of rows) all[name] = (all[name] ?? 0) + packets;
  return all;
}

/** As one sentence a line. */
export function describeSoundness(soundness: Soundness, conversations: number): string {
  const { packets, outcomes, states, connections } = soundness;
  const share = (row: Readonly<Record<string, number>>) =>
    Object.entries(row)
      .map(([name, count]) => `${name} ${((100 * count) / packets).toFixed(3)} %`)
      .join(', ');
  return [
    `${packets.toLocaleString('en')} packets: ${share(outcomes)}`,
    `conntrack: ${share(states)}; INVALID ${states.INVALID ?? 0} packets`,
    `${connections.toLocaleString('en')} connections tracked, ${conversations.toLocaleString('en')} conversations generated`,
  ].join('\n');
}
