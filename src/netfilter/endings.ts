import {
  ROUTE_BLACKHOLE,
  ROUTE_MARTIAN,
  ROUTE_MULTICAST,
  ROUTE_NOT_FORWARDING,
  ROUTE_PROHIBIT,
  ROUTE_UNREACHABLE,
  type RouteResult,
} from '../host/types.ts';
import { VERDICT_QUEUE, VERDICT_REJECT, VERDICT_STOLEN, type Verdict } from '../packet/verdict.ts';
import {
  OUTCOME_DROPPED,
  OUTCOME_QUEUED,
  OUTCOME_REJECTED,
  OUTCOME_STOLEN,
  STACK_BLACKHOLE,
  STACK_MARTIAN,
  STACK_NO_ROUTE,
  STACK_NOT_FORWARDING,
  STACK_NOT_LOCAL,
  STACK_PROHIBIT,
  STACK_UNREACHABLE,
} from './outcome.ts';

/** Outcome of a packet that a table did not accept. */
export function stopOutcome(verdict: Verdict): number {
  switch (verdict) {
    case VERDICT_REJECT:
      return OUTCOME_REJECTED;
    case VERDICT_STOLEN:
      return OUTCOME_STOLEN;
    case VERDICT_QUEUE:
      return OUTCOME_QUEUED;
    default:
      return OUTCOME_DROPPED;
  }
}

/** STACK_* reason of a packet that no route takes further. */
export function routeReason(route: RouteResult): number {
  switch (route.kind) {
    case ROUTE_BLACKHOLE:
      return STACK_BLACKHOLE;
    case ROUTE_UNREACHABLE:
      return STACK_UNREACHABLE;
    case ROUTE_PROHIBIT:
      return STACK_PROHIBIT;
    case ROUTE_MARTIAN:
      return STACK_MARTIAN;
    case ROUTE_NOT_FORWARDING:
      return STACK_NOT_FORWARDING;
    case ROUTE_MULTICAST:
      return STACK_NOT_LOCAL;
    default:
      return STACK_NO_ROUTE;
  }
}
