// The planted faults: each a small change of the source that the simulation must notice. mutants.ts makes them in a copy of the
// repository.

export interface PlantedFault {
  readonly name: string;
  readonly edits: readonly SourceEdit[];
}

export interface SourceEdit {
  readonly file: string;
  /** Exactly once in the file. */
  readonly from: string;
  readonly to: string;
}

export const plantedFaults: readonly PlantedFault[] = [
  {
    name: 'an upload is acknowledged before the sync',
    edits: [
      {
        file: 'src/core/upload.ts',
        from: 'await Promise.all(await uploadInTurn(projects, targets, origin));',
        to: 'void Promise.all(await uploadInTurn(projects, targets, origin));',
      },
    ],
  },
  {
    name: 'a PATCH is acknowledged before the sync',
    edits: [
      {
        file: 'src/core/project-udt.ts',
        from: 'await durable;\n    return state;\n  }\n\n  /** UDT-8. */',
        to: 'return state;\n  }\n\n  /** UDT-8. */',
      },
    ],
  },
  {
    name: 'since is one too high: an object is missed',
    edits: [
      {
        file: 'src/core/selected-feed.ts',
        from: 'seqno <= (since.get(serverId) ?? 0);',
        to: 'seqno <= (since.get(serverId) ?? 0) + 1;',
      },
    ],
  },
  {
    name: 'since is one too low: an object comes again',
    edits: [
      {
        file: 'src/core/selected-feed.ts',
        from: 'seqno <= (since.get(serverId) ?? 0);',
        to: 'seqno < (since.get(serverId) ?? 0);',
      },
    ],
  },
  {
    name: 'a group is accepted in part',
    edits: [
      {
        file: 'src/store/received-groups.ts',
        from: 'if (open.length < record.groupSize) continue;',
        to: '',
      },
      {
        file: 'src/store/received-groups.ts',
        from: 'if (record.groupIndex !== before.length) throw misplaced(record, `is no. ${before.length} of a group here`);',
        to: '',
      },
      {
        file: 'src/core/replica-reader.ts',
        from: 'while (bytes < this.pageBytes && this.position < until) {',
        to: 'while (records.length === 0 && this.position < until) {',
      },
      {
        file: 'src/core/replica-reader.ts',
        from: 'for (const { bytes: recordBytes } of group) {',
        to: 'for (const { bytes: recordBytes } of group.slice(0, 1)) {',
      },
    ],
  },
  {
    name: 'an object is new because the document lacks it, not by the uuid index (REP-6)',
    edits: [
      {
        file: 'src/core/received-batch.ts',
        from: 'const isKnown = this.state.log.uuids.has(kind, versionUuid);',
        to: "const isKnown = this.state.keeper.current?.document.doc.getMap('entries').has(versionUuid) ?? false;",
      },
    ],
  },
  {
    name: 'a restored server keeps its server id, and gives seqnos again (REP-8)',
    edits: [
      {
        file: 'src/store/life.ts',
        from: 'serverId: serverId ?? 1 +',
        to: 'serverId: serverId ?? (await readLife(store))?.serverId ?? 1 +',
      },
    ],
  },
  {
    name: 'a restored server keeps its clientIDs (REP-8)',
    edits: [
      {
        file: 'src/store/client-ids.ts',
        from: 'const key = keys.clients(serverId);\n  const sealed',
        to: 'const key = keys.clients(1);\n  const sealed',
      },
      {
        file: 'src/store/client-ids.ts',
        from: 'const key = keys.clients(serverId);\n  return',
        to: 'const key = keys.clients(1);\n  return',
      },
    ],
  },
  {
    name: 'a server of whose sequence others know more keeps its server id (REP-8)',
    edits: [
      {
        file: 'src/core/replicas.ts',
        from: 'if (seqno <= known) return;',
        to: 'if (seqno <= known || known >= 0) return;',
      },
      {
        file: 'src/core/project-replica.ts',
        from: 'if (!ahead) return;',
        to: 'if (!ahead || own >= 0) return;',
      },
    ],
  },
  {
    name: 'changes are relayed before the sync (REP-3)',
    edits: [
      {
        file: 'src/core/live-log.ts',
        from: 'track: (written) => this.writing.track(written, () => this.show(groups)),',
        to: 'track: (written) => (queueMicrotask(() => this.show(groups)), this.writing.track(written, () => undefined)),',
      },
    ],
  },
  {
    name: 'an update whose base is missing is logged (YJS-8)',
    edits: [
      {
        file: 'src/core/project-updates.ts',
        from: "const check = checkUpdate(doc, update);\n      if (check.type === 'missing') {",
        to: "const found = checkUpdate(doc, update);\n      const check = found.type === 'fits' ? found : { type: 'fits', newClients: new Set<number>() };\n      if (check.type === 'missing') {",
      },
      {
        file: 'src/core/document.ts',
        from: "if (lack !== null) throw new RejoinError('undecodable', `The update can't be applied: ${lack}`);",
        to: '',
      },
      {
        file: 'src/core/document.ts',
        from: 'if (!first) return null;\n    return {\n      // Yjs',
        to: 'if (!first) return null;\n    if (this.doc.store.pendingStructs) this.updates.push(this.doc.store.pendingStructs.update);\n    return {\n      // Yjs',
      },
    ],
  },
  {
    name: 'a gap is accepted (REP-3)',
    edits: [
      {
        file: 'src/replication/link-input.ts',
        from: 'if (number > this.lastNumber + 1)',
        to: 'if (this.lastNumber === 0 && number > 1)',
      },
      {
        file: 'src/core/project-replica.ts',
        from: 'if (firstSeqno !== head + 1)',
        to: 'if (firstSeqno < head + 1)',
      },
    ],
  },
  {
    name: "another server's tombstone is ignored (REP-14)",
    edits: [
      {
        file: 'src/core/replicas.ts',
        from: 'if (isNews) await',
        to: 'if (isNews && theirs.lifecycle % 2 === 0) await',
      },
    ],
  },
  {
    name: 'a UDT version of another epoch is answered with patches (UDT-3)',
    edits: [
      {
        file: 'src/core/udt-versions.ts',
        from: 'async after(since: number): Promise<readonly VersionRecord[] | null> {',
        to: 'async after(given: number): Promise<readonly VersionRecord[] | null> {\n    const since = this.epoch * epochSize + (given % epochSize);',
      },
    ],
  },
  {
    name: 'a session that is made in slices is in the catalogue from its first one on',
    edits: [
      {
        file: 'src/store/project-entry.ts',
        from: 'if (!before && isUnfinished) {',
        to: 'if (!before && isUnfinished && position < 1) {',
      },
    ],
  },
  {
    name: 'an unfinished session is taken for whole',
    edits: [
      {
        file: 'src/core/project-replica.ts',
        from: 'return next ? isSliceOrClosing(next) : isUnfinished;',
        to: 'return next !== undefined && isSliceOrClosing(next);',
      },
    ],
  },
  {
    name: 'an unfinished session is sent as whole',
    edits: [
      {
        file: 'src/core/replica-reader.ts',
        from: 'isUnfinished: part !== null && (await this.goesOn(part))',
        to: 'isUnfinished: false',
      },
    ],
  },
  {
    name: 'a snapshot is taken of which a piece is missing (REP-7)',
    edits: [
      {
        file: 'src/core/take-arrival.ts',
        from: 'for await (const { piece, records } of arrival.read()) {',
        to: 'let pieces = 0;\n  for await (const { piece: sent, records } of arrival.read()) {\n    const piece = sent.length > 0 && ++pieces === 2 ? new Uint8Array() : sent;',
      },
      {
        file: 'src/core/take-arrival.ts',
        from: 'if (loader.lack !== null)',
        to: 'if (pieces < 0)',
      },
    ],
  },
  {
    name: 'a twin keeps its server id (REP-9)',
    edits: [
      {
        file: 'src/replication/link.ts',
        from: 'await this.options.replicas.renewLife(end.message, this.own.serverId);',
        to: 'await Promise.resolve();',
      },
    ],
  },
];
