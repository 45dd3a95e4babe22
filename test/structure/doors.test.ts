import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

/**
 * A room or sub-room has one file that says, before anything else, what it is for, what it may touch and what it promises:
 * whoever is new begins to read there.
 */
const root = fileURLToPath(new URL('../../../', import.meta.url));
const DOOR = /^\/\*\*\n \* The door of `([^`]+)`/;
const rooms = folders('src');

test('each room has one door, and so has each folder in it', () => {
  const found = rooms.flatMap(sources).flatMap((path) => {
    const door = DOOR.exec(readFileSync(join(root, path), 'utf8'));
    return door ? [door[1]] : [];
  });
  const wanted = rooms.flatMap((room) => [room, ...folders(room)]).map((path) => path.slice('src/'.length));
  assert.deepEqual(found.sort(), wanted.sort());
});

test('a door is in the room that it is the door of', () => {
  for (const path of rooms.flatMap(sources)) {
    const name = DOOR.exec(readFileSync(join(root, path), 'utf8'))?.[1];
    if (name !== undefined) assert.equal(path.slice(0, path.lastIndexOf('/')), `src/${name}`);
  }
});

function sources(room: string): string[] {
  return readdirSync(join(root, room), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function folders(room: string): string[] {
  return readdirSync(join(root, room), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${room}/${entry.name}`);
}
