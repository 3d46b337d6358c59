import { readFileSync } from 'node:fs';
import { UserError } from '../base/errors.ts';
import { fileReason } from '../base/file-errors.ts';
import type { Family } from '../base/inet.ts';
import { parseCaptureArgument } from '../capture/argument.ts';
import { hostFilePath } from '../host/load.ts';
import type { MachineConfig, RulesetText } from '../netfilter/machine.ts';
import type { ReplayConfig } from './config.ts';

/** Reads the files that a configuration names, so that every thread is given the same texts. */
export function loadMachineConfig(config: ReplayConfig): MachineConfig {
  const rulesets: RulesetText[] = [];
  for (const family of [4, 6] as const) {
    const given = family === 4 ? config.rules : config.rules6;
    const file = given ?? hostFilePath(config.host, family === 4 ? 'iptablesSave' : 'ip6tablesSave');
    if (file !== undefined) rulesets.push(readRuleset(file, family));
  }
  const conntrackFile = config.conntrack ?? hostFilePath(config.host, 'conntrack');
  const ipsetFile = config.ipset ?? hostFilePath(config.host, 'ipsetSave');
  const timeoutFile = hostFilePath(config.host, 'timeout');
  const captures = config.captures.map((text) => parseCaptureArgument(text));
  const captureInterfaces = captures.map(({ ifaceName }) => ifaceName).filter((name) => name !== undefined);
  return {
    host: config.host,
    captureInterfaces: [...new Set(captureInterfaces)],
    rulesets,
    conntrack:
      conntrackFile === undefined
        ? undefined
        : { file: conntrackFile, text: readText(conntrackFile, 'connections') },
    timeoutPolicies:
      timeoutFile === undefined
        ? undefined
        : { file: timeoutFile, text: readText(timeoutFile, 'timeout policies') },
    ipset: ipsetFile === undefined ? undefined : { file: ipsetFile, text: readText(ipsetFile, 'sets') },
    midstream: config.midstream,
    checksum: config.checksum,
    seed: config.seed,
    onUnsupported: config.onUnsupported,
    evaluator: config.evaluator,
    kernels: config.kernels,
    perPacket: config.perPacket,
    conntrackDump: config.conntrackDump === true,
    mayHoldEchoes: captures.some(({ direction }) => direction === undefined),
  };
}

function readRuleset(file: string, family: Family): RulesetText {
  return { family, file, text: readText(file, 'rules') };
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`${file}: the ${what} cannot be read: ${fileReason(error)}`, {
      hint: 'give the path of a readable file',
    });
  }
}
