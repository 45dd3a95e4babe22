import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { listByTool } from '../../../src/coordinator/pool/list-by-tool.ts';
import type { PrivateEndpoint } from '../../../src/coordinator/pool/messages.ts';
import { rejectsWith } from '../../lab/errors.ts';

class ToolScene {
  readonly directory = mkdtempSync(join(tmpdir(), 'list-by-tool-'));
  readonly tool = join(this.directory, 'ctl_mboxlist');

  endpoint(tool: string, mode: number): PrivateEndpoint {
    writeFileSync(this.tool, tool, { mode });
    return {
      kind: 'private',
      program: join(this.directory, 'sync_server'),
      configFile: join(this.directory, 'imapd.conf'),
      configdirectory: this.directory,
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

test('names are those that the tool lists', async () => {
  using scene = new ToolScene();
  const endpoint = scene.endpoint(
    "#!/bin/sh\nprintf 'user.anna\\t0 default\\nuser.bert\\t0 default\\n'\n",
    0o755,
  );
  assert.deepEqual(await listByTool(endpoint), ['user.anna', 'user.bert']);
});

test('a tool that fails is named, with what it said', async () => {
  using scene = new ToolScene();
  const endpoint = scene.endpoint('#!/bin/sh\necho no list >&2\nexit 3\n', 0o755);
  await rejectsWith(listByTool(endpoint), 'IO', /ctl_mboxlist ended with 3: no list$/);
});

test('a tool that cannot be started is named, and ends nothing but the listing', async () => {
  using scene = new ToolScene();
  const endpoint = scene.endpoint('', 0o644);
  const error = await rejectsWith(
    listByTool(endpoint),
    'IO',
    /ctl_mboxlist cannot be started: spawn .* EACCES$/,
  );
  assert.ok(error.message.startsWith(scene.tool), error.message);
});
