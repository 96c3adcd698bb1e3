// One entry, uploaded past the wire: for tests of the core.

import type { Projects } from '../../src/core/projects.ts';
import { upload } from '../../src/core/upload.ts';
import { checkObject } from '../../src/model/objects.ts';

export function uploadEntry(projects: Projects, projectId: string, uuid: string): Promise<void> {
  const fields = checkObject(
    'entry',
    { version_uuid: uuid, report_uuid: 'r', entry_uuid: `e-${uuid}`, clip_id: '11b', content: {} },
    'entry',
  );
  return upload(projects, [{ kind: 'entry', projectId, fields }], { protocol: 'stream', user: 'anonymous' });
}
