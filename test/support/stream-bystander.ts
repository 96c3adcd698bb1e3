// A client that has nothing to do with what goes on beside it: its stream must go on as if nothing had happened.

import * as assert from 'uvu/assert';
import { newComment, versionsOf, type StreamClient } from './stream-client.ts';

export class StreamBystander {
  private readonly uploaded: string[] = [];

  private constructor(
    private readonly client: StreamClient,
    private readonly project: string,
    private readonly muxId: string,
  ) {}

  static async watch(client: StreamClient, project: string): Promise<StreamBystander> {
    return new StreamBystander(client, project, await client.subscribe(project));
  }

  /** Uploads an object, and sees in the stream all it has uploaded and nothing else. */
  async isUndisturbed(): Promise<void> {
    const object = newComment(this.project);
    this.uploaded.push(object.version_uuid);
    assert.is((await this.client.upload(object))['type'], 'uploaded');
    await this.client.waitForVersion(this.muxId, object.version_uuid);
    assert.equal(versionsOf(this.client.objectsOf(this.muxId)), this.uploaded);
  }
}
