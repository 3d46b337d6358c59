import type { Interface } from './types.ts';

/** One address of an interface: struct in_ifaddr, struct inet6_ifaddr. Lists keep the kernel's order. */
export interface InterfaceAddress {
  /** Four words, IPv4 in the first. */
  readonly address: Int32Array;
  /** The other end of a point-to-point link (IFA_ADDRESS), else the address itself. */
  readonly peer: Int32Array;
  readonly prefixLength: number;
  readonly broadcast: number | undefined;
  /** SCOPE_* of route.ts. */
  readonly scope: number;
  readonly isSecondary: boolean;
  readonly isDeprecated: boolean;
  readonly isTentative: boolean;
  readonly isOptimistic: boolean;
  readonly isDadFailed: boolean;
  readonly isTemporary: boolean;
  readonly isHome: boolean;
  /** The kernel added no route for its prefix. */
  readonly noPrefixRoute: boolean;
  readonly metric: number;
}

/** What the kernel's struct in_device and inet6_dev hold of an interface, with `all` already combined in. */
export interface DeviceConf4 {
  readonly forwarding: boolean;
  /** 0 no, 1 strict, 2 loose. */
  readonly rpFilter: number;
  readonly acceptLocal: boolean;
  readonly routeLocalnet: boolean;
  readonly srcValidMark: boolean;
  readonly bcForwarding: boolean;
  readonly sendRedirects: boolean;
  readonly ignoreLinkdown: boolean;
  readonly mcForwarding: boolean;
}

export interface DeviceConf6 {
  readonly forwarding: boolean;
  readonly ignoreLinkdown: boolean;
  readonly useTempaddr: number;
  readonly useOptimistic: boolean;
  readonly useOifAddrsOnly: boolean;
  readonly disabled: boolean;
  /** `force_forwarding` (Linux 6.17): forward from here even where `all` does not. */
  readonly forceForwarding: boolean;
}

/** An interface with everything that routing asks of it. */
export interface Device extends Interface {
  readonly addresses4: readonly InterfaceAddress[];
  readonly addresses6: readonly InterfaceAddress[];
  /** Multicast groups joined, as HOST's maddr.json says; undefined when it does not. Four words each. */
  readonly groups4: readonly Int32Array[] | undefined;
  readonly groups6: readonly Int32Array[] | undefined;
  /** Has `LOWER_UP` and no `NO-CARRIER`. */
  readonly hasCarrier: boolean;
  readonly isMulticast: boolean;
  readonly isNoarp: boolean;
  /** Id of the VRF it is, or is a port of, directly or below a bridge; 0 when none. */
  readonly l3mdev: number;
  /** Table of a VRF interface, 0 when it is none or HOST does not say. */
  readonly vrfTable: number;
  readonly conf4: DeviceConf4;
  readonly conf6: DeviceConf6;
}
