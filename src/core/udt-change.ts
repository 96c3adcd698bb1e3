// What one change did to `udt`: where its view changed, and the exact edits that say how.

import type { Edit } from './edits.ts';
import type { DirtyPlace } from './y-view.ts';

export interface UdtChange {
  /** None of them lies in another. */
  readonly places: readonly DirtyPlace[];
  /** Each sees the effect of those before it. None, if the places read as before. */
  readonly edits: readonly Edit[];
}
