import { expect, test } from 'vitest';
import { loadHost } from '../../src/host/load.ts';
import { makeRouteResult } from '../../src/host/result.ts';
import { ROUTE_LOCAL, ROUTE_UNICAST } from '../../src/host/types.ts';
import { withHostFolder } from './kernel-network.ts';

test('a big routing table is searched in about a microsecond at most', () => {
  const routes: object[] = [{ dst: 'default', gateway: '10.0.0.254', dev: 'eth0', flags: [] }];
  for (let i = 0; i < 20000; i++)
    routes.push({
      dst: `${11 + (i % 150)}.${(i >> 4) & 255}.${(i * 7) & 255}.0/${20 + (i % 5)}`,
      dev: 'eth1',
      flags: [],
    });
  const host = withHostFolder(
    {
      'address.json': JSON.stringify([
        { ifname: 'lo', flags: ['LOOPBACK', 'UP'] },
        { ifname: 'eth0', addr_info: [{ family: 'inet', local: '10.0.0.1', prefixlen: 24 }] },
        { ifname: 'eth1' },
      ]),
      'route.json': JSON.stringify([
        ...routes,
        {
          type: 'local',
          dst: '10.0.0.1',
          dev: 'eth0',
          table: 'local',
          protocol: 'kernel',
          scope: 'host',
          flags: [],
        },
      ]),
      'sysctl.txt': 'net.ipv4.ip_forward=1',
    },
    (dir) => loadHost(dir),
  );
  const words = new Int32Array(8);
  const out = makeRouteResult();
  words[0] = 0x0a000009;
  const eth0 = host.findInterface('eth0');
  const count = 300_000;
  let forwarded = 0;
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    words[4] = Math.imul(i, 0x9e3779b1);
    host.routeInput(4, words, 0, 4, 0, 0, eth0, 6, 1, 2, out);
    if (out.kind === ROUTE_UNICAST || out.kind === ROUTE_LOCAL) forwarded++;
  }
  const nanoseconds = ((performance.now() - start) * 1e6) / count;
  if (process.env.SPEED === '1') console.log(`${nanoseconds.toFixed(0)} ns a decision`);
  expect(forwarded).toBeGreaterThan(count / 2);
  expect(nanoseconds).toBeLessThan(20_000);
});
