export { decode } from './decode';
