// How a reader waits at the head of a log until there is more, or until it is closed: feeds and the readers for other servers have
// one each.

/** What says when there is more: see FeedSource. */
export interface Moving {
  onMoved(wake: () => void): () => void;
}

export class HeadWait {
  private isOver = false;
  private wake: (() => void) | null = null;

  /** Resolves when the log has moved, or at once when the reader is closed. */
  async moved(log: Moving): Promise<void> {
    if (this.isOver) return;
    await new Promise<void>((resolve) => {
      const stop = log.onMoved(resolve);
      this.wake = () => {
        stop();
        resolve();
      };
    });
    this.wake = null;
  }

  /** The reader is closed: it waits no more. */
  end(): void {
    this.isOver = true;
    this.wake?.();
  }
}
