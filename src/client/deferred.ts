// A promise that is settled from outside: what waits for a state of the client.

export class Deferred<T = void> {
  readonly promise: Promise<T>;
  isSettled = false;
  private settle: { resolve: (value: T) => void; reject: (reason: Error) => void } | null = null;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    this.promise.catch(() => undefined); // whoever awaits it hears of it; often nobody does
  }

  resolve(value: T): void {
    this.isSettled = true;
    this.settle?.resolve(value);
  }

  reject(reason: Error): void {
    this.isSettled = true;
    this.settle?.reject(reason);
  }
}
