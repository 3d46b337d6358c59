/** hashTuple4 and hashTuple6 of src/base/hash.ts; `ports` is source port << 16 | destination port. */

export function mix32(h: i32): i32 {
  h ^= h >>> 16;
  h *= 0x85ebca6b;
  h ^= h >>> 13;
  h *= 0xc2b2ae35;
  return h ^ (h >>> 16);
}

export function hashTuple4(saddr: i32, daddr: i32, ports: i32, l4proto: i32): i32 {
  let h = (saddr * 0x9e3779b1) ^ (daddr * 0x85ebca77);
  h ^= ports * 0xc2b2ae3d;
  return mix32(h + l4proto * 0x27d4eb2f);
}

export function hashTuple6(saddr: v128, daddr: v128, ports: i32, l4proto: i32): i32 {
  let h = i32x4.extract_lane(saddr, 0) * 0x9e3779b1 + 0x165667b1;
  h = (rotl<i32>(h, 13) * 0x85ebca77) ^ i32x4.extract_lane(saddr, 1);
  h = (rotl<i32>(h, 13) * 0x85ebca77) ^ i32x4.extract_lane(saddr, 2);
  h = (rotl<i32>(h, 13) * 0x85ebca77) ^ i32x4.extract_lane(saddr, 3);
  h = (rotl<i32>(h, 13) * 0x85ebca77) ^ i32x4.extract_lane(daddr, 0);
  h = (rotl<i32>(h, 13) * 0x85ebca77) ^ i32x4.extract_lane(daddr, 1);
  h = (rotl<i32>(h, 13) * 0x85ebca77) ^ i32x4.extract_lane(daddr, 2);
  h = (rotl<i32>(h, 13) * 0x85ebca77) ^ i32x4.extract_lane(daddr, 3);
  h ^= ports * 0xc2b2ae3d;
  return mix32(h + l4proto * 0x27d4eb2f);
}

/** The one of both that it takes: of an IPv4 address the first word counts. */
export function hashTuple(saddr: v128, daddr: v128, ports: i32, l4proto: i32, isIpv4: bool): i32 {
  return isIpv4
    ? hashTuple4(i32x4.extract_lane(saddr, 0), i32x4.extract_lane(daddr, 0), ports, l4proto)
    : hashTuple6(saddr, daddr, ports, l4proto);
}
