import { systemClock } from '../../coordinator/clock.ts';
import { SAMPLE_EVERY_MS } from '../../operate/page/history.ts';
import type { WebServer, WebSource } from '../../operate/page/web-server.ts';
import type { EventListener } from '../../report/events.ts';
import { programFolder, programVersion } from '../arguments/program-version.ts';
import type { WebPlan } from '../run-plan/web-plan.ts';

interface Shared {
  opening: Promise<WebServer>;
  sampling: NodeJS.Timeout | undefined;
  channels: number;
}

/** By address: channels side by side in this process share one. */
const servers = new Map<string, Shared>();

/**
 * Has a channel told on the port that its plan names, and opens that port if it is the first there.
 *
 * @returns what is to hear its events; the last to be disposed of closes the port
 * @throws SyncError USAGE if the port cannot be had
 */
export async function joinWeb(
  { settings, ...listen }: WebPlan,
  source: Omit<WebSource, 'settings'>,
): Promise<{ hear: EventListener } & AsyncDisposable> {
  const { server, leave } = await enter(listen);
  return {
    hear: server.add({ ...source, settings }),
    [Symbol.asyncDispose]: async () => {
      if (source.part) server.retire(source.state);
      await leave();
    },
  };
}

/**
 * Keeps the port open for an agent, which has one run after the other, and has the page show the whole fleet.
 *
 * @param look asks how that stands
 * @throws SyncError USAGE if the port cannot be had
 */
export async function holdWeb(
  { settings: _settings, ...listen }: WebPlan,
  look: () => Promise<object>,
): Promise<AsyncDisposable> {
  const { server, leave } = await enter(listen);
  server.tellOfFleet(look);
  return { [Symbol.asyncDispose]: leave };
}

async function enter(
  listen: Omit<WebPlan, 'settings'>,
): Promise<{ server: WebServer; leave(): Promise<void> }> {
  const address = `${listen.host} ${listen.port}`;
  const shared = servers.get(address) ?? { opening: open(listen), sampling: undefined, channels: 0 };
  servers.set(address, shared);
  shared.channels += 1;
  const leave = async (): Promise<void> => {
    shared.channels -= 1;
    if (shared.channels > 0) return;
    servers.delete(address);
    clearInterval(shared.sampling);
    await (await shared.opening)[Symbol.asyncDispose]();
  };
  try {
    const server = await shared.opening;
    shared.sampling ??= setInterval(() => server.sample(Date.now()), SAMPLE_EVERY_MS).unref();
    return { server, leave };
  } catch (caught) {
    servers.delete(address);
    throw caught;
  }
}

/** Loaded only where somebody wants it. */
async function open(listen: Omit<WebPlan, 'settings'>): Promise<WebServer> {
  const [{ WebServer }, { readAssets }] = await Promise.all([
    import('../../operate/page/web-server.ts'),
    import('../../operate/page/read-assets.ts'),
  ]);
  const assets = readAssets(new URL('web/', programFolder()));
  return await WebServer.open({ ...listen, assets, version: programVersion(), now: systemClock.now });
}
