import type { Duplex } from 'node:stream';
import type { ByteString } from '../byte-string.ts';
import { textFromBytes } from '../byte-string.ts';
import { SyncError } from '../report/sync-error.ts';
import type { CommandContext, SessionState } from './commands/command-context.ts';
import { handlers } from './commands/handlers.ts';
import { DEFAULT_GARBAGE, type Fault, type FaultScript } from './fault-script.ts';
import { login, MECHANISMS } from './login.ts';
import type { FilledOptions, RecordedCommand } from './options.ts';
import type { Storage } from './storage/storage.ts';
import { type Command, CommandReader } from './wire/command-reader.ts';
import { refusalText, ServerDeath } from './wire/refusal.ts';
import { discard, Stage } from './wire/stage.ts';
import { Transport } from './wire/transport.ts';

export interface ConnectionSetting {
  number: number;
  options: FilledOptions;
  storage: Storage;
  faults: FaultScript;
  /** A unix socket's peer. */
  trusted: boolean;
  onCommand(command: string): void;
  onRecord(command: RecordedCommand): void;
}

/** Verbs that need no login (protocol 4). */
const OPEN_VERBS = new Set(['NOOP', 'RESTART', 'COMPRESS', 'EXIT', 'AUTHENTICATE', 'STARTTLS']);

/**
 * One client, from banner to end. States: greeting, then commands one after another, until EXIT, the end of the stream,
 * a fault that cuts, or what would be the death of the real server's process.
 */
export class Connection {
  readonly #setting: ConnectionSetting;
  readonly #transport: Transport;
  readonly #reader: CommandReader;
  readonly #stage: Stage;
  readonly #session: SessionState = { force: false, sieveMailbox: false };
  readonly #context: CommandContext;
  #authenticated: boolean;
  #cutInside: Fault | undefined;
  #ended = false;

