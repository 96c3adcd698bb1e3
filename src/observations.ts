// What happens in the core and at the adapters, as log lines for an operator and as counts (GET /healthz).

import type { Logger } from 'pino';
import type { AdapterLog, Wire } from './adapters/log.ts';
import type { ObservedEvent, Observer } from './core/observer.ts';
import type { RejoinError } from './errors.ts';

export class Observations implements Observer, AdapterLog {
  private readonly counted = new Map<string, number>();

  constructor(private readonly log: Logger | undefined) {}

  /** How often each thing happened since the start. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.counted);
  }

  observe(event: ObservedEvent): void {
    this.count(event.type);
    const { detail, ...fields } = event;
    switch (event.type) {
      case 'damage':
      case 'store-failed':
      case 'change-dropped':
        this.log?.error(fields, detail);
        return;
      case 'upkeep-failed':
      case 'object-refused':
      case 'store-recovered':
      case 'client-ids-replaced':
        this.log?.warn(fields, detail);
        return;
      case 'object-overwritten':
      case 'update-without-base':
      case 'value-not-json':
        this.log?.debug(fields, detail);
    }
  }

  refused(wire: Wire, { code, message }: RejoinError): void {
    this.count(`refused-${wire}-${code}`);
    this.log?.debug({ type: 'refused', wire, code }, message);
  }

  defect(wire: Wire, error: unknown): void {
    this.count(`defect-${wire}`);
    this.log?.error({ type: 'defect', wire, err: error }, 'an error of the server');
  }

  private count(name: string): void {
    this.counted.set(name, (this.counted.get(name) ?? 0) + 1);
  }
}
