// Asks each second, and shows what it is told: as text, never as markup.
'use strict';

const KEPT = 600;
const points = [];

const element = (id) => document.getElementById(id);
const say = (id, text) => { element(id).textContent = text; };
const number = (value) => (value == null ? '–' : Math.round(value).toLocaleString('en'));
const rate = (value) => (value == null ? '–' : value < 10 ? String(Math.round(value * 10) / 10) : number(value));

function time(seconds) {
  if (seconds == null) return '–';
  if (seconds < 1e-3) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toPrecision(3)} ms`;
  return `${seconds.toPrecision(3)} s`;
}

function age(seconds) {
  const parts = [];
  let left = Math.floor(seconds);
  for (const [size, name] of [[86400, 'd'], [3600, 'h'], [60, 'm'], [1, 's']]) {
    if (left >= size || (size === 1 && parts.length === 0)) parts.push(`${Math.floor(left / size)}${name}`);
    left %= size;
  }
  return parts.slice(0, 2).join(' ');
}

function make(name, text, kind) {
  const made = document.createElement(name);
  if (text != null) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

// ----- charts ---------------------------------------------------------------------

const WIDTH = 480, HEIGHT = 176, LEFT = 52, BOTTOM = 20, TOP = 8;

// Each series: its name, its colour, and what it takes from a point.
const CHARTS = [
  { id: 'chart-requests', format: rate, series: [['answers', 'one', (p) => p.requests], ['5xx', 'two', (p) => p.errors]] },
  { id: 'chart-latency', format: time, series: [
    ['p50', 'p50', (p) => p.latency[0]], ['p90', 'p90', (p) => p.latency[1]],
    ['p99', 'p99', (p) => p.latency[2]], ['p99.9', 'p999', (p) => p.latency[3]]] },
  { id: 'chart-load', format: number, series: [
    ['in flight', 'one', (p) => p.in_flight], ['queued', 'three', (p) => p.queued]] },
  { id: 'chart-connections', format: number, series: [['open', 'one', (p) => p.connections]] },
];

function draw(name, attributes, parent) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

// The smallest of 1, 2 and 5 times a power of ten that is not less.
function round(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((part) => part * power).find((end) => end >= value * 0.999999);
}

function legend(chart, point) {
  chart.legend.replaceChildren(...chart.series.map(([name, kind, of]) => {
    const entry = make('span');
    entry.append(make('i', null, kind), `${name} `, make('b', point ? chart.format(of(point)) : '–'));
    return entry;
  }));
}

function show(chart) {
  const last = points.length ? points[points.length - 1].time : 0;
  const first = points.length ? points[0].time : 0;
  const span = [60, 120, 300, KEPT].find((most) => last - first <= most) || KEPT;
  const values = chart.series.flatMap(([, , of]) => points.map(of)).filter((value) => value != null);
  const top = round(Math.max(...values, chart.format === time ? 1e-6 : 1));
  const x = (at) => LEFT + (WIDTH - LEFT - 6) * (1 - (last - at) / span);
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const svg = chart.svg;
  svg.replaceChildren();
  for (const part of [0, 0.5, 1]) {
    draw('line', { class: 'grid', x1: LEFT, x2: WIDTH - 6, y1: y(part * top), y2: y(part * top) }, svg);
    draw('text', { x: LEFT - 6, y: y(part * top) + 4, 'text-anchor': 'end' }, svg).textContent = chart.format(part * top);
  }
  draw('text', { x: LEFT, y: HEIGHT - 4 }, svg).textContent = `${age(span)} ago`;
  draw('text', { x: WIDTH - 6, y: HEIGHT - 4, 'text-anchor': 'end' }, svg).textContent = 'now';
  for (const [, kind, of] of chart.series) {
    // A second without any request has no latency: the line has a gap there.
    const lines = [[]];
    for (const point of points) {
      if (of(point) == null) lines.push([]);
      else if (point.time >= last - span) lines[lines.length - 1].push(`${x(point.time).toFixed(1)},${y(of(point)).toFixed(1)}`);
    }
    for (const line of lines.filter((all) => all.length)) {
      if (line.length === 1) line.push(line[0].replace(/^[^,]*/, (at) => (Number(at) + 1).toFixed(1)));
      draw('polyline', { class: kind, points: line.join(' ') }, svg);
    }
  }
  const at = chart.at && points.find((point) => x(point.time) >= chart.at);
  if (at) draw('line', { class: 'here', x1: x(at.time), x2: x(at.time), y1: TOP, y2: HEIGHT - BOTTOM }, svg);
  legend(chart, at || points[points.length - 1]);
}

for (const chart of CHARTS) {
  const place = element(chart.id);
  chart.legend = make('div', null, 'legend');
  place.append(chart.legend);
  chart.svg = draw('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': place.parentNode.firstChild.textContent }, place);
  chart.svg.addEventListener('pointermove', (event) => {
    const box = chart.svg.getBoundingClientRect();
    chart.at = (event.clientX - box.left) / box.width * WIDTH;
    show(chart);
  });
  chart.svg.addEventListener('pointerleave', () => { chart.at = null; show(chart); });
}

// ----- figures ---------------------------------------------------------------------

function list(id, counts, always) {
  const shown = Object.entries(counts).filter(([, count]) => always || count > 0);
  const lines = shown.flatMap(([name, count]) => [make('dt', name.replaceAll('_', ' ')), make('dd', number(count))]);
  element(id).replaceChildren(...(lines.length ? lines : [make('dt', 'none')]));
}

function worker(it) {
  const row = make('tr');
  const busy = it.threads ? `${it.threads.busy} of ${it.threads.busy + it.threads.idle}` : number(it.in_flight);
  row.append(make('td', it.number), make('td', it.process), make('td', it.state, it.state), make('td', age(it.age_seconds)));
  row.append(make('td', `${number(it.memory_bytes / 1048576)} MiB`), make('td', number(it.requests)), make('td', number(it.connections)));
  row.append(make('td', busy), make('td', number(it.late_calls)), make('td', it.running.join(', '), 'text'));
  return row;
}

function mistake(it) {
  const line = make('li');
  const when = new Date(it.time * 1000).toLocaleTimeString();
  line.append(make('span', it.level, it.level), ` ${when} (${it.process}) ${it.text}`);
  return line;
}

function tell(stats) {
  const now = stats.history[stats.history.length - 1];
  element('state').className = stats.ready ? 'good' : 'bad';
  say('state', stats.ending ? 'ends' : stats.ready ? 'serves' : 'no worker serves');
  for (const id of ['version', 'engine', 'process']) say(id, stats[id]);
  say('uptime', age(stats.uptime_seconds));
  say('rate', rate(now && now.requests));
  say('requests', number(stats.requests));
  ['p50', 'p90', 'p99', 'p999'].forEach((id, place) => say(id, time(now && now.latency[place])));
  say('busy', number(stats.threads && stats.threads.busy));
  say('idle', number(stats.threads && stats.threads.idle));
  say('in-flight', number(stats.in_flight));
  say('queued', number(stats.queued));
  say('open', number(stats.connections.open));
  say('accepted', number(stats.connections.accepted));
  say('workers-ready', number(stats.workers.filter((it) => it.state === 'serving').length));
  say('workers-wanted', number(stats.workers_wanted));
  element('workers').replaceChildren(...stats.workers.map(worker));
  list('responses', { ...stats.responses, bytes: stats.response_bytes }, false);
  list('faults', { ...stats.faults, ...stats.refusals }, false);
  list('restarts', stats.restarts, false);
  list('reloads', { ok: stats.reloads.ok, failed: stats.reloads.failed, failed_upgrades: stats.failed_upgrades }, false);
  const errors = stats.errors.map(mistake);
  element('errors').replaceChildren(...(errors.length ? errors : [make('li', 'none')]));
  document.documentElement.dataset.requests = stats.requests;
}

function keep(history) {
  const last = points.length ? points[points.length - 1].time : 0;
  points.push(...history.filter((point) => point.time > last));
  points.splice(0, Math.max(0, points.length - KEPT));
}

async function ask() {
  try {
    // Once all that is known; then what is new, and more after a pause.
    const missed = points.length ? Math.min(KEPT, Math.ceil(Date.now() / 1000 - points[points.length - 1].time) + 5) : KEPT;
    const answer = await fetch(`stats?history=${Math.max(missed, 5)}`, { cache: 'no-store' });
    if (!answer.ok) throw new Error(`${answer.status}`);
    const stats = await answer.json();
    keep(stats.history);
    tell(stats);
    CHARTS.forEach(show);
  } catch (error) {
    element('state').className = 'bad';
    say('state', `no figures (${error.message})`);
  }
  setTimeout(ask, 1000);
}

ask();