  constructor(stream: Duplex, setting: ConnectionSetting) {
    this.#setting = setting;
    this.#authenticated = setting.trusted;
    this.#transport = new Transport(stream);
    this.#stage = new Stage(setting.storage, setting.options.partitions);
    const transport = this.#transport;
    this.#context = {
      storage: setting.storage,
      stage: this.#stage,
      session: this.#session,
      conversations: setting.options.conversations,
      enableable: setting.options.enableable,
      send: (piece) => transport.write(piece),
      room: () => transport.room(),
      damaged: false,
      log: (line) => this.#log(line),
    };
    this.#reader = new CommandReader({
      more: async () => {
        // As the real server: answers go out before it waits for more (protocol 1).
        await transport.flush();
        return this.#ended ? undefined : await transport.read();
      },
      begins: (command) => {
        this.#cutInside = setting.faults.strikeInside(command);
      },
      openFile: (command, partition, guid, size) =>
        this.#authenticated && command === 'APPLY MESSAGE'
          ? this.#stage.receive(partition, guid, size)
          : discard(partition, guid, size),
      progress: (octets) => {
        if (this.#cutInside !== undefined && octets >= (this.#cutInside.octets ?? 1)) {
          throw new ServerDeath(`fault: cut after ${octets} octets of a command`);
        }
      },
      isLoggedIn: () => this.#authenticated,
      record: (command) => setting.options.recordCommands !== false && command.startsWith('APPLY '),
    });
  }

  get octetsStaged(): number {
    return this.#stage.octetsReceived;
  }

  get messagesStaged(): number {
    return this.#stage.messagesReceived;
  }

  /** Until the connection is over. Never rejects. */
  async serve(): Promise<void> {
    try {
      const fault = this.#setting.faults.strike('CONNECT', undefined);
      if (fault === undefined || (await this.#suffer(fault))) {
        this.#sendBanner();
        await this.#commands();
      }
    } catch (error) {
      if (error instanceof ServerDeath) await this.#die(error);
      else this.#log(`our bug: ${error instanceof Error ? error.stack : String(error)}`);
    } finally {
      this.#transport.destroy();
      this.#clearStage();
    }
  }

  /** From outside, at once. */
  destroy(): void {
    this.#ended = true;
    this.#transport.destroy();
  }

  /** Ends it as a server that is shut down does. */
  sayBye(): void {
    this.#ended = true;
    this.#transport.write('BYE shutting down\r\n');
    void this.#transport.flush().then(() => this.#transport.end());
  }

  async #commands(): Promise<void> {
    while (!this.#ended) {
      const command = await this.#reader.next();
      if (command === undefined) return;
      const name = command.name === '' ? command.verb : `${command.verb} ${command.name}`;
      this.#setting.onCommand(name);
      if (command.text !== undefined) {
        this.#setting.onRecord({ connection: this.#setting.number, command: name, text: command.text });
      }
      const fault = this.#setting.faults.strike(name, command.value);
      if (fault === undefined) await this.#answer(command, name);
      else if (!(await this.#faulty(fault, command, name))) return;
    }
    await this.#transport.flush();
    this.#transport.end();
  }

  async #answer(command: Command, name: string): Promise<void> {
    if (command.unreadable !== undefined) return this.#line(`BAD ${command.unreadable}`);
    if (!this.#authenticated && !OPEN_VERBS.has(command.verb) && command.name !== '') {
      return this.#line('NO Please authenticate first');
    }
    switch (command.verb) {
      case 'GET':
      case 'APPLY':
      case 'RESTORE':
        return this.#line(await this.#dispatch(command, name));
      case 'NOOP':
        return this.#line('OK Noop completed');
      case 'RESTART':
        this.#stage.clear();
        return this.#line('OK Restarting');
      case 'EXIT':
        this.#ended = true;
        return this.#line('OK Finished');
      case 'AUTHENTICATE':
        return this.#line(await this.#authenticate(command.rest));
      case 'COMPRESS':
        return await this.#compress(command.rest);
      case 'STARTTLS':
        return await this.#startTls();
      case '':
        return this.#line('BAD Null command');
      default:
        return this.#line('BAD IMAP_PROTOCOL_ERROR Unrecognized command');
    }
  }

  async #dispatch(command: Command, name: string): Promise<string> {
    try {
      const handler = handlers.get(name);
      if (handler === undefined) {
        throw new SyncError('IMAP_PROTOCOL_ERROR', 'unknown command', { family: 'refused' });
      }
      await handler(this.#context, command.value);
      return 'OK success';
    } catch (error) {
      if (!(error instanceof SyncError) || error.family !== 'refused') throw error;
      const mailbox = error.mailbox === undefined ? '' : ` ${textFromBytes(error.mailbox)}`;
      this.#log(`${name}${mailbox}: ${error.code}: ${textFromBytes(error.message)}`);
      return `NO ${refusalText(error.code)}`;
    }
  }

  async #authenticate(rest: ByteString): Promise<string> {
    if (this.#authenticated) return 'BAD Already authenticated';
    const { options } = this.#setting;
    const [wanted = '', initial] = rest.split(' ');
    const mechanism = MECHANISMS.find((each) => each === wanted.toUpperCase());
    if (mechanism === undefined || !options.mechanisms.includes(mechanism))
      return 'NO no mechanism available';
    const first = initial === undefined ? undefined : initial === '=' ? '' : fromBase64(initial);
    const result = await login(mechanism, first, options, async (challenge) => {
      this.#line(`+ ${Buffer.from(challenge, 'latin1').toString('base64')}`);
      const line = await this.#reader.line();
      return line === undefined || line === '*' ? undefined : fromBase64(line);
    });
    if (result === 'cancelled') return 'BAD Client canceled authentication';
    if (result === 'failed') {
      this.#log(`login failed with ${mechanism}`);
      return 'NO authentication failure';
    }
    this.#authenticated = true;
    return `OK Success (${this.#transport.encrypted ? 'tls' : 'no'} protection)`;
  }

  async #compress(algorithm: string): Promise<void> {
    if (this.#transport.compressed) return this.#line(`NO Compression already active: ${algorithm}`);
    const offered = this.#setting.options.compression && !this.#transport.encrypted;
    if (!offered || algorithm.toUpperCase() !== 'DEFLATE') {
      return this.#line(`NO Unknown compression algorithm: ${algorithm}`);
    }
    this.#line('OK DEFLATE active');
    await this.#transport.flush();
    this.#reader.giveBack(await this.#transport.startDeflate(this.#reader.takeAhead()));
  }

  async #startTls(): Promise<void> {
    const { tls } = this.#setting.options;
    if (tls === undefined) return this.#line('BAD IMAP_PROTOCOL_ERROR Unrecognized command');
    if (this.#transport.encrypted) return this.#line('BAD Already did a successful Starttls');
    if (this.#authenticated) return this.#line("BAD Can't Starttls after authentication");
    this.#line('OK Begin TLS negotiation now');
    await this.#transport.flush();
    this.#reader.takeAhead();
    await this.#transport.startTls(tls);
    this.#sendBanner();
  }

  #sendBanner(): void {
    const { options } = this.#setting;
    if (!this.#authenticated) {
      if (options.mechanisms.length > 0) this.#line(`* SASL ${options.mechanisms.join(' ')}`);
      if (options.tls !== undefined && !this.#transport.encrypted) this.#line('* STARTTLS');
      if (options.compression && !this.#transport.encrypted) this.#line('* COMPRESS DEFLATE');
      for (const name of options.enableable) this.#line(`* ${name}`);
    }
    this.#line(`* OK ${options.servername} Cyrus sync server ${options.release}-sandbox`);
  }

  /** @returns false when the connection is over */
  async #faulty(fault: Fault, command: Command, name: string): Promise<boolean> {
    const does = fault.do === 'cut-after' || fault.do === 'garbage';
    if (does) {
      await this.#dispatchSilently(command, name);
      this.#transport.discardGathered();
      // What the command did is done; only the word of it is lost.
    }
    if (!(await this.#suffer(fault))) return false;
    if (fault.do === 'delay') await this.#answer(command, name);
    if (fault.do === 'damage') {
      this.#context.damaged = true;
      await this.#answer(command, name);
      this.#context.damaged = false;
    }
    return true;
  }

  async #dispatchSilently(command: Command, name: string): Promise<void> {
    await this.#transport.flush();
    await this.#answer(command, name);
  }

  /** @returns whether to go on with the connection */
  async #suffer(fault: Fault): Promise<boolean> {
    this.#log(`fault: ${fault.do} on ${fault.on}`);
    switch (fault.do) {
      case 'no':
        this.#line(`NO ${fault.text ?? 'Unknown error'}`);
        return true;
      case 'bad':
        this.#line(`BAD ${fault.text ?? 'IMAP_PROTOCOL_ERROR Protocol error'}`);
        return true;
      case 'bye':
        this.#line(`BYE ${fault.text ?? 'shutting down'}`);
        await this.#transport.flush();
        return false;
      case 'damage':
        return true;
      case 'garbage':
        this.#transport.write(fault.text ?? DEFAULT_GARBAGE);
        return true;
      case 'delay':
        await this.#transport.flush();
        await new Promise((resolve) => setTimeout(resolve, fault.milliseconds ?? 0));
        return true;
      case 'stall':
        await this.#transport.flush();
        await this.#transport.closed();
        return false;
      default:
        // What was answered before the cut has arrived.
        await this.#transport.flush();
        return false;
    }
  }

  async #die(death: ServerDeath): Promise<void> {
    this.#log(`the real server would have died here: ${textFromBytes(death.message)}`);
    if (death.line !== undefined) this.#line(death.line);
    await this.#transport.flush();
  }

  #clearStage(): void {
    try {
      this.#stage.clear();
    } catch (error) {
      // The database was closed under a connection that was cut: the sweep at the next start does it.
      this.#log(`stage not cleared: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #line(text: string): void {
    this.#transport.write(`${text}\r\n`);
  }

  #log(line: string): void {
    this.#setting.options.log(`connection ${this.#setting.number}: ${line}`);
  }
}

function fromBase64(text: string): ByteString {
  return Buffer.from(text, 'base64').toString('latin1');
}
