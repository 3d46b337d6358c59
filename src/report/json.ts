import type { ReplayOutput } from '../workers/config.ts';
import { epochText, secondsText } from './format.ts';
import type { RulesetHits } from './hits.ts';
import { profileJson } from './profile-json.ts';
import { refusalRows } from './refusals.ts';
import { ruleRows } from './rules-table.ts';
import { endRows, timeSpan } from './summary.ts';
import { etherTypeText } from './text-summary.ts';

export const JSON_SCHEMA_NAME = 'iptables-replay/run';
/** Raised when a reader of the version before would misread it; new members alone do not. */
export const JSON_SCHEMA_VERSION = 1;

/**
 * `--format json`, described in json-schema.md. All that may differ between two runs over the same input (time
 * taken, threads, evaluator) is in `timing`.
 */
export function jsonReport(output: ReplayOutput, rulesets: readonly RulesetHits[], version: string): string {
  const { result, config } = output;
  const { totals } = result;
  const span = timeSpan(output);
  return stringify({
    schema: JSON_SCHEMA_NAME,
    version: JSON_SCHEMA_VERSION,
    program: version,
    interrupted: output.interrupted,
    options: {
      captures: config.captures,
      host: config.host ?? null,
      rules: config.rules ?? null,
      rules6: config.rules6 ?? null,
      ipset: config.ipset ?? null,
      conntrack: config.conntrack ?? null,
      clockSkews: [...(config.clockSkews ?? [])].map(([iface, skewNs]) => ({
        interface: iface,
        seconds: secondsText(skewNs),
      })),
      midstream: config.midstream,
      checksum: config.checksum,
      seed: config.seed,
      onUnsupported: config.onUnsupported,
    },
    sources: output.sources.map((source) => ({
      file: source.file,
      interface: source.ifaceName ?? null,
      direction: source.direction ?? null,
      linktype: source.linktype,
      snaplen: source.snaplen,
    })),
    totals: {
      packets: totals.packets,
      wireBytes: totals.wireBytes,
      first: span === undefined ? null : epochText(span.firstNs),
      last: span === undefined ? null : epochText(span.lastNs),
      timeWentBack: totals.timeWentBack,
      timeInvalid: totals.timeInvalid,
    },
    ends: endRows(output).map((row) => ({
      family: row.family === 0 ? null : row.family,
      hook: row.hook ?? null,
      outcome: row.outcome,
      reason: row.reason?.name ?? null,
      packets: row.packets,
      bytes: row.bytes,
    })),
    refusals: refusalRows(output).map((row) => ({
      family: row.family,
      table: row.table,
      chain: row.chain,
      number: row.number,
      rule: row.text,
      outcome: row.outcome,
      packets: row.packets,
      bytes: row.bytes,
    })),
    echoes: {
      packets: result.echoes.packets,
      agreed: result.echoes.agreed,
      disagreed: result.echoes.disagreed,
    },
    ports: {
      read: result.ports.read,
      drawn: result.ports.drawn,
      drawnByHelpers: result.ports.drawnByHelpers,
      connections: result.ports.connections,
    },
    dice: { read: result.dice.read, drawn: result.dice.drawn },
    notIp: result.notIp.map((row) => ({
      etherType: row.etherType,
      name: etherTypeText(row.etherType),
      packets: row.packets,
      bytes: row.bytes,
    })),
    conntrack: {
      families: result.conntrackFamilies,
      connections: result.connections.map((row) => ({
        family: row.family,
        protocol: row.l4proto,
        new: row.confirmed,
        atTheEnd: row.standing,
      })),
      states: result.states.map((row) => ({
        family: row.family,
        protocol: row.l4proto,
        state: row.state,
        packets: row.packets,
        bytes: row.bytes,
      })),
      invalid: result.invalid.map((row) => ({
        family: row.family,
        reason: row.reason,
        packets: row.packets,
      })),
      table: result.conntrackDump,
      expectations: result.expectationDump,
    },
    rulesets: rulesets.map(({ family, file }) => ({ family, file })),
    rules: ruleRows(rulesets),
    assumptions: result.assumptions,
    warnings: output.warnings,
    unsupported: output.unsupported,
    damage: output.damage.map((damage) => ({
      file: damage.file,
      byteOffset: damage.byteOffset,
      packetNumber: damage.packetNumber,
      message: damage.message,
    })),
    timing: {
      seconds: output.seconds,
      packetsPerSecond: output.seconds > 0 ? totals.packets / output.seconds : null,
      workers: config.workers,
      evaluator: config.evaluator,
      walked: result.profile.walked,
      recalled: result.profile.recalled,
      cached: result.profile.cached,
    },
    ...(output.profile === undefined ? {} : { profile: profileJson(output, output.profile) }),
  });
}

/**
 * JSON with two blanks of indentation, but one line for each member of a list. A BigInt is written with all its digits:
 * a counter has 64 bits, and a reader that knows only doubles rounds it.
 */
function stringify(report: Record<string, unknown>): string {
  const lines = Object.entries(report).map(
    ([name, value]) => `  ${JSON.stringify(name)}: ${member(value, '  ')}`,
  );
  return `{\n${lines.join(',\n')}\n}\n`;
}

function member(value: unknown, indent: string): string {
  if (typeof value !== 'object' || value === null) return flat(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[\n${value.map((item) => inner + flat(item)).join(',\n')}\n${indent}]`;
  }
  const lines = Object.entries(value).map(
    ([name, item]) => `${inner}${JSON.stringify(name)}: ${member(item, inner)}`,
  );
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

function flat(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(flat).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([name, item]) => `${JSON.stringify(name)}: ${flat(item)}`)
      .join(', ')}}`;
  }
  return JSON.stringify(value);
}
