/*
 * The status page: asks for /status.json, and shows it. Everything is put in as text, so that no name is ever markup, and
 * what is shown is replaced, so that a page that stays open does not grow. It needs nothing from anywhere else.
 */

const POLL_MS = 2_000;
const PATIENCE_MS = 8_000;
/** A queue with a hundred thousand users takes seconds to tell of them. */
const FLEET_PATIENCE_MS = 60_000;
const TOKEN = 'cyrus-sync-token';
/** Rows of a table of a fleet; `cyrus-sync fleet status` has all of them. */
const MOST_ROWS = 200;

const WORDS = {
  good: ['copying', 'idle', 'ended', 'moving', 'done'],
  bad: ['replica-ill', 'waiting-for-replica', 'host-out-of-files', 'failed', 'needs-person', 'no answer'],
};

const byId = (id) => document.getElementById(id);
const texts = new WeakMap();
let chosen = null;
let latest;
/** A look at the fleet is under way; what this process does itself is shown meanwhile. */
let asksFleet = false;

/** Sets a text only where it changed, so that whoever has it read aloud hears nothing twice. */
function setText(element, text) {
  if (texts.get(element) === text) return;
  texts.set(element, text);
  element.textContent = text;
}

/** The word for how something stands. */
function setWord(element, word) {
  setText(element, word);
  element.className = `word ${WORDS.good.includes(word) ? 'good' : WORDS.bad.includes(word) ? 'bad' : 'wait'}`;
}

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function number(value) {
  return value.toLocaleString('en');
}

