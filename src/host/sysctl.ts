import { assert } from '../base/assert.ts';
import type { Family } from '../base/inet.ts';
import type { DeviceConf4, DeviceConf6 } from './device.ts';
import { DEFAULTS_CONF4, DEFAULTS_CONF6, SYSCTL_DEFAULTS } from './sysctl-defaults.ts';

const CONF = /^net\.ipv([46])\.conf\.(.+)\.([^.]+)$/;

/** How the kernel joins the value for `all` with the interface's own: IN_DEV_* of include/linux/inetdevice.h. */
const MAX_WITH_ALL = new Set(['rp_filter', 'arp_announce', 'arp_ignore', 'arp_notify']);
const AND_WITH_ALL = new Set(['mc_forwarding', 'bc_forwarding', 'accept_source_route', 'bootp_relay']);
const OR_WITH_ALL = new Set([
  'accept_local',
  'route_localnet',
  'src_valid_mark',
  'log_martians',
  'send_redirects',
  'secure_redirects',
  'shared_media',
  'proxy_arp',
  'arp_filter',
  'promote_secondaries',
  'ignore_routes_with_linkdown',
]);

/** The sysctls of a host: what sysctl.txt says, else the kernel's defaults. */
export class Sysctls {
  private readonly values = new Map<string, string>();

  /**
   * `text` is what `sysctl -a` prints: `name = value` lines, several values parted by tabs. procps writes the dots of
   * an interface's name as slashes (`conf.eth0/100.rp_filter`). Lines of another form (messages of sysctl about keys
   * that it may not read) are passed over.
   */
  constructor(text: string) {
    for (const line of text.split('\n')) {
      const equals = line.indexOf('=');
      if (equals < 0) continue;
      const key = line.slice(0, equals).trim();
      if (!/^[a-z0-9_]+[./]\S+$/.test(key)) continue;
      this.values.set(normalize(key), line.slice(equals + 1).trim());
    }
  }

  /** Whether nothing was said. */
  get isEmpty(): boolean {
    return this.values.size === 0;
  }

  /** The value as written, undefined when sysctl.txt does not have it. */
  text(name: string): string | undefined {
    return this.values.get(normalize(name));
  }

  /** The first number of the value, or the kernel's default. */
  number(name: string): number {
    const key = normalize(name);
    const written = this.written(key);
    if (written !== undefined) return written;
    const conf = CONF.exec(key);
    if (conf !== null) return this.confDefault(conf[1] === '4' ? 4 : 6, conf[2]!, conf[3]!);
    if (key === 'net.ipv4.ip_forward') {
      const all = this.written('net.ipv4.conf.all.forwarding');
      if (all !== undefined) return all;
    }
    const value = SYSCTL_DEFAULTS[key];
    assert(value !== undefined, `no default is known for the sysctl ${key}`);
    return value;
  }

  /** The interface's own value combined with that for `all` as the kernel does when it uses it. */
  ofInterface(family: Family, name: string, interfaceName: string): number {
    const prefix = `net.ipv${family}.conf`;
    const own = this.number(`${prefix}.${interfaceName}.${name}`);
    if (family === 6) return own;
    if (MAX_WITH_ALL.has(name)) return Math.max(own, this.number(`${prefix}.all.${name}`));
    if (OR_WITH_ALL.has(name)) return own !== 0 || this.number(`${prefix}.all.${name}`) !== 0 ? 1 : 0;
    if (AND_WITH_ALL.has(name)) return own !== 0 && this.number(`${prefix}.all.${name}`) !== 0 ? 1 : 0;
    return own;
  }

  conf4(interfaceName: string): DeviceConf4 {
    const get = (name: string) => this.ofInterface(4, name, interfaceName);
    return {
      forwarding: get('forwarding') !== 0,
      rpFilter: get('rp_filter'),
      acceptLocal: get('accept_local') !== 0,
      routeLocalnet: get('route_localnet') !== 0,
      srcValidMark: get('src_valid_mark') !== 0,
      bcForwarding: get('bc_forwarding') !== 0,
      sendRedirects: get('send_redirects') !== 0,
      ignoreLinkdown: get('ignore_routes_with_linkdown') !== 0,
      mcForwarding: get('mc_forwarding') !== 0,
    };
  }

  conf6(interfaceName: string): DeviceConf6 {
    const get = (name: string) => this.ofInterface(6, name, interfaceName);
    return {
      forwarding: get('forwarding') !== 0,
      forceForwarding: get('force_forwarding') !== 0,
      ignoreLinkdown: get('ignore_routes_with_linkdown') !== 0,
      useTempaddr: get('use_tempaddr'),
      useOptimistic: get('use_optimistic') !== 0 || this.number('net.ipv6.conf.all.use_optimistic') !== 0,
      useOifAddrsOnly: get('use_oif_addrs_only') !== 0,
      disabled: get('disable_ipv6') !== 0,
    };
  }

  private written(key: string): number | undefined {
    const text = this.values.get(key);
    if (text === undefined) return undefined;
    const value = Number.parseInt(text, 10);
    return Number.isNaN(value) ? undefined : value;
  }

  /** Of an interface that sysctl.txt does not list: what a new interface gets, which is the value for `default`. */
  private confDefault(family: Family, interfaceName: string, name: string): number {
    const prefix = `net.ipv${family}.conf`;
    if (interfaceName !== 'all' && interfaceName !== 'default') {
      const fallback = this.written(`${prefix}.default.${name}`);
      if (fallback !== undefined) return fallback;
    }
    if (family === 4 && name === 'forwarding') {
      // Writing ip_forward writes all of them: inet_forward_change().
      const forward = this.written('net.ipv4.ip_forward');
      if (forward !== undefined) return forward;
    }
    if (name === 'forwarding' && interfaceName !== 'all') {
      const all = this.written(`${prefix}.all.forwarding`);
      if (all !== undefined) return all;
    }
    const value = (family === 4 ? DEFAULTS_CONF4 : DEFAULTS_CONF6)[name];
    assert(value !== undefined, `no default is known for the sysctl ${prefix}.*.${name}`);
    return value;
  }
}

/**
 * One form for each key: dots between the parts, and the interface's name as it is. Both `conf.eth0/100.rp_filter`
 * (procps, busybox) and `net/ipv4/conf/eth0.100/rp_filter` (a path) become `conf.eth0.100.rp_filter`.
 */
function normalize(key: string): string {
  return key.replaceAll('/', '.');
}
