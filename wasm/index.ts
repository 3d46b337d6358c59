export { decode, decodeShare } from './decode';
