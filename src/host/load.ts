import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../base/errors.ts';
import type { Family } from '../base/inet.ts';
import { deriveRoutes4, deriveRoutes6 } from './derive-routes.ts';
import { TableNames } from './fields.ts';
import {
  COMMAND_OF_FILE,
  checkHostFolder,
  HOST_FILES,
  type HostFileName,
  type JsonFile,
  openJson,
  readHostText,
} from './host-file.ts';
import { Inventory } from './inventory.ts';
import { KernelHost } from './kernel-host.ts';
import { MinimalHost } from './minimal-host.ts';
import { readAddressJson, readMaddrJson } from './read-address.ts';
import { readNeighJson } from './read-neigh.ts';
import { type RouteReader, readRouteJson } from './read-route.ts';
import { readRuleJson } from './read-rule.ts';
import { type Route, RTN_LOCAL, SCOPE_HOST, SCOPE_UNIVERSE, TABLE_LOCAL } from './route.ts';
import { defaultRules, type PolicyRule } from './rule.ts';
import { Sysctls } from './sysctl.ts';
import type { Host } from './types.ts';

export interface LoadHostOptions {
  /** Names of the interfaces that captures were taken on, in the order of the command line. */
  readonly captureInterfaces?: readonly string[];
}

/** Path of a file of HOST, undefined when it is not there. */
export function hostFilePath(dir: string | undefined, name: HostFileName): string | undefined {
  if (dir === undefined) return undefined;
  const path = join(dir, HOST_FILES[name]);
  return existsSync(path) ? path : undefined;
}

/**
 * Reads HOST: address.json, route.json, route6.json, rule.json, rule6.json, maddr.json and sysctl.txt of the folder. Each may
 * be absent or empty; `assumptions` then says what was taken instead. Without addresses and routes the host is a
 * MinimalHost, whatever else the folder has.
 */
export function loadHost(dir: string | undefined, options: LoadHostOptions = {}): Host {
  const captureInterfaces = options.captureInterfaces ?? [];
  const assumptions = new Set<string>();
  const assume = (sentence: string) => void assumptions.add(sentence);
  if (dir === undefined) return minimalHost(captureInterfaces, ROUTER_SYSCTLS, assumptions);

  checkHostFolder(dir);
  const tables = new TableNames();
  const sysctlFile = readHostText(dir, 'sysctl');
  const files: Partial<Record<HostFileName, JsonFile | undefined>> = {};
  for (const name of ['address', 'route', 'route6', 'rule', 'rule6', 'neigh', 'maddr'] as const)
    files[name] = openJson(dir, name);
  const neighbours = files.neigh === undefined ? [] : readNeighJson(files.neigh);
  if (sysctlFile !== undefined && new Sysctls(sysctlFile.text).isEmpty)
    throw new UserError(`${sysctlFile.path}: no line in it says "name = value"`, {
      hint: `it is to be what \`${COMMAND_OF_FILE.sysctl}\` prints`,
    });
  if (files.address === undefined && files.route === undefined && files.route6 === undefined)
    return minimalHost(captureInterfaces, sysctlFile?.text ?? ROUTER_SYSCTLS, assumptions);

  if (sysctlFile === undefined)
    assume(
      "sysctl.txt is absent: the kernel's defaults are taken; with them nothing is forwarded (ip_forward is 0).",
    );
  const sysctls = new Sysctls(sysctlFile?.text ?? '');
  const records = files.address === undefined ? [] : readAddressJson(files.address, tables, assume);
  const groups = files.maddr === undefined ? undefined : readMaddrJson(files.maddr);
  const inventory = new Inventory(sysctls, records, groups);
  const reader: RouteReader = { tables, assume, interfaceId: (name) => inventory.id(name) };

  const written4 = files.route === undefined ? undefined : readRouteJson(files.route, 4, reader);
  let written6 = files.route6 === undefined ? undefined : readRouteJson(files.route6, 6, reader);
  // `ip -j route show table all` without -4 shows both families.
  if (written6 === undefined && files.route !== undefined) {
    const both = readRouteJson(files.route, 6, reader);
    if (both.length > 0) written6 = both;
  }
  if (files.address === undefined) {
    assume('address.json is absent: the addresses of the host are those of its routes of type local.');
    addressesFromRoutes(inventory, [...(written4 ?? []), ...(written6 ?? [])]);
  }
  if (written4 === undefined)
    assume(
      'route.json is absent: the IPv4 routes are those to the networks of address.json; there is no default route.',
    );
  if (written6 === undefined)
    assume(
      'route6.json is absent: the IPv6 routes are those to the networks of address.json; there is no default route.',
    );
  const routes4 = written4 ?? deriveRoutes4(inventory.devices);
  const routes6 = written6 ?? deriveRoutes6(inventory.devices);
  const rules4 = readRules(files.rule, 4, reader, assume);
  const rules6 = readRules(files.rule6, 6, reader, assume);

  for (const name of captureInterfaces) {
    if (inventory.find(name) === 0 && files.address !== undefined)
      assume(
        `The interface ${name} of a capture is not in address.json: it has no addresses and the default sysctls.`,
      );
    inventory.id(name);
  }
  return new KernelHost(inventory, sysctls, { routes4, routes6, rules4, rules6 }, assumptions, neighbours);
}

/** A host of which nothing is known is taken to forward: else captures of a router would end at its first hook. */
const ROUTER_SYSCTLS = 'net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\n';

function minimalHost(names: readonly string[], sysctlText: string, assumptions: Set<string>): Host {
  const sysctls = new Sysctls(sysctlText);
  const inventory = new Inventory(sysctls, [], undefined);
  for (const name of names) inventory.id(name);
  return new MinimalHost(inventory, sysctls, assumptions);
}

function readRules(
  file: JsonFile | undefined,
  family: Family,
  reader: RouteReader,
  assume: (sentence: string) => void,
): readonly PolicyRule[] {
  if (file !== undefined) return readRuleJson(file, family, reader);
  assume(
    `${family === 4 ? 'rule.json' : 'rule6.json'} is absent: the policy rules are the default ones (${family === 4 ? 'local, main, default' : 'local, main'}).`,
  );
  return defaultRules(family);
}

function addressesFromRoutes(inventory: Inventory, routes: readonly Route[]): void {
  for (const route of routes) {
    const isIpv4 = route.nexthops[0]!.gatewayFamily !== 6 && route.prefixLength === 32;
    if (route.type !== RTN_LOCAL || route.table !== TABLE_LOCAL || route.nexthops[0]!.oif === 0) continue;
    if (!isIpv4 && route.prefixLength !== 128) continue;
    inventory.addAddress(route.nexthops[0]!.oif, route.prefixLength === 128 ? 6 : 4, {
      address: route.prefix,
      peer: route.prefix,
      prefixLength: route.prefixLength,
      broadcast: undefined,
      scope: route.prefix[0]! >>> 24 === 127 ? SCOPE_HOST : SCOPE_UNIVERSE,
      isSecondary: false,
      isDeprecated: false,
      isTentative: false,
      isOptimistic: false,
      isDadFailed: false,
      isTemporary: false,
      isHome: false,
      noPrefixRoute: false,
      metric: 0,
    });
  }
}
