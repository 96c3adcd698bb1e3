// The people of the UDT race: each labels samples with a client of its own, from what that shows.

import * as Y from 'yjs';
import { isJsonObject } from '../../../src/model/json.ts';
import { V1Screen, samplesOf, v1PollingIntervalMs } from '../../support/udt-v1-screen.ts';
import { V2Client } from '../../support/udt-v2-client.ts';
import { connectProvider } from '../../support/yjs-client.ts';

export interface Address {
  readonly url: string;
  readonly socketUrl: string;
}

export interface Person {
  /** Labels a sample, from what the screen shows. Resolves when the client has its answer. */
  label(index: number, annotation: string): Promise<void>;
  /** Whether the screen shows that a sample is labelled. */
  sees(index: number): boolean;
  /** Resolves when a poll that begins from now on has ended. @throws Error if the client has stopped polling. */
  nextPoll(): Promise<void>;
  leave(): Promise<void>;
}

export type Join = (address: Address, session: string) => Promise<Person>;

export const joinWithV1: Join = ({ url }, session) => joinWithScreen(url, session);

/** It reads the state between the version that is to refresh its screen and its next poll, which brings nothing by itself. */
export const joinWithSlowV1: Join = ({ url }, session) => joinWithScreen(url, session, 430);

async function joinWithScreen(url: string, session: string, comparesMs = 0): Promise<Person> {
  const screen = await V1Screen.join(url, session, { comparesMs });
  return {
    label: (index, annotation) => screen.label(index, annotation),
    sees: (index) => samplesOf(screen.shown)[index]?.['annotation'] !== undefined,
    nextPoll: () => screen.nextPoll(),
    leave: () => screen.stop(),
  };
}

export const joinWithV2: Join = async ({ url }, session) => {
  const client = await V2Client.join(url, session);
  return {
    label: (index, annotation) => client.label(index, annotation),
    sees: (index) => client.samples[index]?.hasAnnotation === true,
    nextPoll: () => client.nextPoll(),
    leave: () => client.stop(),
  };
};

/** It doesn't poll: its next edit comes when a v1 client's would. */
export const joinWithYjs: Join = async ({ socketUrl }, session) => {
  const provider = await connectProvider(socketUrl, session);
  const samples = provider.doc.getMap('udt').get('samples') as Y.Array<Y.Map<unknown>>;
  return {
    label: (index, annotation) => {
      samples.get(index).set('annotation', annotation);
      return Promise.resolve();
    },
    sees: (index) => {
      const sample: unknown = samples.get(index).toJSON();
      return isJsonObject(sample) && sample['annotation'] !== undefined;
    },
    nextPoll: () => new Promise((resolve) => setTimeout(resolve, v1PollingIntervalMs)),
    leave: () => {
      provider.destroy();
      return Promise.resolve();
    },
  };
};
