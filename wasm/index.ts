export { number, sort } from './columns';
export { conditionsOf } from './conditions';
export { decode, decodeShare } from './decode';
export { locate } from './locate';
export { walkPcap } from './pcap';
export { sum } from './sum';
export { take } from './take';
