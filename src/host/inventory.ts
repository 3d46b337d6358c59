import type { Family } from '../base/inet.ts';
import type { Device, InterfaceAddress } from './device.ts';
import type { InterfaceRecord } from './read-address.ts';
import type { Sysctls } from './sysctl.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The interfaces of a host by id, which counts from 1 in the order of address.json. */
export class Inventory {
  /** Index 0 is a placeholder: nothing is asked of "no interface". Grows with interfaces that only captures name. */
  readonly devices: Device[] = [];
  private readonly byName = new Map<string, number>();
  private readonly byIfindex = new Map<number, number>();
  private readonly sysctls: Sysctls;

  constructor(
    sysctls: Sysctls,
    records: readonly InterfaceRecord[],
    groups: ReadonlyMap<string, { groups4: Int32Array[]; groups6: Int32Array[] }> | undefined,
  ) {
    this.sysctls = sysctls;
    this.devices.push(this.blank('', 0));
    for (const record of records) {
      const joined = groups?.get(record.name);
      this.push({
        ...this.blank(record.name, this.devices.length),
        ifindex: record.ifindex,
        mac: record.mac,
        mtu: record.mtu,
        isLoopback: record.isLoopback,
        isUp: record.isUp,
        hasCarrier: record.hasCarrier,
        isMulticast: record.isMulticast,
        isNoarp: record.isNoarp,
        kind: record.kind,
        isHairpin: record.isHairpin,
        vlanId: record.vlanId,
        group: record.group,
        vrfTable: record.vrfTable,
        addresses4: record.addresses4,
        addresses6: record.addresses6,
        groups4: groups === undefined ? undefined : (joined?.groups4 ?? []),
        groups6: groups === undefined ? undefined : (joined?.groups6 ?? []),
      });
    }
    for (const record of records) {
      const device = this.devices[this.byName.get(record.name)!]! as Writable<Device>;
      if (record.masterName !== undefined) device.master = this.byName.get(record.masterName) ?? 0;
      device.link =
        (record.linkName === undefined ? undefined : this.byName.get(record.linkName)) ??
        (record.linkIfindex === undefined ? undefined : this.byIfindex.get(record.linkIfindex)) ??
        0;
    }
    for (const device of this.devices as Writable<Device>[])
      device.l3mdev =
        device.kind === 'vrf' ? device.id : this.devices[device.master]!.kind === 'vrf' ? device.master : 0;
    if (!this.devices.some((device) => device.isLoopback)) this.id('lo');
  }

  get loopbackId(): number {
    return this.devices.findIndex((device) => device.isLoopback);
  }

  find(name: string): number {
    return this.byName.get(name) ?? 0;
  }

  findIfindex(ifindex: number): number {
    return this.byIfindex.get(ifindex) ?? 0;
  }

  /** Id of the interface, made with nothing known about it when there is none of the name. */
  id(name: string): number {
    const known = this.byName.get(name);
    return known ?? this.push(this.blank(name, this.devices.length));
  }

  /** Gives an interface an address that something other than address.json told. */
  addAddress(id: number, family: Family, address: InterfaceAddress): void {
    const device = this.devices[id]! as Writable<Device>;
    if (family === 4) device.addresses4 = [...device.addresses4, address];
    else device.addresses6 = [...device.addresses6, address];
  }

  private push(device: Device): number {
    this.devices.push(device);
    this.byName.set(device.name, device.id);
    if (device.ifindex !== undefined) this.byIfindex.set(device.ifindex, device.id);
    return device.id;
  }

  private blank(name: string, id: number): Device {
    const isLoopback = name === 'lo';
    return {
      id,
      name,
      ifindex: undefined,
      mac: undefined,
      mtu: isLoopback ? 65536 : 1500,
      isLoopback,
      isUp: true,
      master: 0,
      kind: undefined,
      isHairpin: undefined,
      vlanId: undefined,
      link: 0,
      group: 0,
      addresses4: [],
      addresses6: [],
      groups4: undefined,
      groups6: undefined,
      hasCarrier: true,
      isMulticast: !isLoopback,
      isNoarp: false,
      l3mdev: 0,
      vrfTable: 0,
      conf4: this.sysctls.conf4(name === '' ? 'default' : name),
      conf6: this.sysctls.conf6(name === '' ? 'default' : name),
    };
  }
}
