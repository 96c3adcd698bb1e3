// What the platform says of the network: browsers tell when it comes and goes, Node doesn't.

interface Platform {
  readonly navigator?: { readonly onLine?: boolean };
  readonly addEventListener?: (type: string, listener: () => void) => void;
  readonly removeEventListener?: (type: string, listener: () => void) => void;
}

/** Whether the platform is sure that there is no network. */
export function hasNoNetwork(): boolean {
  return (globalThis as Platform).navigator?.onLine === false;
}

/** @returns ends it. */
export function watchNetwork(onChange: (hasNetwork: boolean) => void): () => void {
  const platform = globalThis as Platform;
  const came = (): void => onChange(true);
  const went = (): void => onChange(false);
  platform.addEventListener?.('online', came);
  platform.addEventListener?.('offline', went);
  return () => {
    platform.removeEventListener?.('online', came);
    platform.removeEventListener?.('offline', went);
  };
}