function octets(value) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let left = value;
  while (left >= 1_000 && unit < units.length - 1) {
    left /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || left >= 100 ? Math.round(left) : left.toFixed(1)} ${units[unit]}`;
}

function duration(seconds) {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function showFigures(list, figures) {
  const wanted = JSON.stringify(figures);
  if (texts.get(list) === wanted) return;
  texts.set(list, wanted);
  list.replaceChildren(
    ...figures.map(([name, value]) => {
      const pair = document.createElement('div');
      pair.append(element('dt', name), element('dd', value));
      return pair;
    }),
  );
}

function showRows(table, rows, none) {
  const body = table.tBodies[0];
  const shown = rows.length > 0 ? rows : [[none]];
  const wanted = JSON.stringify(shown);
  if (texts.get(body) === wanted) return;
  texts.set(body, wanted);
  body.replaceChildren(
    ...shown.map((cells) => {
      const row = document.createElement('tr');
      row.append(
        ...cells.map((cell, index) => element('td', cell, table.tHead.rows[0].cells[index].className)),
      );
      if (cells.length === 1) row.cells[0].colSpan = table.tHead.rows[0].cells.length;
      return row;
    }),
  );
}

function figuresOf({ view }) {
  const { users, rolling, rateNow, rateAverage } = view;
  const figures = [
    ['Messages', number(view.messages)],
    ['Mail', octets(view.octets)],
    ['Rate now', `${octets(rateNow.octets)}/s, ${rateNow.messages.toFixed(0)}/s`],
    ['On average', `${octets(rateAverage.octets)}/s`],
    ['Running for', duration(view.elapsedMs / 1_000)],
  ];
  if (rolling) {
    const { backlog, lag, lastSuccess, quarantined } = rolling;
    return [
      ['Lag', lag.lastSeconds === null ? 'nothing yet' : duration(lag.lastSeconds)],
      ['Lines not done', backlog ? number(backlog.lines) : 'not told yet'],
      [
        'Oldest of them',
        backlog?.oldestSeconds ? duration(backlog.oldestSeconds + backlog.agoMs / 1_000) : 'none',
      ],
      ['In quarantine', number(quarantined.length)],
      ['Last success', lastSuccess === null ? 'none yet' : new Date(lastSuccess).toLocaleString()],
      ['Pieces of work done', number(users.done)],
      ...figures,
    ];
  }
  return [
    [
      'Users done',
      `${number(users.done + users.absent)} of ${number(users.found)}${users.allFound ? '' : '+'}`,
    ],
    ['At work', number(users.running)],
    ['Waiting', number(users.waiting + users.waitingForLock + users.waitingToRetry)],
    ['Failed', number(users.failed)],
    ['Locked', number(users.locked)],
    ['Time left', view.secondsLeft === null ? 'not known yet' : duration(view.secondsLeft)],
    ...figures,
  ];
}

function connectionRows({ view }) {
  return view.connections.flatMap(({ connection, standing, work }) => {
    if (work.length === 0) return [[connection, standing.word, '', '', '']];
    return work.map((user) => [
      connection,
      user.standing.word,
      user.user,
      duration(user.forMs / 1_000),
      number(user.messages),
    ]);
  });
}

function userRows({ users, view }) {
  const inQuarantine = new Set((view.rolling?.quarantined ?? []).map(({ user }) => user));
  const retried = users.waitingToRetry.filter(({ user }) => !inQuarantine.has(user));
  const sorts = [...users.failed, ...retried, ...users.waitingForLock, ...users.slow];
  const quarantined = (view.rolling?.quarantined ?? []).map(({ user, code, message, failures }) => [
    user,
    'in quarantine',
    `${code}: ${message} (${failures} failures)`,
    '',
  ]);
  return [
    ...quarantined,
    ...sorts.map(({ user, standing, forMs }) => [
      user,
      standing.word,
      standing.reason ?? '',
      duration(forMs / 1_000),
    ]),
  ];
}

function showFailures(failures) {
  byId('failures-section').hidden = failures.length === 0;
  const list = byId('failures');
  const wanted = JSON.stringify(failures.map(({ user, code, message }) => [user, code, message]));
  if (texts.get(list) === wanted) return;
  texts.set(list, wanted);
  list.replaceChildren(
    ...failures.map(({ user, message, hint }) => {
      const item = element('li', `${user}: ${message} `);
      if (hint !== null) item.append(element('span', `(${hint})`, 'hint'));
      return item;
    }),
  );
}

function showVerification({ verification }) {
  const { verdicts, differences, oldestSeconds } = verification;
  const names = {
    proven: 'Proven the same',
    different: 'Different',
    changing: 'Changing',
    repaired: 'Repaired',
  };
  showFigures(byId('verification'), [
    ...Object.entries(names).map(([key, name]) => [name, number(verdicts[key])]),
    ['Differences', number(differences)],
    ['Everybody within', oldestSeconds === null ? 'not yet' : duration(oldestSeconds)],
  ]);
}

const charts = new Map();

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** One curve; made at the first look, given other points at each further one. */
function showChart(id, points, label, format) {
  const place = byId(id);
  const width = place.clientWidth;
  if (width === 0) return;
  const known = charts.get(id);
  if (known && known.width === width) {
    known.setData(points);
    return;
  }
  if (known) known.destroy();
  const axis = { stroke: () => colour('--faint'), grid: { stroke: () => colour('--line'), width: 1 } };
  const options = {
    width,
    height: 130,
    cursor: { show: false },
    legend: { show: false },
    axes: [axis, { ...axis, size: 70, values: (_chart, values) => values.map(format) }],
    scales: { y: { range: (_chart, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
    series: [{}, { label, stroke: () => colour('--accent'), width: 2, spanGaps: true }],
  };
  charts.set(id, new window.uPlot(options, points, place));
}

function showCharts({ history, view }) {
  const times = history.map(({ at }) => at);
  const curve = (key) => [times, history.map((sample) => sample[key])];
  const isRolling = view.rolling !== null;
  byId('lag-figure').hidden = !isRolling;
  byId('backlog-figure').hidden = !isRolling;
  showChart('rate-chart', curve('octetsPerSecond'), 'octets a second', octets);
  if (!isRolling) return;
  showChart('lag-chart', curve('lagSeconds'), 'seconds', (value) => `${value} s`);
  showChart('backlog-chart', curve('backlogLines'), 'lines', number);
}

function showChannels(channels) {
  const nav = byId('channels');
  const names = channels.map(({ channel }) => channel ?? 'default');
  nav.hidden = names.length < 2;
  if (texts.get(nav) !== JSON.stringify(names)) {
    texts.set(nav, JSON.stringify(names));
    nav.replaceChildren(
      ...names.map((name, index) => {
        const button = element('button', name);
        button.type = 'button';
        button.addEventListener('click', () => {
          chosen = channels[index].channel;
          show(latest);
        });
        return button;
      }),
    );
  }
  for (const [index, button] of [...nav.children].entries()) {
    button.setAttribute('aria-pressed', String(channels[index].channel === chosen));
  }
}

function partText(part) {
  return part ? `, fleet ${part.fleet}, wave ${part.wave}, slice ${part.slice}` : '';
}

function fewRows(rows) {
  const more = rows.length - MOST_ROWS;
  return more > 0 ? [...rows.slice(0, MOST_ROWS), [`and ${number(more)} more`]] : rows;
}

function needyRow({ user, wave, master, replica, result, reason }) {
  const error = result?.error;
  const why = error
    ? `${error.code}: ${error.message}${error.hint ? ` (${error.hint})` : ''}`
    : (reason ?? '');
  return [user, wave, `${master}, ${replica}`, why];
}

/** The same as `cyrus-sync fleet status`. */
function showFleet({
  fleet,
  standing,
  users,
  onNoSlice,
  needy,
  waves,
  gates,
  agents,
  octets: moved,
  rate,
  secondsLeft,
}) {
  setText(byId('h-fleet'), `Fleet ${fleet}`);
  setWord(byId('fleet-word'), standing);
  setText(byId('fleet-reason'), `${number(users.proven)} of ${number(users.all)} users proven identical`);
  byId('fleet-progress').hidden = false;
  byId('fleet-progress').value = users.all === 0 ? 0 : (users.proven + users.cancelled) / users.all;
  showFigures(byId('fleet-figures'), [
    ['To do', number(users.left)],
    ['Need a person', number(users.needPerson)],
    ...(onNoSlice > 0 ? [['On no slice yet', number(onNoSlice)]] : []),
    ['Cancelled', number(users.cancelled)],
    ['Time left', secondsLeft === undefined ? 'not known yet' : duration(secondsLeft)],
    ['Mail', octets(moved)],
    ['Rate', rate === undefined ? 'not known yet' : `${octets(rate)}/s`],
  ]);
  const waveRow = ({ name, done, all, proven, left, needPerson, cancelled }) => [
    ...[name, done ? 'done' : '', `${number(proven)} of ${number(all)}`],
    ...[left, needPerson, cancelled].map(number),
  ];
  showRows(byId('fleet-waves'), fewRows(waves.map(waveRow)), 'none was started');
  const gateRow = ({ name, held, limit, paused }) => [
    ...[name.replace('/', ' '), `${held} of ${limit}`, paused ? 'paused' : ''],
  ];
  showRows(byId('fleet-gates'), fewRows(gates.map(gateRow)), 'none');
  const ago = (seen) => duration(Math.max(0, (Date.now() - seen) / 1_000));
  const agentRow = ({ name, slice, seen, isLost }) => [
    ...[
      name,
      isLost ? 'no sign of life' : slice === null ? 'waits' : 'at work',
      `${ago(seen)} ago`,
      slice ?? '',
    ],
  ];
  const lostFirst = [...agents].sort((one, other) => Number(other.isLost) - Number(one.isLost));
  showRows(byId('fleet-agents'), fewRows(lostFirst.map(agentRow)), 'none has given a sign of life');
  const more = users.needPerson - needy.length;
  showRows(
    byId('fleet-needy'),
    [
      ...needy.map(needyRow),
      ...(more > 0 ? [[`and ${number(more)} more: cyrus-sync fleet users failed`]] : []),
    ],
    'nobody',
  );
}

async function lookAtFleet(isPart) {
  byId('fleet').hidden = !isPart;
  if (!isPart || asksFleet) return;
  asksFleet = true;
  try {
    const response = await fetch('fleet.json', {
      headers: authorization(),
      signal: AbortSignal.timeout(FLEET_PATIENCE_MS),
    });
    if (!response.ok) throw new Error(await response.text());
    showFleet(await response.json());
  } catch (error) {
    setWord(byId('fleet-word'), 'no answer');
    setText(byId('fleet-reason'), error.message);
  } finally {
    asksFleet = false;
  }
}

function show(status) {
  const { channels, version, control } = status;
  const channel = channels.find((each) => each.channel === chosen) ?? channels[0];
  if (!channel) {
    setText(byId('version'), version);
    setText(byId('word'), 'waiting');
    setText(byId('reason'), 'nothing was begun yet');
    return;
  }
  chosen = channel.channel;
  const { view } = channel;
  const { word, reason = '' } = view.standing;
  setText(byId('version'), version);
  setWord(byId('word'), word);
  setText(byId('reason'), reason);
  document.title = `${word} · ${channel.channel ?? 'cyrus-sync'}`;
  setText(
    byId('route'),
    `${view.mode ?? ''} to ${view.server}${channel.channel ? `, channel ${channel.channel}` : ''}${partText(channel.part)}`,
  );
  byId('progress').hidden = view.done === null;
  byId('progress').value = view.done ?? 0;
  showChannels(channels);
  showFigures(byId('figures'), figuresOf(channel));
  const most = view.connectionsMost;
  setText(
    byId('connections-most'),
    most ? `${view.connections.length} of at most ${most.most} (${most.why})` : '',
  );
  showRows(byId('connections'), connectionRows(channel), 'none is up');
  showRows(byId('users-table'), userRows(channel), 'nobody is at work, waits or has failed');
  showFailures(view.failures);
  showVerification(channel);
  const { bwlimit, pauses } = view.steering;
  showFigures(byId('settings'), [
    ...Object.entries(channel.settings),
    ['bwlimit', bwlimit === null ? 'off' : `${octets(bwlimit)}/s`],
    ...(pauses.length > 0 ? [['paused by', pauses.join('; ')]] : []),
  ]);
  showCharts(channel);
  byId('control').hidden = !(control && channel.steers);
  const token = sessionStorage.getItem(TOKEN);
  byId('orders').hidden = token === null;
  byId('token-form').hidden = token !== null;
}

function authorization() {
  const token = sessionStorage.getItem(TOKEN);
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

function trouble(text) {
  byId('trouble').hidden = text === '';
  setText(byId('trouble'), text);
}

async function look() {
  const response = await fetch('status.json', {
    headers: authorization(),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (response.status === 401 || response.status === 403) {
    sessionStorage.removeItem(TOKEN);
    byId('control').hidden = false;
    byId('orders').hidden = true;
    byId('token-form').hidden = false;
    trouble('The token is needed to look from another host');
    return;
  }
  if (!response.ok) throw new Error(`status ${response.status}`);
  latest = await response.json();
  trouble('');
  show(latest);
  void lookAtFleet(latest.fleet === true);
}

async function keepLooking() {
  try {
    if (!document.hidden) await look();
  } catch {
    trouble('The process does not answer: it has ended, or cannot be reached');
  }
  setTimeout(keepLooking, POLL_MS);
}

async function order(what) {
  const response = await fetch('steer', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization() },
    body: JSON.stringify({ channel: chosen, ...what }),
  });
  if (response.status === 401) sessionStorage.removeItem(TOKEN);
  setText(byId('answer'), response.ok ? `${what.order}: done` : `${what.order}: ${await response.text()}`);
  await look();
}

function octetsOf(text) {
  if (text === 'off') return null;
  const [, digits, unit] = /^([0-9]+)([kmg]?)$/i.exec(text);
  return Number(digits) * 1_024 ** ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase());
}

function onSubmit(id, act) {
  byId(id).addEventListener('submit', (event) => {
    event.preventDefault();
    void act();
  });
}

onSubmit('token-form', async () => {
  sessionStorage.setItem(TOKEN, byId('token').value);
  byId('token').value = '';
  await look();
});
byId('pause').addEventListener('click', () => void order({ order: 'pause' }));
byId('resume').addEventListener('click', () => void order({ order: 'resume' }));
onSubmit('workers-form', async () => {
  const text = byId('workers').value;
  await order({ order: 'workers', limit: text === 'auto' ? text : Number(text) });
});
onSubmit(
  'bwlimit-form',
  async () => await order({ order: 'bwlimit', octets: octetsOf(byId('bwlimit').value) }),
);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) look().catch(() => {});
});
void keepLooking();
